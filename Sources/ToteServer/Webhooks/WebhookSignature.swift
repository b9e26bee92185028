internal import ToteCore

/// A receiver's secret: 24 random bytes.
///
/// Unlike a token's it is kept, since signing needs it: whoever reads the data file or a backup can
/// sign as this server.
package struct WebhookSecret: Hashable, Sendable {
    package let bytes: [UInt8]

    static let length = 24

    package init(bytes: [UInt8]) { self.bytes = bytes }

    init(randomBits: () -> UInt64) {
        bytes = (0..<Self.length / 8).flatMap { _ in
            withUnsafeBytes(of: randomBits().bigEndian) { Array($0) }
        }
    }

    /// As the receiver is given it: `whsec_` and base 64.
    package var text: String { "whsec_" + Base64.string(bytes) }
}

/// The signature of Standard Webhooks 1.0 (Protocol §17.2).
package enum WebhookSignature {
    /// `v1,` and the code of `id.timestamp.body`.
    ///
    /// - Parameter seconds: since 1970.
    package static func signature(
        secret: WebhookSecret, id: String, seconds: UInt64, body: [UInt8]
    ) -> String {
        let message = Array("\(id).\(seconds).".utf8) + body
        return "v1," + Base64.string(HMACSHA256.code(key: secret.bytes, message: message))
    }

    /// The three headers of an attempt; one signature for each secret that is valid.
    package static func headers(
        secrets: [WebhookSecret], id: String, seconds: UInt64, body: [UInt8]
    ) -> [(name: String, value: String)] {
        let signatures = secrets.map {
            signature(secret: $0, id: id, seconds: seconds, body: body)
        }
        return [
            ("webhook-id", id), ("webhook-timestamp", String(seconds)),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }
}
