import Glibc

/// What a value must look like; checked wherever it comes from.
package enum ValueForm: Hashable, Sendable {
    /// Any text.
    case text
    /// A whole number within a range.
    case whole(ClosedRange<Int>)
    /// A length of time: `250ms`, `30s`, `5m`, `2h`, `1d`.
    case time
    /// `HOST:PORT`; see `HostAndPort`.
    case hostAndPort
    /// An IPv4 or IPv6 address.
    case address

    /// What is wrong with a value, to be read behind its name, and what to write; nil if nothing.
    func fault(in text: String) -> (message: String, hint: String?)? {
        switch self {
        case .text: return nil
        case .whole(let range):
            guard let value = Int(text) else { return ("needs a whole number, not '\(text)'", nil) }
            return range.contains(value)
                ? nil : ("must be \(Self.bounds(range)), not \(value)", nil)
        case .time:
            guard DurationText.parse(text) == nil else { return nil }
            return (
                "needs a length of time, not '\(text)'",
                "write a number and a unit: 250ms, 30s, 5m, 2h or 1d"
            )
        case .hostAndPort:
            return HostAndPort(text) == nil
                ? ("takes HOST:PORT, not '\(text)'", "like 127.0.0.1:8090") : nil
        case .address:
            var bytes = in6_addr()
            let isAddress =
                inet_pton(AF_INET, text, &bytes) == 1
                || inet_pton(AF_INET6, text, &bytes) == 1
            return isAddress ? nil : ("takes an IP address, not '\(text)'", "like 10.0.0.7 or ::1")
        }
    }

    private static func bounds(_ range: ClosedRange<Int>) -> String {
        if range.upperBound == .max { return "at least \(range.lowerBound)" }
        if range.lowerBound == .min { return "at most \(range.upperBound)" }
        return "between \(range.lowerBound) and \(range.upperBound)"
    }
}

/// Where to listen: `127.0.0.1:8090`, `[::1]:0`, `localhost:8090`.
package struct HostAndPort: Hashable, Sendable {
    /// An address without brackets; `localhost` reads 127.0.0.1.
    package let host: String
    /// The port; 0 takes a free one.
    package let port: UInt16

    /// Reads `HOST:PORT`; nil for another form.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { return nil }
        self.host = host == "localhost" ? "127.0.0.1" : host
        self.port = port
    }

    /// Whether only this machine reaches it.
    package var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }
}
