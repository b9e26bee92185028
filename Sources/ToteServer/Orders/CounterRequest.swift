internal import ToteCore

/// A counter's request, its token and its store found to be in order.
struct CounterRequest {
    let request: ServerRequest
    let token: Token
    let store: String

    var actor: OrderState.Actor { token.role == .manager ? .manager : .store }
    /// Who is named in an order's steps.
    var label: String {
        let name = token.label.isEmpty ? token.id : token.label
        return String(decoding: name.utf8.prefix(Self.labelBytesMax), as: UTF8.self)
    }

    static let labelBytesMax = 64

    /// The body as a map with these members and no others.
    func members(_ names: Set<String>) throws(Problem) -> Value { try request.members(names) }

    /// A text of the body, or `nil` when it is absent.
    func text(_ value: Value?, _ name: String, _ bytes: ClosedRange<Int>) throws(Problem) -> String?
    {
        guard let value else { return nil }
        guard let text = value.textValue, bytes.contains(text.utf8.count) else {
            throw Problem(
                400, "malformed",
                "\(name) is a text of \(bytes.lowerBound) to \(bytes.upperBound) bytes")
        }
        return text
    }

    /// The version that `If-Match` names.
    func expectedVersion() throws(Problem) -> Int64 {
        guard let field = request.ifMatch else {
            throw Problem(
                428, "version_required", "send If-Match with the order's version, in quotes")
        }
        guard field.hasPrefix("\""), field.hasSuffix("\""), field.utf8.count > 2,
            let version = Int64(field.dropFirst().dropLast())
        else { throw Problem(400, "malformed", "If-Match is one version in quotes") }
        return version
    }

    func idempotencyKey() throws(Problem) -> String {
        guard let key = request.idempotencyKey, (1...128).contains(key.utf8.count) else {
            throw Problem(
                400, "idempotency_key_required", "send Idempotency-Key, 1 to 128 bytes")
        }
        return key
    }
}

/// Wrong codes of each token, so that nobody finds an order by trying.
struct GuessGuard {
    private struct Tries {
        var since: UInt64
        var count: Int
        var lockedUntil: UInt64
    }

    private var tries: [String: Tries] = [:]

    static let triesMax = 5
    static let windowMilliseconds: UInt64 = 600_000
    static let lockMilliseconds: UInt64 = 300_000
    /// How many are kept before those are dropped that are over.
    private static let triedMax = 10_000

    /// Seconds until the token may try again; `nil` when it may now.
    func locked(_ token: String, at now: UInt64) -> Int? {
        guard let entry = tries[token], entry.lockedUntil > now else { return nil }
        return Int((entry.lockedUntil - now + 999) / 1_000)
    }

    /// Notes a wrong code. Returns how many more are allowed.
    mutating func miss(_ token: String, at now: UInt64) -> Int {
        if tries.count >= Self.triedMax {
            tries = tries.filter {
                max($0.value.lockedUntil, $0.value.since + Self.windowMilliseconds) > now
            }
        }
        var entry = tries[token] ?? Tries(since: now, count: 0, lockedUntil: 0)
        if now > entry.since + Self.windowMilliseconds {
            entry = Tries(since: now, count: 0, lockedUntil: 0)
        }
        entry.count += 1
        if entry.count >= Self.triesMax {
            entry = Tries(since: now, count: 0, lockedUntil: now + Self.lockMilliseconds)
            tries[token] = entry
            return 0
        }
        tries[token] = entry
        return Self.triesMax - entry.count
    }
}
