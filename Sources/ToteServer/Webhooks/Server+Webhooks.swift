package import ToteCore

/// What a server keeps in memory of webhooks. A restart loses it, and sends again what was under
/// way: at least once.
struct WebhookMemory {
    /// Attempts that are being made, by endpoint.
    var underway: [String: Set<Int64>] = [:]
    /// Until when an endpoint has asked to be sent nothing, by endpoint.
    var resting: [String: UInt64] = [:]
    var hasNew = false
    /// What the log is to be told of.
    var notices: [WebhookNotice] = []
}

/// Something that an operator should read in the log.
package struct WebhookNotice: Sendable {
    package let webhook: String
    package let message: String
    package let code: String

    /// Notices that wait for the log.
    static let countMax = 100
}

extension Server {
    /// Attempts under way at one endpoint; one only while it fails.
    static let attemptsPerEndpointMax = 4
    /// How long a delivery is kept that arrived, and one that was given up.
    static let deliveredMilliseconds: UInt64 = 7 * 86_400_000
    static let failedMilliseconds: UInt64 = 30 * 86_400_000
    /// Deliveries forgotten at once.
    static let forgottenAtOnceMax = 100

    private var queue: WebhookQueue { WebhookQueue(database: store.database) }

    /// Puts an event into the queue of every endpoint that takes its type, within the open group.
    ///
    /// Nothing happens when there is no such endpoint.
    ///
    /// - Parameters:
    ///   - type: like `order.ready`.
    ///   - id: what names the event for ever, like an order's id and version: the same is queued
    ///     once. `nil` makes each call another event.
    ///   - data: thin, ids and states: it stays in the file until it is delivered.
    package func enqueueWebhook(type: String, id: String?, data: Value) throws {
        let takers = try queue.endpoints().filter { $0.disabled == nil && $0.takes(type) }
        guard !takers.isEmpty else { return }
        let message = messageID(type: type, id: id)
        for endpoint in takers {
            try enqueue(message, type: type, data: data, for: endpoint)
        }
    }

    /// A webhook-id: without a dot, which the signed text has between its parts.
    private func messageID(type: String, id: String?) -> String {
        guard let id else { return "msg_" + Hex.string(randomBits()) + Hex.string(randomBits()) }
        return "msg_" + Hex.string(SHA256.digest(Array("\(type)\n\(id)".utf8)).prefix(16))
    }

    private func enqueue(
        _ message: String, type: String, data: Value, for endpoint: WebhookEndpoint
    ) throws {
        let body = Encoding.json.encode(
            .map([
                Value.Entry("type", .text(type)),
                Value.Entry("timestamp", .text(WebhookTime.text(clock))),
                Value.Entry("data", data),
            ]))
        let dropped = try queue.enqueue(
            message, type: type, body: body, for: endpoint, at: clock)
        webhooks.hasNew = true
        if dropped > 0 {
            store.tally.note(.delivery(.dropped))
            notice(endpoint.id, "webhook_dropped", "a queue is full: its oldest delivery went")
        }
    }

    private func notice(_ webhook: String, _ code: String, _ message: String) {
        guard webhooks.notices.count < WebhookNotice.countMax else { return }
        webhooks.notices.append(WebhookNotice(webhook: webhook, message: message, code: code))
    }

    /// What has happened to endpoints since the last call.
    package func takeWebhookNotices() -> [WebhookNotice] {
        defer { webhooks.notices = [] }
        return webhooks.notices
    }

    /// Whether something was queued, or made due, since the last call: ask after a commit.
    package func takeNewWebhooks() -> Bool {
        defer { webhooks.hasNew = false }
        return webhooks.hasNew
    }

    /// The attempts that are due and may be made now, the earliest first; they count as under way
    /// until `noteWebhook`.
    package func dueWebhooks(at now: UInt64, most: Int) throws -> [WebhookAttempt] {
        let now = max(clock, now)
        var due: [(endpoint: WebhookEndpoint, number: Int64, due: UInt64)] = []
        for endpoint in try queue.endpoints() {
            let waiting = try startable(endpoint, most: most).filter { $0.due <= now }
            due += waiting.map { (endpoint, $0.number, $0.due) }
        }
        due.sort { ($0.due, $0.number) < ($1.due, $1.number) }
        let attempts = try due.prefix(most).compactMap { endpoint, number, _ in
            try queue.attempt(number, at: endpoint, now: now)
        }
        for attempt in attempts {
            webhooks.underway[attempt.webhook, default: []].insert(attempt.id.number)
        }
        return attempts
    }

    /// What an endpoint waits for and is not under way, as far as it may have more of that.
    private func startable(
        _ endpoint: WebhookEndpoint, most: Int
    ) throws -> [(number: Int64, due: UInt64)] {
        guard endpoint.disabled == nil else { return [] }
        let underway = webhooks.underway[endpoint.id] ?? []
        let allowed = endpoint.failingSince == nil ? Self.attemptsPerEndpointMax : 1
        let room = min(most, allowed - underway.count)
        guard room > 0 else { return [] }
        let waiting = try queue.waiting(at: endpoint.id, most: room + underway.count)
        let rest = webhooks.resting[endpoint.id] ?? 0
        return waiting.filter { !underway.contains($0.number) }.prefix(room)
            .map { ($0.number, max($0.due, rest)) }
    }

    /// When the next attempt is due; `nil` when none is, before one that is under way has ended.
    package func nextWebhookTime() throws -> UInt64? {
        try queue.endpoints().compactMap { try startable($0, most: 1).first?.due }.min()
    }

    /// Takes note of how an attempt ended, within an open group.
    package func noteWebhook(
        _ id: WebhookAttempt.ID, outcome: WebhookOutcome, at now: UInt64
    ) throws {
        let now = max(clock, now)
        if let (webhook, delivery) = try queue.delivery(id),
            let endpoint = try queue.endpoint(webhook)
        {
            try note(id, delivery, outcome, at: now)
            let rest = outcome.restMilliseconds
            webhooks.resting[webhook] = rest > 0 ? now + rest : nil
            try noteHealth(of: endpoint, outcome, at: now)
            try forgetWebhooks(of: endpoint, at: now)
        }
        for webhook in webhooks.underway.keys.sorted() {
            webhooks.underway[webhook]?.remove(id.number)
            if webhooks.underway[webhook]?.isEmpty ?? false { webhooks.underway[webhook] = nil }
        }
    }

    private func note(
        _ id: WebhookAttempt.ID, _ delivery: WebhookDelivery, _ outcome: WebhookOutcome,
        at now: UInt64
    ) throws {
        let attempts = delivery.attempts + 1
        var due: UInt64?
        // One that was given up meanwhile stays so, unless it has arrived.
        if !outcome.isSuccess, delivery.due != nil {
            let wait = webhookSchedule.wait(
                afterAttempts: Int(attempts), randomBits: randomBits())
            due = wait.map { now + max($0, outcome.restMilliseconds) }
        }
        let ended = due == nil ? delivery.ended ?? now : nil
        try queue.note(id, attempts: attempts, due: due, ended: ended, outcome: outcome)
        store.tally.note(.attempt(outcome.end))
        if due == nil, delivery.due != nil {
            store.tally.note(.delivery(outcome.isSuccess ? .delivered : .givenUp))
        }
    }

    private func noteHealth(
        of endpoint: WebhookEndpoint, _ outcome: WebhookOutcome, at now: UInt64
    ) throws {
        guard endpoint.disabled == nil else { return }
        guard !outcome.isSuccess else {
            guard endpoint.failingSince != nil else { return }
            return try queue.setHealth(
                endpoint.id, failingSince: nil, disabled: nil, reason: nil)
        }
        let since = endpoint.failingSince ?? now
        var isGone = false
        if case .answered(410, _) = outcome { isGone = true }
        guard isGone || now - min(since, now) >= webhookSchedule.failingMillisecondsMax else {
            guard endpoint.failingSince == nil else { return }
            return try queue.setHealth(
                endpoint.id, failingSince: since, disabled: nil, reason: nil)
        }
        try queue.setHealth(
            endpoint.id, failingSince: since, disabled: now, reason: isGone ? "gone" : "failing")
        let left = try queue.giveUpAll(endpoint.id, at: now)
        store.tally.note(.delivery(.givenUp, count: UInt64(left)))
        notice(
            endpoint.id, "webhook_disabled",
            isGone
                ? "an endpoint answered 410 and is disabled"
                : "an endpoint failed for days and is disabled")
    }

    /// Forgets what ended long ago; call it when idle, within a group.
    func forgetWebhooks(at now: UInt64) throws {
        for endpoint in try queue.endpoints() { try forgetWebhooks(of: endpoint, at: now) }
    }

    private func forgetWebhooks(of endpoint: WebhookEndpoint, at now: UInt64) throws {
        let ages = [(true, Self.deliveredMilliseconds), (false, Self.failedMilliseconds)]
        for (isDelivered, age) in ages where now > age {
            try queue.forget(
                of: endpoint.id, delivered: isDelivered, before: now - age,
                most: Self.forgottenAtOnceMax)
        }
    }

    /// Queues a test for one endpoint, whatever types it takes. Returns its webhook-id.
    func testWebhook(_ endpoint: WebhookEndpoint) throws -> String {
        let message = messageID(type: WebhookType.ping, id: nil)
        let data = Value.map([Value.Entry("webhook", .text(endpoint.id))])
        try enqueue(message, type: WebhookType.ping, data: data, for: endpoint)
        return message
    }
}

/// Moments as RFC 3339 writes them.
package enum WebhookTime {
    /// UTC with milliseconds.
    package static func text(_ milliseconds: UInt64) -> String {
        let (days, rest) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        // Howard Hinnant's civil_from_days: years that begin in March put the leap day last.
        let shifted = Int64(days) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let year =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let march = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * march + 2) / 5 + 1
        let month = march < 10 ? march + 3 : march - 9
        func pad(_ number: some BinaryInteger, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let date = "\(pad(year + era * 400 + (month <= 2 ? 1 : 0), 4))-\(pad(month, 2))"
        let time = "\(pad(rest / 3_600_000, 2)):\(pad(rest / 60_000 % 60, 2))"
        return "\(date)-\(pad(day, 2))T\(time):\(pad(rest / 1_000 % 60, 2))."
            + "\(pad(rest % 1_000, 3))Z"
    }
}
