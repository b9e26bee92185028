import Testing
import ToteCore
import ToteServer

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

        init() throws {
            let server = try TestServer()
            self.server = server
            tokens = try ["a", "b", "c"].map {
                try server.mint(#"{"spaces":[{"space":"customer:\#($0)"}]}"#)
            }
            listen()
            _ = try post("shares", "{\"space\":\"\(list)\",\"seed\":\"\(seed)\"}", 0)
        }

        private func listen() {
            server.server.keepErasure = { [unowned self] in taken.insert($0) }
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

        func give(_ role: Share.Role?, to who: Int, by other: Int) throws {
            try post(
                "spaces/\(list)/members/\(members[who] ?? "0000000000000001")",
                "{\"role\":\"\(role?.rawValue ?? "none")\"}", other)
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
        server.server.keepErasure = { taken.insert($0) }
        let list = try server.value(server.admin("GET", "v1/admin/tokens"))
        guard case .array(let tokens)? = list["tokens"], let id = tokens.first?["id"]?.textValue
        else { throw TestFailure("no token") }
        #expect(try server.admin("DELETE", "v1/admin/tokens/\(id)").status == 200)
        #expect(taken.entries.map(\.text) == ["token \(id)"])
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

    @Test func `where the owner is gone whom the backup has, another member is one`() throws {
        let world = try World()
        try world.invite(1, by: 0, as: .editor)
        let image = try world.server.store.image()
        try world.invite(2, by: 0, as: .owner)
        try world.give(nil, to: 0, by: 0)
        #expect(try world.roles() == [nil, .editor, .owner])
        #expect(try world.restore(image).rights == 1)
        #expect(try world.roles() == [nil, .owner, nil])
        #expect(try world.server.faults() == [])
    }

    @Test func `where nobody is left whom the backup has, who is invited comes back`() throws {
        let world = try World()
        let link = try world.link(by: 0, as: .owner)
        let image = try world.server.store.image()
        try world.post("shares", "{\"join\":\"\(link)\"}", 1)
        try world.give(nil, to: 0, by: 0)
        #expect(try world.restore(image).rights == 1)
        #expect(try world.roles() == [nil, nil, nil])
        #expect(try world.server.faults() == [])
        try world.post("shares", "{\"join\":\"\(link)\"}", 1)
        #expect(try world.roles() == [nil, .owner, nil])
    }

    /// Whatever is done, and wherever the backup was made: nobody is more after the restore than
    /// they were at last, unless nobody would be an owner.
    @Test(arguments: 1...60) func `no right comes back with a backup`(seed: UInt64) throws {
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
                if seed.isMultiple(of: 4) { try world.post("spaces/\(Self.list)/end", "{}", other) }
            }
        }
        let last = try world.roles()
        _ = try world.restore(image)
        let now = try world.roles()
        let hasOldOwner = zip(last, now).contains { $0 == .owner && $1 == .owner }
        for (before, after) in zip(last, now) {
            guard let after else { continue }
            let isHeir = after == .owner && before != nil && !hasOldOwner
            #expect(before.map { after <= $0 } ?? false || isHeir, "\(last) became \(now)")
        }
        #expect(try world.server.faults() == [])
        let again = try world.server.reopened()
        #expect(try again.server.eraseAgain(world.taken, at: again.now).rights == 0)
    }
}
