import ToteCommandLine

/// What of a device's world outlives its process: kept in its directory, a line for each.
struct DeviceSettings: Hashable, Sendable {
    var network = NetworkProfile.usual
    /// The wall clock is so much ahead of the true time.
    var skewMilliseconds: Int64 = 0
    /// By how many of a million it runs too fast.
    var driftMillionths: Int64 = 0
    /// How often the device was started anew.
    var boots: UInt64 = 0
    /// The true uptime at the last of these starts: the device's own begins there.
    var bootedMilliseconds: UInt64 = 0
    var isSignedOut = false
    /// Who is signed in, when it is not who the command line says.
    var customer: String?
    var tokenFile: String?

    private static func path(_ directory: String) -> String { directory + "/settings" }

    /// Reads a device's settings; those of a new one when there are none.
    static func load(from directory: String) throws(Files.Failure) -> DeviceSettings {
        var settings = DeviceSettings()
        guard Files.exists(path(directory)) else { return settings }
        let text = String(decoding: try Files.read(path(directory)), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            let value = words.count > 1 ? words[1] : ""
            switch words.first {
            case "net": settings.network = value
            case "clock": settings.skewMilliseconds = Int64(value) ?? 0
            case "drift": settings.driftMillionths = Int64(value) ?? 0
            case "boots": settings.boots = UInt64(value) ?? 0
            case "booted": settings.bootedMilliseconds = UInt64(value) ?? 0
            case "sign-out": settings.isSignedOut = true
            case "customer": settings.customer = value
            case "token-file": settings.tokenFile = value
            default: break  // Legal: written by a later version.
            }
        }
        return settings
    }

    func save(to directory: String) throws(Files.Failure) {
        var lines = ["net \(network)", "clock \(skewMilliseconds)", "boots \(boots)"]
        if driftMillionths != 0 { lines.append("drift \(driftMillionths)") }
        if bootedMilliseconds > 0 { lines.append("booted \(bootedMilliseconds)") }
        if isSignedOut { lines.append("sign-out") }
        if let customer { lines.append("customer \(customer)") }
        if let tokenFile { lines.append("token-file \(tokenFile)") }
        try Files.write(
            Array((lines.joined(separator: "\n") + "\n").utf8), to: Self.path(directory))
    }
}

/// Skews of clocks as people type them: `+1d`, `-10y`.
enum ClockSkew {
    /// Milliseconds; `nil` for another form.
    static func parse(_ text: String) -> Int64? {
        guard let sign = text.first, sign == "+" || sign == "-" else { return nil }
        var rest = String(text.dropFirst())
        var factor: Int64 = sign == "-" ? -1 : 1
        if rest.hasSuffix("y") {
            rest = String(rest.dropLast()) + "d"
            factor *= 365
        }
        guard let duration = DurationText.parse(rest), duration < .seconds(100 * 365 * 86_400)
        else { return nil }
        let milliseconds =
            duration.components.seconds * 1_000 + duration.components.attoseconds
            / 1_000_000_000_000_000
        let (skew, overflowed) = milliseconds.multipliedReportingOverflow(by: factor)
        return overflowed ? nil : skew
    }

    static func text(_ milliseconds: Int64) -> String {
        guard milliseconds != 0 else { return "the clock is right" }
        let units: [(Int64, String)] = [
            (365 * 86_400_000, "y"), (86_400_000, "d"), (3_600_000, "h"), (60_000, "m"),
            (1_000, "s"), (1, "ms"),
        ]
        let size = abs(milliseconds)
        let unit = units.first { size % $0.0 == 0 } ?? (1, "ms")
        let side = milliseconds > 0 ? "ahead" : "behind"
        return "the clock is \(size / unit.0)\(unit.1) \(side)"
    }
}
