package import ToteCore
internal import ToteSQLite

/// A receiver of webhooks.
package struct WebhookEndpoint: Sendable {
    package let id: String
    package let url: String
    package let label: String
    /// The event types it is sent; all when empty.
    package let types: [String]
    let secret: WebhookSecret
    /// The secret before the newest, and the moment until which it signs as well.
    let previous: (secret: WebhookSecret, until: UInt64)?
    /// Milliseconds since 1970.
    package let created: UInt64
    /// When the first attempt failed since the last success.
    package let failingSince: UInt64?
    package let disabled: UInt64?
    /// Why it was disabled: `gone` or `failing`.
    package let reason: String?
    /// Deliveries kept, whatever their state.
    package let held: Int64

    /// Endpoints of a server.
    static let countMax = 16
    /// How long the secret before the newest signs as well.
    static let rotationMilliseconds: UInt64 = 24 * 3_600_000

    func takes(_ type: String) -> Bool { types.isEmpty || types.contains(type) }

    func secrets(at now: UInt64) -> [WebhookSecret] {
        guard let previous, now < previous.until else { return [secret] }
        return [secret, previous.secret]
    }

    /// As the admin API shows it, without a secret.
    package var value: Value {
        .map([
            Value.Entry("id", .text(id)), Value.Entry("url", .text(url)),
            Value.Entry("label", .text(label)),
            Value.Entry("types", .array(types.map { .text($0) })),
            Value.Entry("created_ms", .int(Int64(created))),
            Value.Entry("failing_since_ms", failingSince.map { .int(Int64($0)) } ?? .null),
            Value.Entry("disabled_ms", disabled.map { .int(Int64($0)) } ?? .null),
            Value.Entry("disabled_reason", reason.map { .text($0) } ?? .null),
            Value.Entry("deliveries", .int(held)),
        ])
    }

    init(_ row: Statement) {
        id = row.text(0)
        url = row.text(1)
        label = row.text(2)
        types = row.text(3).split(separator: " ").map(String.init)
        secret = WebhookSecret(bytes: row.blob(4))
        previous =
            if let bytes = row.optionalBlob(5), let until = row.optionalBits(6) {
                (WebhookSecret(bytes: bytes), until)
            } else {
                nil
            }
        created = row.bits(7)
        failingSince = row.optionalBits(8)
        disabled = row.optionalBits(9)
        reason = row.optionalText(10)
        held = row.int(11)
    }
}

/// The event types that there are (Protocol §17.4).
package enum WebhookType {
    /// What the test of an endpoint sends, whatever types it takes.
    package static let ping = "test.ping"
    package static let all = [
        "order.placed", "order.confirmed", "order.preparing", "order.ready", "order.collected",
        "order.declined", "order.cancelled", "order.expired", "order.reopened", ping,
    ]
}

/// A message on its way to one endpoint, or that was.
package struct WebhookDelivery: Sendable {
    /// The webhook-id: the same in every attempt.
    package let message: String
    package let type: String
    package let created: UInt64
    package let attempts: Int64
    /// When the next attempt is due.
    package let due: UInt64?
    package let ended: UInt64?
    package let isDelivered: Bool
    /// The status of the last answer.
    package let status: Int64?
    /// Why the last attempt had none, a code.
    package let reason: String?

    package var state: String {
        due != nil ? "pending" : isDelivered ? "delivered" : "failed"
    }

    /// As the admin API shows it.
    package var value: Value {
        func moment(_ time: UInt64?) -> Value { time.map { .int(Int64($0)) } ?? .null }
        return .map([
            Value.Entry("id", .text(message)), Value.Entry("type", .text(type)),
            Value.Entry("state", .text(state)), Value.Entry("attempts", .int(attempts)),
            Value.Entry("created_ms", moment(created)), Value.Entry("due_ms", moment(due)),
            Value.Entry("ended_ms", moment(ended)),
            Value.Entry("status", status.map { .int($0) } ?? .null),
            Value.Entry("reason", reason.map { .text($0) } ?? .null),
        ])
    }

    init(_ row: Statement) {
        message = row.text(0)
        type = row.text(1)
        created = row.bits(2)
        attempts = row.int(3)
        due = row.optionalBits(4)
        ended = row.optionalBits(5)
        isDelivered = row.int(6) != 0
        status = row.isNull(7) ? nil : row.int(7)
        reason = row.optionalText(8)
    }
}

/// One attempt that is to be made now.
package struct WebhookAttempt: Sendable {
    /// Names the attempt to `noteWebhook`.
    package struct ID: Hashable, Sendable {
        let number: Int64
        package let message: String
    }

    package let id: ID
    package let webhook: String
    package let url: String
    package let secrets: [WebhookSecret]
    package let body: [UInt8]
}

/// How an attempt ended.
package enum WebhookOutcome: Hashable, Sendable {
    /// The receiver answered with a status, and asked to be left alone for so many seconds.
    case answered(Int, retryAfterSeconds: UInt64? = nil)
    /// No answer: a code such as `timeout` that says why.
    case unanswered(String)

    var isSuccess: Bool {
        if case .answered(let status, _) = self { (200..<300).contains(status) } else { false }
    }

    /// How the attempt counts.
    var end: ServerCounts.WebhookEnd {
        if case .unanswered = self { .unanswered } else { isSuccess ? .delivered : .refused }
    }

    /// How long the receiver wants no other attempt: as far as it is believed.
    var restMilliseconds: UInt64 {
        guard case .answered(let status, let seconds?) = self, status == 429 || status == 503
        else { return 0 }
        return min(seconds, Self.restSecondsMax) * 1_000
    }

    /// A receiver that says more than an hour is asked again after one.
    static let restSecondsMax: UInt64 = 3_600
}
