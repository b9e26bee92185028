internal import ToteSQLite

/// The tables of endpoints and deliveries. Nothing here decides anything.
struct WebhookQueue {
    let database: Database

    /// Deliveries of an endpoint that are kept.
    static let heldMax: Int64 = 100_000

    func endpoints() throws -> [WebhookEndpoint] {
        try database.rows(
            """
            SELECT id, url, label, types, secret, previous, previous_until, created,
                failing_since, disabled, reason, held FROM webhooks ORDER BY created, id
            """, map: WebhookEndpoint.init)
    }

    func endpoint(_ id: String) throws -> WebhookEndpoint? {
        try endpoints().first { $0.id == id }
    }

    func add(
        id: String, url: String, label: String, types: [String], secret: WebhookSecret,
        at now: UInt64
    ) throws {
        try database.run(
            """
            INSERT INTO webhooks (id, url, label, types, secret, created)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
            .text(id), .text(url), .text(label), .text(types.joined(separator: " ")),
            .blob(secret.bytes), .bits(now))
    }

    func remove(_ id: String) throws {
        try database.run("DELETE FROM deliveries WHERE webhook = ?", .text(id))
        try database.run("DELETE FROM webhooks WHERE id = ?", .text(id))
    }

    /// Gives an endpoint a new secret; the one before signs as well until a moment.
    func rotate(_ endpoint: WebhookEndpoint, to secret: WebhookSecret, until: UInt64) throws {
        try database.run(
            "UPDATE webhooks SET secret = ?2, previous = ?3, previous_until = ?4 WHERE id = ?1",
            .text(endpoint.id), .blob(secret.bytes), .blob(endpoint.secret.bytes), .bits(until))
    }

    /// Takes note of whether an endpoint works.
    func setHealth(_ id: String, failingSince: UInt64?, disabled: UInt64?, reason: String?) throws {
        try database.run(
            "UPDATE webhooks SET failing_since = ?2, disabled = ?3, reason = ?4 WHERE id = ?1",
            .text(id), .optional(bits: failingSince), .optional(bits: disabled), .optional(reason))
    }

    /// Gives up what an endpoint still waits for: it was disabled.
    ///
    /// - Returns: how many deliveries that is.
    func giveUpAll(_ id: String, at now: UInt64) throws -> Int {
        try database.run(
            """
            UPDATE deliveries SET due = NULL, ended = ?2, reason = 'disabled'
            WHERE webhook = ?1 AND due IS NOT NULL
            """,
            .text(id), .bits(now))
        return database.changedRowCount
    }

    /// Puts a message into an endpoint's queue, due at once; one that is there already stays.
    ///
    /// - Returns: how many others had to go for it.
    func enqueue(
        _ message: String, type: String, body: [UInt8], for endpoint: WebhookEndpoint,
        at now: UInt64
    ) throws -> Int {
        guard try delivery(message, of: endpoint.id) == nil else { return 0 }
        try database.run(
            """
            INSERT INTO deliveries (webhook, message, type, body, created, due)
            VALUES (?1, ?2, ?3, ?4, ?5, ?5)
            """,
            .text(endpoint.id), .text(message), .text(type), .blob(body), .bits(now))
        try database.run("UPDATE webhooks SET held = held + 1 WHERE id = ?", .text(endpoint.id))
        guard endpoint.held >= Self.heldMax else { return 0 }
        return try dropOldest(of: endpoint.id)
    }

    /// Makes room: what was delivered is only history; then the oldest that failed, then the
    /// oldest that waits.
    private func dropOldest(of id: String) throws -> Int {
        var oldest = try oldestEnded(of: id, delivered: true).map { ($0, true) }
        if oldest == nil { oldest = try oldestEnded(of: id, delivered: false).map { ($0, false) } }
        if oldest == nil { oldest = try waiting(at: id, most: 1).first.map { ($0.number, false) } }
        guard let (number, wasDelivered) = oldest else { return 0 }
        try database.run("DELETE FROM deliveries WHERE number = ?", .int(number))
        try database.run("UPDATE webhooks SET held = held - 1 WHERE id = ?", .text(id))
        return wasDelivered ? 0 : 1
    }

    private func oldestEnded(of id: String, delivered: Bool) throws -> Int64? {
        try database.row(
            """
            SELECT number FROM deliveries
            WHERE webhook = ?1 AND is_delivered = ?2 AND ended IS NOT NULL ORDER BY ended LIMIT 1
            """,
            .text(id), .int(delivered ? 1 : 0)
        ) { $0.int(0) }
    }

    func delivery(_ message: String, of id: String) throws -> WebhookDelivery? {
        try database.row(
            """
            SELECT message, type, created, attempts, due, ended, is_delivered, status, reason
            FROM deliveries WHERE webhook = ?1 AND message = ?2
            """,
            .text(id), .text(message), map: WebhookDelivery.init)
    }

    /// The newest deliveries of an endpoint, newest first.
    func deliveries(of id: String, most: Int) throws -> [WebhookDelivery] {
        try database.rows(
            """
            SELECT message, type, created, attempts, due, ended, is_delivered, status, reason
            FROM deliveries WHERE webhook = ?1 ORDER BY number DESC LIMIT ?2
            """,
            .text(id), .int(Int64(most)), map: WebhookDelivery.init)
    }

    /// What is due first at an endpoint, in order.
    func waiting(at id: String, most: Int) throws -> [(number: Int64, due: UInt64)] {
        try database.rows(
            """
            SELECT number, due FROM deliveries WHERE webhook = ?1 AND due IS NOT NULL
            ORDER BY due, number LIMIT ?2
            """,
            .text(id), .int(Int64(most))
        ) { ($0.int(0), $0.bits(1)) }
    }

    func attempt(_ number: Int64, at endpoint: WebhookEndpoint, now: UInt64) throws
        -> WebhookAttempt?
    {
        try database.row("SELECT message, body FROM deliveries WHERE number = ?", .int(number)) {
            WebhookAttempt(
                id: WebhookAttempt.ID(number: number, message: $0.text(0)), webhook: endpoint.id,
                url: endpoint.url, secrets: endpoint.secrets(at: now), body: $0.blob(1))
        }
    }

    /// The delivery of an attempt, if it is still there.
    func delivery(_ id: WebhookAttempt.ID) throws -> (webhook: String, delivery: WebhookDelivery)? {
        try database.row(
            """
            SELECT message, type, created, attempts, due, ended, is_delivered, status, reason,
                webhook FROM deliveries WHERE number = ?1 AND message = ?2
            """,
            .int(id.number), .text(id.message)
        ) { ($0.text(9), WebhookDelivery($0)) }
    }

    /// Takes note of an attempt: when the next one is due, or that there is none.
    func note(
        _ id: WebhookAttempt.ID, attempts: Int64, due: UInt64?, ended: UInt64?,
        outcome: WebhookOutcome
    ) throws {
        var status: Int64?
        var reason: String?
        switch outcome {
        case .answered(let code, _): status = Int64(code)
        case .unanswered(let code): reason = code
        }
        try database.run(
            """
            UPDATE deliveries SET attempts = ?2, due = ?3, ended = ?4, is_delivered = ?5,
                status = ?6, reason = ?7 WHERE number = ?1
            """,
            .int(id.number), .int(attempts), .optional(bits: due), .optional(bits: ended),
            .int(outcome.isSuccess ? 1 : 0), status.map { .int($0) } ?? .null, .optional(reason))
    }

    /// Makes a delivery due again, with all its attempts before it.
    func redeliver(_ message: String, of id: String, at now: UInt64) throws {
        try database.run(
            """
            UPDATE deliveries SET attempts = 0, due = ?3, ended = NULL, is_delivered = 0
            WHERE webhook = ?1 AND message = ?2
            """,
            .text(id), .text(message), .bits(now))
    }

    /// Makes everything that failed due again. Returns how much that is.
    func redeliverFailed(of id: String, at now: UInt64) throws -> Int64 {
        let count = try database.row(
            """
            SELECT count(*) FROM deliveries
            WHERE webhook = ?1 AND is_delivered = 0 AND ended IS NOT NULL
            """,
            .text(id)
        ) { $0.int(0) }
        try database.run(
            """
            UPDATE deliveries SET attempts = 0, due = ?2, ended = NULL
            WHERE webhook = ?1 AND is_delivered = 0 AND ended IS NOT NULL
            """,
            .text(id), .bits(now))
        return count ?? 0
    }

    /// Forgets what ended in one way before a moment, at most so much.
    func forget(of id: String, delivered: Bool, before time: UInt64, most: Int) throws {
        let numbers = try database.rows(
            """
            SELECT number FROM deliveries
            WHERE webhook = ?1 AND is_delivered = ?2 AND ended < ?3 ORDER BY ended LIMIT ?4
            """,
            .text(id), .int(delivered ? 1 : 0), .bits(time), .int(Int64(most))
        ) { $0.int(0) }
        guard !numbers.isEmpty else { return }
        for number in numbers {
            try database.run("DELETE FROM deliveries WHERE number = ?", .int(number))
        }
        try database.run(
            "UPDATE webhooks SET held = held - ?2 WHERE id = ?1", .text(id),
            .int(Int64(numbers.count)))
    }
}
