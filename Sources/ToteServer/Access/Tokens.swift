package import ToteCore
internal import ToteSQLite

/// What a token's bearer may do in one space.
package struct Grant: Hashable, Sendable {
    package var space: String
    /// Collections it may read and write: names, or prefixes that end in `*`.
    package var read: [String]
    package var write: [String]

    package init(space: String, read: [String] = ["*"], write: [String] = ["*"]) {
        self.space = space
        self.read = read
        self.write = write
    }

    private static func matches(_ patterns: [String], _ name: Name) -> Bool {
        patterns.contains { pattern in
            pattern.utf8.last == UInt8(ascii: "*")
                ? name.text.utf8.starts(with: pattern.utf8.dropLast())
                : Name(pattern) == name
        }
    }

    package var readsAll: Bool { read.first == "*" || read.contains("*") }
    package func mayRead(_ collection: Name) -> Bool { Self.matches(read, collection) }
    package func mayWrite(_ collection: Name) -> Bool {
        // The common grant, without looking at the collection's text.
        write.first == "*" || Self.matches(write, collection)
    }
}

/// A bearer token without its secret.
package struct Token: Hashable, Sendable {
    package enum Role: String, CaseIterable, Sendable {
        case customer, staff, manager, admin
        /// Reads the metrics and nothing else.
        case metrics
    }

    package var id: String
    package var label: String
    package var role: Role
    package var grants: [Grant]
    /// Milliseconds since 1970.
    package var created: UInt64
    package var expires: UInt64?
    package var revoked: UInt64?

    package func isValid(at now: UInt64) -> Bool {
        revoked == nil && (expires.map { now < $0 } ?? true)
    }

    package func grant(for space: String) -> Grant? {
        grants.first { Name($0.space) == Name(space) }
    }

    /// As the admin API shows it.
    package var value: Value {
        .map([
            Value.Entry("id", .text(id)), Value.Entry("label", .text(label)),
            Value.Entry("role", .text(role.rawValue)), Value.Entry("spaces", grantsValue),
            Value.Entry("created_ms", .int(Int64(created))),
            Value.Entry("expires_ms", expires.map { .int(Int64($0)) } ?? .null),
            Value.Entry("revoked_ms", revoked.map { .int(Int64($0)) } ?? .null),
        ])
    }

    var grantsValue: Value {
        .array(
            grants.map { grant in
                .map([
                    Value.Entry("space", .text(grant.space)),
                    Value.Entry("read", .array(grant.read.map { .text($0) })),
                    Value.Entry("write", .array(grant.write.map { .text($0) })),
                ])
            })
    }

    static func grants(_ value: Value) -> [Grant]? {
        guard case .array(let entries) = value else { return nil }
        var grants: [Grant] = []
        for entry in entries {
            guard case .map(let members) = entry, let space = entry["space"]?.textValue,
                members.allSatisfy({ ["space", "read", "write"].contains($0.name) })
            else { return nil }
            var grant = Grant(space: space)
            for (name, path) in [("read", \Grant.read), ("write", \Grant.write)] {
                guard let value = entry[name] else { continue }
                guard case .array(let patterns) = value else { return nil }
                let texts = patterns.compactMap(\.textValue)
                guard texts.count == patterns.count else { return nil }
                grant[keyPath: path] = texts
            }
            grants.append(grant)
        }
        return grants
    }
}

/// All tokens, held by the hash of their secret: 256 random bits that exist outside only.
final class TokenBook {
    private let store: ServerStore
    private var ids: [[UInt8]: String] = [:]
    private var byID: [String: Token] = [:]

    init(store: ServerStore) throws {
        self.store = store
        let rows = try store.database.rows(
            "SELECT hash, id, label, role, grants, created, expires, revoked FROM tokens"
        ) { row in
            (
                row.blob(0), row.text(1), row.text(2), row.text(3), row.text(4), row.bits(5),
                row.optionalBits(6), row.optionalBits(7)
            )
        }
        for (hash, id, label, role, grants, created, expires, revoked) in rows {
            guard let role = Token.Role(rawValue: role),
                let value = try? Encoding.json.value(Array(grants.utf8)),
                let grants = Token.grants(value)
            else { throw StoreError.corrupt("token \(id) cannot be read") }
            ids[hash] = id
            byID[id] = Token(
                id: id, label: label, role: role, grants: grants, created: created,
                expires: expires, revoked: revoked)
        }
    }

    /// The token whose secret has this SHA-256, valid or not.
    ///
    /// The secret's hash is the key, so that the time of the look-up tells nothing about a secret.
    func token(hash: [UInt8]) -> Token? { ids[hash].flatMap { byID[$0] } }

    func token(id: String) -> Token? { byID[id] }

    var all: [Token] { byID.values.sorted { ($0.created, $0.id) < ($1.created, $1.id) } }

    /// Makes a token. Returns it with its secret, which is not kept.
    func mint(_ token: Token, randomBits: () -> UInt64) throws -> (token: Token, secret: String) {
        let secret = "tote_" + (0..<4).map { _ in Hex.string(randomBits()) }.joined()
        var token = token
        token.id = "tok_" + Hex.string(randomBits())
        let hash = SHA256.digest(Array(secret.utf8))
        let grants = String(decoding: Encoding.json.encode(token.grantsValue), as: UTF8.self)
        try store.database.run(
            "INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)",
            .text(token.id), .blob(hash), .text(token.label), .text(token.role.rawValue),
            .text(grants), .bits(token.created), .optional(bits: token.expires))
        ids[hash] = token.id
        byID[token.id] = token
        return (token, secret)
    }

    /// Revokes a token; `nil` when there is none with this id. Revoking again changes nothing.
    func revoke(id: String, at now: UInt64) throws -> Token? {
        guard let token = byID[id] else { return nil }
        guard token.revoked == nil else { return token }
        try store.database.run(
            "UPDATE tokens SET revoked = ?2 WHERE id = ?1", .text(id), .bits(now))
        byID[id]?.revoked = now
        return byID[id]
    }
}
