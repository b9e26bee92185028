package import ToteCore
internal import ToteSQLite

/// What a token's bearer may do in one space.
package struct Grant: Hashable, Sendable {
    package var space: String
    /// Collections it may read and write: names, or prefixes that end in `*`.
    package var read: [String]
    package var write: [String]
    /// The one replica that it speaks for; `nil` for any. So it is of a device that has joined a
    /// hand-off.
    package var replica: ReplicaID?

    package init(
        space: String, read: [String] = ["*"], write: [String] = ["*"], replica: ReplicaID? = nil
    ) {
        self.space = space
        self.read = read
        self.write = write
        self.replica = replica
    }

    private static func matches(_ patterns: [String], _ name: Name) -> Bool {
        patterns.contains { pattern in
            pattern.utf8.last == UInt8(ascii: "*")
                ? name.text.utf8.starts(with: pattern.utf8.dropLast())
                : Name(pattern) == name
        }
    }

    package var readsAll: Bool { read.first == "*" || read.contains("*") }
    package func mayRead(_ collection: Name) -> Bool {
        Self.matches(read, collection)
            || collection == Reserved.ledger && read.contains(HandOff.shownLedger)
    }

    /// Whether it may see a cell of a collection that it may read: of a ledger that is only shown
    /// to it, nothing that codes are made with.
    func mayRead(_ payload: Payload, in collection: Name) -> Bool {
        guard collection == Reserved.ledger, !Self.matches(read, collection) else { return true }
        if case .register(let value) = payload { return value["secret"] == nil }
        return true
    }

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

    /// Whether it was of a customer who is erased: it is kept to tell their devices.
    var isErased: Bool { grants.contains { $0.space.hasPrefix(Server.erasedKind) } }

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
                .map(
                    [
                        Value.Entry("space", .text(grant.space)),
                        Value.Entry("read", .array(grant.read.map { .text($0) })),
                        Value.Entry("write", .array(grant.write.map { .text($0) })),
                    ]
                        + (grant.replica.map {
                            [Value.Entry("replica", .text(Hex.string($0.rawValue)))]
                        } ?? []))
            })
    }

    static func grants(_ value: Value) -> [Grant]? {
        guard case .array(let entries) = value else { return nil }
        var grants: [Grant] = []
        for entry in entries {
            guard case .map(let members) = entry, let space = entry["space"]?.textValue,
                members.allSatisfy({ ["space", "read", "write", "replica"].contains($0.name) })
            else { return nil }
            var grant = Grant(space: space)
            if let replica = entry["replica"] {
                guard let id = replica.textValue.flatMap(Hex.id) else { return nil }
                grant.replica = ReplicaID(id)
            }
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

/// The tokens of a data file. Those that were used lately are in memory, at most
/// `2 * recentMax`: there is one for every device that ever was.
final class TokenBook {
    private let store: ServerStore
    /// By the hash of their secret, and by their id.
    private var byHash = RecentEntries<[UInt8], Token>(atMost: recentMax)
    private var byID = RecentEntries<String, Token>(atMost: recentMax)
    private var knownCount: Int?

    /// How many tokens of each generation are in memory.
    static let recentMax = 5_000
    /// How many tokens one page lists.
    static let pageMax = 500

    init(store: ServerStore) { self.store = store }

    /// The token whose secret has this SHA-256, valid or not; `nil` when there is none.
    ///
    /// The secret's hash is the key, so that the time of the look-up tells nothing about a secret.
    /// - Throws: storage errors, and `StoreError.corrupt` when it cannot be read.
    func token(hash: [UInt8]) throws -> Token? {
        if let token = byHash[hash] { return token }
        let row = try store.database.row(
            """
            SELECT id, label, role, grants, created, expires, revoked FROM tokens WHERE hash = ?
            """, .blob(hash)
        ) { TokenRow($0) }
        guard let token = try row?.token() else { return nil }
        byHash[hash] = token
        return token
    }

    /// The token whose hash begins with these 8 bytes, valid or not, with the hash.
    func token(hashBeginning start: UInt64) throws -> (token: Token, hash: [UInt8])? {
        let bytes = withUnsafeBytes(of: start.bigEndian) { Array($0) }
        let hash = try store.database.row(
            "SELECT hash FROM tokens WHERE hash BETWEEN ?1 AND ?2", .blob(bytes),
            .blob(bytes + [UInt8](repeating: 0xFF, count: 24))
        ) { $0.blob(0) }
        return try hash.flatMap { hash in try token(hash: hash).map { ($0, hash) } }
    }

    /// The token of this id, valid or not; `nil` when there is none.
    func token(id: String) throws -> Token? {
        if let token = byID[id] { return token }
        let row = try store.database.row(
            "SELECT id, label, role, grants, created, expires, revoked FROM tokens WHERE id = ?",
            .text(id)
        ) { TokenRow($0) }
        guard let token = try row?.token() else { return nil }
        byID[id] = token
        return token
    }

    /// How many tokens there are. Counted once: there may be millions.
    func count() throws -> Int {
        if let knownCount { return knownCount }
        let count = try store.database.row("SELECT count(*) FROM tokens") { Int($0.int(0)) } ?? 0
        knownCount = count
        return count
    }

    /// Tokens in the order in which they were made.
    ///
    /// - Parameter after: the last one of the page before; `nil` for the first page.
    func page(after: Token?, most: Int) throws -> [Token] {
        try store.database.rows(
            """
            SELECT id, label, role, grants, created, expires, revoked FROM tokens
            WHERE (created, id) > (?1, ?2) ORDER BY created, id LIMIT ?3
            """, .bits(after?.created ?? 0), .text(after?.id ?? ""), .int(Int64(most))
        ) { TokenRow($0) }.map { try $0.token() }
    }

    /// Reads every token.
    ///
    /// - Returns: how many there are. Throws at the first that cannot be read.
    func readAll() throws -> Int {
        var (count, last): (Int, Token?) = (0, nil)
        while true {
            let page = try page(after: last, most: Self.pageMax)
            count += page.count
            guard page.count == Self.pageMax else { return count }
            last = page.last
        }
    }

    /// The tokens that open a space, in the order in which they were made. Reads through all.
    func tokens(of space: String) throws -> [Token] {
        let name = String(decoding: Encoding.json.encode(.text(space)), as: UTF8.self)
        return try store.database.rows(
            """
            SELECT id, label, role, grants, created, expires, revoked FROM tokens
            WHERE instr(grants, ?) > 0 ORDER BY created, id
            """, .text(name)
        ) { TokenRow($0) }.map { try $0.token() }.filter { $0.grant(for: space) != nil }
    }

    /// Makes a token. Returns it with its secret, which is not kept.
    func mint(_ token: Token, randomBits: () -> UInt64) throws -> (token: Token, secret: String) {
        let secret = Self.secret(randomBits)
        var token = token
        token.id = "tok_" + Hex.string(randomBits())
        let grants = String(decoding: Encoding.json.encode(token.grantsValue), as: UTF8.self)
        try store.database.run(
            "INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)",
            .text(token.id), .blob(SHA256.digest(Array(secret.utf8))), .text(token.label),
            .text(token.role.rawValue), .text(grants), .bits(token.created),
            .optional(bits: token.expires))
        knownCount = knownCount.map { $0 + 1 }
        return (token, secret)
    }

    /// Revokes a token; `nil` when there is none with this id. Revoking again changes nothing.
    func revoke(id: String, at now: UInt64) throws -> Token? {
        guard var token = try token(id: id) else { return nil }
        guard token.revoked == nil else { return token }
        try store.database.run(
            "UPDATE tokens SET revoked = ?2 WHERE id = ?1", .text(id), .bits(now))
        token.revoked = now
        try keep(token)
        return token
    }

    /// Gives a token other grants, which hold from its next request on.
    func setGrants(of id: String, _ grants: [Grant]) throws {
        guard var token = try token(id: id) else { return }
        token.grants = grants
        let text = String(decoding: Encoding.json.encode(token.grantsValue), as: UTF8.self)
        try store.database.run(
            "UPDATE tokens SET grants = ?2 WHERE id = ?1", .text(id), .text(text))
        try keep(token)
    }

    /// Takes a customer's space away from a token. A customer's that opens no other is void then,
    /// and nobody's any more; those of staff and admins go on.
    ///
    /// - Returns: whether it is void.
    func erase(
        _ token: Token, of space: String, as pseudonym: String, at now: UInt64
    ) throws -> Bool {
        let rest = token.grants.filter { Name($0.space) != Name(space) }
        guard token.role == .customer else {
            try setGrants(of: token.id, rest)
            return false
        }
        let isVoid = rest.isEmpty
        try store.database.run(
            "UPDATE tokens SET label = '', revoked = ?2 WHERE id = ?1", .text(token.id),
            .optional(bits: isVoid ? now : token.revoked))
        noteRemoved()
        try setGrants(
            of: token.id, isVoid ? [Grant(space: pseudonym, read: [], write: [])] : rest)
        return isVoid
    }

    /// The spaces that tokens open. Reads through all.
    func spaces() throws -> Set<Name> {
        var (names, last): (Set<Name>, Token?) = ([], nil)
        while true {
            let page = try page(after: last, most: Self.pageMax)
            for token in page { names.formUnion(token.grants.map { Name($0.space) }) }
            guard page.count == Self.pageMax else { return names }
            last = page.last
        }
    }

    /// Gives a token another secret; the one before it is void.
    func renew(_ id: String, randomBits: () -> UInt64) throws -> String? {
        guard let token = try token(id: id) else { return nil }
        let former = try store.database.row("SELECT hash FROM tokens WHERE id = ?", .text(id)) {
            $0.blob(0)
        }
        let secret = Self.secret(randomBits)
        try store.database.run(
            "UPDATE tokens SET hash = ?2 WHERE id = ?1", .text(id),
            .blob(SHA256.digest(Array(secret.utf8))))
        if let former { byHash[former] = nil }
        try keep(token)
        return secret
    }

    private static func secret(_ randomBits: () -> UInt64) -> String {
        "tote_" + (0..<4).map { _ in Hex.string(randomBits()) }.joined()
    }

    /// Takes note that tokens were removed.
    func noteRemoved() {
        knownCount = nil
        byHash = RecentEntries(atMost: Self.recentMax)
        byID = RecentEntries(atMost: Self.recentMax)
    }

    /// Takes note of a token that has changed.
    private func keep(_ token: Token) throws {
        byID[token.id] = token
        let hash = try store.database.row(
            "SELECT hash FROM tokens WHERE id = ?", .text(token.id)
        ) { $0.blob(0) }
        if let hash { byHash[hash] = token }
    }

    /// A row as it was read; its texts are looked into behind the statement.
    private struct TokenRow {
        let id, label, role, grants: String
        let created: UInt64
        let expires, revoked: UInt64?

        init(_ row: Statement) {
            (id, label, role, grants) = (row.text(0), row.text(1), row.text(2), row.text(3))
            (created, expires) = (row.bits(4), row.optionalBits(5))
            revoked = row.optionalBits(6)
        }

        func token() throws -> Token {
            guard let role = Token.Role(rawValue: role),
                let value = try? Encoding.json.value(Array(grants.utf8)),
                let grants = Token.grants(value)
            else { throw StoreError.corrupt("token \(id) cannot be read") }
            return Token(
                id: id, label: label, role: role, grants: grants, created: created,
                expires: expires, revoked: revoked)
        }
    }
}

/// What was used lately, by its key, in two generations: when the younger one is full the older one
/// goes, and what is used of it before moves to the younger. Every step takes the same time.
package struct RecentEntries<Key: Hashable, Element> {
    private var young: [Key: Element] = [:]
    private var old: [Key: Element] = [:]
    private let most: Int

    /// - Parameter most: how many each generation holds.
    package init(atMost most: Int) { self.most = most }

    package subscript(key: Key) -> Element? {
        mutating get {
            if let element = young[key] { return element }
            guard let element = old[key] else { return nil }
            keep(element, key)
            return element
        }
        set {
            old[key] = nil
            if let newValue { keep(newValue, key) } else { young[key] = nil }
        }
    }

    private mutating func keep(_ element: Element, _ key: Key) {
        if young.count >= most, young[key] == nil {
            old = young
            young = [:]
        }
        young[key] = element
    }
}
