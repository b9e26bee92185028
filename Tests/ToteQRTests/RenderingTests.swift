import Testing
import ToteQR

struct RenderingTests {
    /// The modules with four light ones around, as they are read from a rendering.
    private func framed(_ code: QRCode, rows: Int) -> [[Bool]] {
        (-4..<rows - 4).map { y in (-4..<code.size + 4).map { code[$0, y] } }
    }

    private func modules(ofTerminalText text: String, drawn: Bool) -> [[Bool]] {
        text.split(separator: "\n").flatMap { line in
            [
                line.map { "█▀".contains($0) == drawn },
                line.map { "█▄".contains($0) == drawn },
            ]
        }
    }

    @Test func `terminals show light modules, or dark ones on demand`() throws {
        for text in ["tote", "https://tote.example/pair?code=483-221&store=market-square"] {
            let code = try QRCode(text)
            // An odd number of rows: the last line has another light one.
            let wanted = framed(code, rows: code.size + 9)
            let onDark = code.terminalText()
            #expect(modules(ofTerminalText: onDark, drawn: false) == wanted)
            #expect(onDark.hasSuffix("\n"))
            let onLight = code.terminalText(invert: true)
            #expect(modules(ofTerminalText: onLight, drawn: true) == wanted)
        }
    }

    @Test func `a line of a terminal is two rows of modules`() throws {
        let lines = try QRCode("tote").terminalText().split(separator: "\n")
        #expect(lines.count == 15)
        #expect(lines[0] == String(repeating: "█", count: 29))
        #expect(lines[2].hasPrefix("████ ▄▄▄▄▄ █"))
        #expect(lines[14] == String(repeating: "█", count: 29))
    }

    @Test(arguments: [1, 3, 8])
    func `a bitmap has each module as a square of pixels`(scale: Int) throws {
        let code = try QRCode("tote")
        let side = 29 * scale
        let file = code.portableBitmap(scale: scale)
        let header = Array("P4\n\(side) \(side)\n".utf8)
        #expect(Array(file.prefix(header.count)) == header)
        let width = (side + 7) / 8
        let pixels = Array(file.dropFirst(header.count))
        try #require(pixels.count == width * side)
        for y in 0..<side {
            for x in 0..<width * 8 {
                let isBlack = pixels[y * width + x / 8] >> UInt8(7 - x % 8) & 1 == 1
                // What fills the last byte is white.
                #expect(isBlack == (x < side && code[x / scale - 4, y / scale - 4]))
            }
        }
    }

    @Test func `what is around a symbol is light`() throws {
        let code = try QRCode("tote")
        #expect(code[0, 0] && code[20, 0] && code[0, 20])
        for (x, y) in [(-1, 0), (0, -1), (21, 0), (0, 21), (Int.min, Int.max)] {
            #expect(!code[x, y])
        }
    }
}
