import Testing
import ToteCore
import ToteServer
import ToteSQLite

/// Rights that were taken away stay so when the server goes back to a backup.
struct RevocationTests {
    private static let seed = HandOffID(high: 1, low: 2)
    private static let list = Share.space(.list, of: "customer:a", seed: seed)

    /// Customers a, b and c share a list or do not.
    private final class World {
        private(set) var server: TestServer
        private let tokens: [String]
        private(set) var taken = ErasureList()
        private var lastSecret: UInt64 = 0
        private var members: [Int: String] = [:]

        init(makes: Bool = true) throws {
            let server = try TestServer()
            self.server = server
            tokens = try ["a", "b", "c"].map {
                try server.mint(#"{"spaces":[{"space":"customer:\#($0)"}]}"#)
            }
            listen()
            if makes { try make() }
        }

        @discardableResult
        func make() throws -> (Int, Value) {
            try post("shares", "{\"space\":\"\(list)\",\"seed\":\"\(seed)\"}", 0)
        }

        private func listen() {
            server.server.keepErasure = { [unowned self] in taken.insert($0) }
            server.server.keepRights = { [unowned self] in add($0) }
        }

        func add(_ rights: [Right]) {
            for right in rights { taken.insert(right) }
        }

        @discardableResult
        func post(_ path: String, _ body: String, _ who: Int) throws -> (Int, Value) {
            var request = ServerRequest(
                method: "POST", path: ["v1"] + path.split(separator: "/").map(String.init),
                requestID: "r")
            request.authorization = "Bearer \(tokens[who])"
            request.body = Array(body.utf8)
            let answer = try server.answer(request)
            let value = try server.value(answer)
            if answer.status < 300, let member = value["member"]?.textValue {
                members[who] = member
            }
            return (answer.status, value)
        }

        /// Somebody invites somebody else, who joins; legal to fail.
        func invite(_ who: Int, by other: Int, as role: Share.Role) throws {
            try post("shares", "{\"join\":\"\(link(by: other, as: role))\"}", who)
        }

        func link(by who: Int, as role: Share.Role) throws -> String {
            lastSecret += 1
            let secret = HandOffID(high: 9, low: lastSecret)
            try post(
                "spaces/\(list)/invitations",
                "{\"secret\":\"\(secret)\",\"role\":\"\(role.rawValue)\"}", who)
            return Share.link(secret)
        }

        @discardableResult
        func give(_ role: Share.Role?, to who: Int, by other: Int) throws -> Int {
            try post(
                "spaces/\(list)/members/\(members[who] ?? "0000000000000001")",
                "{\"role\":\"\(role?.rawValue ?? "none")\"}", other
            ).0
        }

        /// What each of them is; `nil` for who is none.
        func roles() throws -> [Share.Role?] {
            try tokens.indices.map { who in
                let (status, value) = try post("shares", "{\"space\":\"\(list)\"}", who)
                guard status == 200 else { return nil }
                return value["role"]?.textValue.flatMap(Share.Role.init(rawValue:))
            }
        }

        /// Starts on what a backup has, with the list beside it.
        ///
        /// - Returns: what was taken away again.
        func restore(_ image: [UInt8]) throws -> Server.TakenAgain {
            let copy = try ServerStore(image: image)
            try copy.setMeta("is_backup", 1)
            let next = try TestServer(image: copy.image(), seed: 99)
            next.now = server.now + 1_000
            server = next
            listen()
            return try next.server.eraseAgain(taken, at: next.now)
        }
    }

    @Test func `a token that was revoked stays so, and is said to be`() throws {
        let server = try TestServer()
        let image = try server.store.image()
        var taken = ErasureList()
        server.server.keepRights = { for right in $0 { taken.insert(right) } }
        let list = try server.value(server.admin("GET", "v1/admin/tokens"))
        guard case .array(let tokens)? = list["tokens"], let id = tokens.first?["id"]?.textValue
        else { throw TestFailure("no token") }
        for _ in 0..<2 {
            #expect(try server.admin("DELETE", "v1/admin/tokens/\(id)").status == 200)
        }
        #expect(taken.rights.map(\.text) == ["token \(id)"])
        let copy = try ServerStore(image: image)
        try copy.setMeta("is_backup", 1)
        let restored = try TestServer(image: copy.image(), seed: 3)
        restored.now = server.now
        let pull = SyncRequest(replica: ReplicaID(1))
        #expect(try restored.send(pull, token: server.token).reply != nil, "the backup has it")
        #expect(try restored.server.eraseAgain(taken, at: restored.now).rights == 1)
        #expect(try restored.send(pull, token: server.token).code == "invalid_token")
        #expect(try restored.server.eraseAgain(taken, at: restored.now).rights == 0)
        #expect(try restored.faults() == [])
    }

    @Test func `who became an owner since the backup is one, and who was lowered by them is not`()
        throws
    {
        for _ in 0..<4 {
            let world = try World()
            try world.invite(1, by: 0, as: .viewer)
            let image = try world.server.store.image()
            try world.give(.owner, to: 1, by: 0)
            try world.give(.viewer, to: 0, by: 1)
            _ = try world.restore(image)
            #expect(try world.roles() == [.viewer, .owner, nil])
        }
    }

    @Test func `who joined since the backup is a member again, without an invitation`() throws {
        let world = try World()
        let link = try world.link(by: 0, as: .editor)
        let image = try world.server.store.image()
        try world.post("shares", "{\"join\":\"\(link)\"}", 1)
        try world.give(.owner, to: 1, by: 0)
        try world.give(nil, to: 0, by: 1)
        #expect(try world.restore(image).rights == 1)
        #expect(try world.server.faults() == [])
        #expect(try world.post("shares", "{\"join\":\"\(link)\"}", 2).0 >= 400)
        #expect(try world.roles() == [nil, .owner, nil])
        #expect(try world.post("spaces/\(Self.list)/end", "{}", 1).0 == 200)
    }

    @Test func `what an erased customer shared with nobody is gone after a restore, too`() throws {
        let world = try World()
        try world.invite(1, by: 0, as: .editor)
        let image = try world.server.store.image()
        try world.give(nil, to: 1, by: 0)
        #expect(try world.server.admin("POST", "v1/admin/customers/a/erase").status == 200)
        #expect(try world.restore(image).customers == 1)
        #expect(try world.roles() == [nil, nil, nil])
        let open = try world.server.store.database.row(
            "SELECT count(*) FROM shares WHERE ended IS NULL"
        ) { $0.int(0) }
        #expect(open == 0)
        #expect(try world.server.faults() == [])
    }

    @Test func `a share that was made since the backup is made again, in the role that was left`()
        throws
    {
        let world = try World(makes: false)
        let image = try world.server.store.image()
        try world.make()
        try world.invite(1, by: 0, as: .owner)
        try world.give(.viewer, to: 0, by: 1)
        try world.invite(2, by: 1, as: .editor)
        try world.give(nil, to: 2, by: 1)
        _ = try world.restore(image)
        #expect(try world.roles() == [nil, nil, nil])
        let made = try world.make()
        #expect(made.0 == 201 && made.1["role"] == .text("viewer"))
        #expect(try world.roles() == [.viewer, .owner, nil])
        #expect(
            try world.post("shares", "{\"space\":\"\(Self.list)\"}", 2).1["code"]
                == .text("share_left"))
    }

    @Test func `what the list could not take is on it with the next group, or the next start`()
        throws
    {
        struct Full: Error {}
        let world = try World()
        try world.invite(1, by: 0, as: .editor)
        let image = try world.server.store.image()
        world.server.server.keepRights = { _ in throw Full() }
        try world.give(nil, to: 1, by: 0)
        #expect(try world.roles() == [.owner, nil, nil], "it is done all the same")
        let again = try world.server.reopened()
        var listed: [Right] = []
        again.server.keepRights = { listed += $0 }
        _ = try again.server.eraseAgain(world.taken, at: again.now)
        try again.inGroup {}
        #expect(listed.count == 1)
        try again.inGroup {}
        #expect(listed.count == 1)
        world.add(listed)
        _ = try world.restore(image)
        #expect(try world.roles() == [.owner, nil, nil])
    }

    @Test func `roles do not change without end`() throws {
        let world = try World()
        try world.invite(1, by: 0, as: .viewer)
        var refused = 0
        for step in 0..<80 {
            let status = try world.give(step.isMultiple(of: 2) ? .editor : .viewer, to: 1, by: 0)
            if status == 429 { refused += 1 }
        }
        // Every other one changes nothing.
        #expect(refused == 10)
        let lines = world.taken.rights.count
        _ = try world.give(.viewer, to: 1, by: 0)
        #expect(world.taken.rights.count == lines, "no change")
        world.server.now += 3_600_000
        #expect(try world.give(.editor, to: 1, by: 0) == 200)
    }

    /// Whatever is done, and wherever the backup was made: everybody is after the restore what
    /// they were at last.
    @Test(arguments: 1...80) func `rights are what they were, wherever the backup was made`(
        seed: UInt64
    ) throws {
        let world = try World()
        let random = TestRandom(seed: seed)
        var image = try world.server.store.image()
        let (count, backup) = (4 + random.below(12), random.below(12))
        for step in 0..<count {
            if step == backup { image = try world.server.store.image() }
            let (who, other) = (random.below(3), random.below(3))
            let role = Share.Role.allCases[random.below(3)]
            switch random.below(12) {
            case 0..<5: try world.invite(who, by: other, as: role)
            case 5..<8: try world.give(role, to: who, by: other)
            case 8..<11: try world.give(nil, to: who, by: other)
            default:
                if seed.isMultiple(of: 4) {
                    try world.post("spaces/\(Self.list)/end", "{}", other)
                }
            }
        }
        let last = try world.roles()
        _ = try world.restore(image)
        #expect(try world.roles() == last)
        #expect(try world.server.faults() == [])
        // A second restore, of the same backup.
        _ = try world.restore(image)
        #expect(try world.roles() == last)
        let again = try world.server.reopened()
        #expect(try again.server.eraseAgain(world.taken, at: again.now).rights == 0)
    }
}
