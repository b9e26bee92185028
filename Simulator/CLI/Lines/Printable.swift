extension String {
    /// As it may be printed: what others wrote cannot begin a line of its own, nor steer a
    /// terminal.
    var printable: String {
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            // C0, DEL and C1; and what turns the direction of writing round.
            let isControl =
                scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                || (0x2028...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value)
            text.append(isControl ? "\u{FFFD}" : scalar)
        }
        return String(text)
    }
}
