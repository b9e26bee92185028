/// Where webhooks of this server may go.
package struct WebhookPolicy: Sendable {
    /// Whether a receiver may stand on loopback or in a private network.
    package var allowsPrivate = false
    /// Whether http without TLS will do.
    package var allowsInsecure = false

    /// The strict policy: https to the internet.
    package init() {}

    /// Whether a receiver may have this address.
    ///
    /// Link-local addresses, which are also where clouds keep their machines' credentials, and
    /// what is no host's address are refused whatever is allowed.
    package func allows(_ address: NetworkAddress) -> Bool {
        switch address.reach {
        case .global: true
        case .loopback, .private: allowsPrivate
        case .linkLocal, .multicast, .unspecified, .reserved: false
        }
    }

    /// Why a receiver may not have this address.
    package func refusal(of address: NetworkAddress) -> String? {
        guard !allows(address) else { return nil }
        let what = "the host's address is \(address.reach.rawValue)"
        return switch address.reach {
        case .loopback, .private:
            what + ": `tote serve --allow-private-webhooks` would allow it"
        default: what + ", where no webhook goes"
        }
    }
}

/// A receiver's address, read strictly: what two readers could take for two hosts is refused.
package struct WebhookURL: Hashable, Sendable {
    package let text: String
    package let isSecure: Bool
    /// The host without brackets: a name in lower case, or a numeric address.
    package let host: String
    /// The host's address when it is written as one.
    package let address: NetworkAddress?

    static let bytesMax = 2_048

    /// Why a text is no receiver's address.
    package struct Refusal: Error, Hashable, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }

    /// Reads an address, and holds it against the policy as far as it can be without a resolver.
    package init(_ text: String, policy: WebhookPolicy) throws(Refusal) {
        self.text = text
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.bytesMax else {
            throw Refusal("a URL has 1 to \(Self.bytesMax) bytes")
        }
        let odd = Array(#""<>\^`{|}"#.utf8)
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) && !odd.contains($0) }) else {
            throw Refusal("a URL is printable ASCII without spaces: encode the rest")
        }
        guard !bytes.contains(UInt8(ascii: "#")) else {
            throw Refusal("a fragment is never sent: leave out `#` and what follows")
        }
        guard let colon = text.firstRange(of: "://") else {
            throw Refusal("a URL begins with https://")
        }
        switch text[..<colon.lowerBound].lowercased() {
        case "https": isSecure = true
        case "http":
            isSecure = false
            guard policy.allowsInsecure else {
                throw Refusal(
                    "the URL must be https: `tote serve --allow-insecure-webhooks` would allow http"
                )
            }
        default: throw Refusal("the scheme must be https")
        }
        let authority = text[colon.upperBound...].prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else {
            throw Refusal("a name or password has no place in the URL: check the signature instead")
        }
        (host, address) = try Self.host(String(authority))
        if let address, let refusal = policy.refusal(of: address) { throw Refusal(refusal) }
        if host == "localhost" || host.hasSuffix(".localhost"), !policy.allowsPrivate {
            throw Refusal(
                "localhost is loopback: `tote serve --allow-private-webhooks` would allow it")
        }
    }

    /// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
    private static func host(
        _ authority: String
    ) throws(Refusal) -> (host: String, address: NetworkAddress?) {
        if authority.hasPrefix("[") {
            let inside = authority.dropFirst().prefix { $0 != "]" }
            let rest = authority.dropFirst(inside.count + 1)
            guard rest.hasPrefix("]"), inside.contains(":"),
                let address = NetworkAddress(String(inside))
            else { throw Refusal("an IPv6 address stands in brackets, without a zone") }
            try check(port: rest.dropFirst())
            return (inside.lowercased(), address)
        }
        let name = authority.prefix { $0 != ":" }.lowercased()
        try check(port: authority.dropFirst(name.count))
        guard !name.isEmpty, name.utf8.count <= 253 else {
            throw Refusal("the URL names no host")
        }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            let isName = label.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
            guard isName, (1...63).contains(label.utf8.count) else {
                throw Refusal("the host is no name: labels of a-z, 0-9, `-`, and no dot at the end")
            }
        }
        // What ends in a number is taken for an IPv4 address, in decimal, octal or hexadecimal, by
        // every resolver and browser (WHATWG URL §3.5). Only one spelling is taken here.
        let last = labels.last ?? ""
        let isNumber =
            last.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            || last.hasPrefix("0x")
        guard isNumber else { return (name, nil) }
        guard let address = NetworkAddress(name) else {
            throw Refusal("write an IPv4 address as four decimal numbers, like 203.0.113.7")
        }
        return (name, address)
    }

    private static func check(port: some StringProtocol) throws(Refusal) {
        guard !port.isEmpty else { return }
        let digits = port.dropFirst()
        guard port.hasPrefix(":"), (1...5).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = UInt16(digits), number > 0
        else { throw Refusal("a port is a number from 1 to 65535") }
    }
}
