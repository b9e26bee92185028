/// Symbols for terminals and as images. Both have the quiet zone that §6.3.8 wants.
extension QRCode {
    /// Light modules on each side of the symbol (§6.3.8).
    private static let quietModules = 4
    /// The most pixels a module of an image may have along a side.
    private static let scaleMax = 64

    /// Lines of half blocks, two rows of modules to a line, each with a newline at its end.
    ///
    /// Drawn in the terminal's foreground is what is light, which suits light text on a dark
    /// background; `invert` draws what is dark, for dark text on a light one.
    public func terminalText(invert: Bool = false) -> String {
        let quiet = Self.quietModules
        var text = ""
        for y in stride(from: -quiet, to: size + quiet, by: 2) {
            for x in -quiet..<size + quiet {
                switch (self[x, y] == invert, self[x, y + 1] == invert) {
                case (true, true): text += "█"
                case (true, false): text += "▀"
                case (false, true): text += "▄"
                case (false, false): text += " "
                }
            }
            text += "\n"
        }
        return text
    }

    /// An image file: a portable bitmap in its binary form, P4, black on white.
    ///
    /// A module has `scale` pixels along a side: 1 to 64.
    public func portableBitmap(scale: Int = 4) -> [UInt8] {
        precondition(scale >= 1 && scale <= Self.scaleMax, "a module of \(scale) pixels")
        let quiet = Self.quietModules
        let side = (size + 2 * quiet) * scale
        var file = Array("P4\n\(side) \(side)\n".utf8)
        for y in -quiet..<size + quiet {
            // A row begins with a whole byte; its leftmost pixel is the highest bit.
            var row = [UInt8](repeating: 0, count: (side + 7) / 8)
            for x in -quiet..<size + quiet where self[x, y] {
                let start = (x + quiet) * scale
                for pixel in start..<start + scale { row[pixel / 8] |= 0x80 >> UInt8(pixel % 8) }
            }
            for _ in 0..<scale { file += row }
        }
        return file
    }
}
