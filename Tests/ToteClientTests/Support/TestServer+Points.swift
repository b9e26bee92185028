import Foundation
import Testing
import ToteClient
import ToteTesting
import ToteCore
import ToteServer

/// The programme of the tests' store, and what its operator and its counter do with points.
extension TestServer {
    static let programme = """
        ,"programme":{"names":{"en":"Beans"},
        "earn":[{"currency":"EUR","points":1,"per":100,"rounding":"down"}],
        "rewards":[
        {"id":"free-tea","names":{"en":"A tea"},"points":100,"product":"tea"},
        {"id":"two-off","names":{"en":"Two off"},"points":150,"discount":{"EUR":200}},
        {"id":"dear","names":{"en":"Dear"},"points":900,"discount":{"EUR":900}}],
        "pending_hours":0,"refund_policy":"within_balance",
        "leases":{"points_max":2000,"share":800,"card_max":{"EUR":5000},"stop_hours":72,
        "grace_hours":336}}
        """

    private func asked(_ path: String, _ body: String) throws -> Value {
        var request = ServerRequest(
            method: "POST", path: path.split(separator: "/").map(String.init), requestID: "r")
        request.isOperator = true
        request.body = Array(body.utf8)
        return try done(request)
    }

    /// Gives a customer points, or stored value.
    func give(_ customer: String, _ amount: Int, _ account: String = "points") throws {
        let reference = "gift-\(clock.draw())"
        _ = try asked(
            "v1/admin/ledger",
            """
            {"customer":"\(customer)","account":"\(account)","kind":"grant","amount":\(amount),
            "reference":"\(reference)","reason":"a test"}
            """)
    }

    /// Names a device the store's redeemer and returns its token.
    func nameRedeemer() throws -> String {
        let token = try mintStaff()
        _ = try asked("v1/admin/stores/s-1/redeemer", "{\"token\":\"\(token.id)\"}")
        return token.secret
    }

    /// The server's documents of a customer.
    func documents(_ customer: String = "ada") throws -> Documents {
        var request = ServerRequest(
            method: "POST", path: ["v1", "spaces", "customer:\(customer)", "sync"],
            requestID: "r")
        request.authorization = "Bearer \(try mint(customer))"
        request.contentType = Encoding.cbor.rawValue
        request.body = Encoding.cbor.encode(SyncRequest(replica: ReplicaID(0xFFFF)))
        let handled = try handle(request)
        guard case .answer(let answer) = handled,
            let snapshot = try Encoding.cbor.reply(answer.body).snapshot
        else { throw Offline() }
        return snapshot.documents
    }

    /// What the server's ledger says of a customer's account.
    func account(_ name: AccountName = .points) throws -> AccountSummary {
        let accounts = LedgerDocuments.accounts(in: try documents())
        return try #require(accounts.first { $0.name == name })
    }

    /// What the verifier finds in the server's file.
    func ledgerFaults() throws -> [String] {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "verify-\(UUID().uuidString).sqlite")
        defer { try? FileManager.default.removeItem(at: path) }
        try Data(store.image()).write(to: path)
        return try Verifier.verify(path: path.path).faults
    }

    /// A counter's request for a customer whose phone shows a code: the status and the answer.
    func counter(_ action: String, _ body: String) throws -> (status: Int, value: Value) {
        var request = ServerRequest(
            method: "POST", path: ["v1", "stores", "s-1", action], requestID: "r")
        request.authorization = "Bearer \(try staff())"
        request.idempotencyKey = "k-\(clock.draw())"
        request.body = Array(body.utf8)
        let handled = try handle(request)
        wakeTouched()
        guard case .answer(let answer) = handled else { throw Offline() }
        return (answer.status, try Encoding.json.value(answer.body))
    }

    /// Lets come about what is due.
    func runDue() throws {
        try server.begin()
        try server.runDue(at: clock.milliseconds)
        try server.commit()
        wakeTouched()
    }
}

extension TestBed {
    /// A signed-in device of a customer with points, that has the catalogue and teas in its cart.
    func member(
        _ name: String = "a", points: Int = 1_000, card: Int = 0, teas: Int = 2
    ) async throws -> Tote {
        try await server.sell(programme: TestServer.programme)
        if points > 0 { try await server.give("ada", points) }
        if card > 0 { try await server.give("ada", card, "card:EUR") }
        let tote = try await device(name)
        _ = try await tote.syncOnce()
        try await tote.refreshCatalog()
        if teas > 0 { try await tote.cart().setQuantity(teas, of: "tea") }
        _ = try await tote.syncOnce()
        return tote
    }

    /// The store's redeemer, enrolled and with the catalogue.
    func redeemer(_ name: String = "till", token: String? = nil) async throws -> Redeemer {
        let secret: String
        if let token { secret = token } else { secret = try await server.nameRedeemer() }
        let redeemer = try await Redeemer(
            directory: directory(name), store: "s-1", clock: clock.device())
        try await redeemer.connect(transport: server) { AccessToken(secret) }
        try await redeemer.syncOnce()
        try await redeemer.enrol()
        try await redeemer.refreshCatalog()
        return redeemer
    }
}

extension Tote {
    /// Reserves units and waits until the server has decided.
    func reserved(
        _ units: Int64, of account: AccountName = .points, at store: String? = nil
    ) async throws -> LeaseID {
        let made = try reserve(units, of: account, at: store)
        _ = try await syncOnce()
        #expect(try await settled(made.receipt).state == .accepted)
        return made.lease
    }

    /// Orders what the cart shows, with rewards or stored value.
    @discardableResult
    func order(
        rewards: [String] = [], card: OrderRequest.Card? = nil
    ) async throws -> QueuedOrder {
        try await cart().place(OrderRequest(store: "s-1", rewards: rewards, card: card))
    }
}

extension ToteError {
    static func code(of error: any Error) -> String? { (error as? ToteError)?.rejection?.code }
}

extension Receipt.State {
    /// The code of a rejection.
    var code: String? { if case .rejected(let why) = self { why.code } else { nil } }
}

extension TestServer {
    /// Another of the customer's devices asks for more points than are available.
    ///
    /// - Returns: the code of the refusal.
    func spendBeyond(_ points: Int64) throws -> String? {
        let device = try Replica(image: nil, random: { [clock] in clock.draw() })
        var place = PlaceIntent(
            order: OrderID(high: clock.draw(), low: clock.draw()), store: "s-1", cart: "main",
            lines: [PlaceIntent.Line(item: "tea", quantity: 4, price: 300)], currency: "EUR",
            total: 1_200, catalog: Int64(catalog?.version ?? 1), tenders: [])
        var tender = Tender(.points, 900)
        tender.reward = "dear"
        tender.points = points
        place.tenders = [tender, Tender(.atCounter, 300)]
        let reading = ClockReading(
            wallMilliseconds: clock.milliseconds, uptimeMilliseconds: 1, bootID: 1)
        let nonce = try device.commit([], intent: .place(place), at: reading)
        let secret = try mint("ada")
        for _ in 0..<4 where try exchange(device, secret, at: reading) != nil {}
        let receipt = try device.receipts().first { $0.id == nonce.map { Hex.string($0) } }
        return receipt?.state.code
    }
}

extension TestServer {
    /// Runs a body within the server's actor, where replicas can be used directly.
    func inside<Result: Sendable>(
        _ body: @Sendable (isolated TestServer) throws -> Result
    ) rethrows -> Result {
        try body(self)
    }

    /// One exchange of a replica.
    ///
    /// - Parameter change: what becomes of the reply on its way.
    /// - Returns: what the replica made of it; `nil` when it has nothing to push.
    @discardableResult
    func exchange(
        _ replica: Replica, _ secret: String, space: String = "customer:ada",
        at reading: ClockReading, pulls: Bool = true, change: (inout SyncReply) -> Void = { _ in }
    ) throws -> ReplyOutcome? {
        guard let outgoing = try replica.nextRequest(at: reading, pullsAnyway: pulls) else {
            return nil
        }
        var request = ServerRequest(
            method: "POST", path: ["v1", "spaces", space, "sync"], requestID: "r")
        request.authorization = "Bearer \(secret)"
        request.contentType = Encoding.cbor.rawValue
        request.body = outgoing.body
        let handled = try handle(request)
        wakeTouched()
        guard case .answer(let answer) = handled else { throw Offline() }
        var body = answer.body
        if answer.status == 200 {
            var reply = try Encoding.cbor.reply(body)
            change(&reply)
            body = Encoding.cbor.encode(reply)
        }
        return try replica.receive(
            status: answer.status, body: body, isProblem: answer.status != 200, to: outgoing,
            at: reading)
    }

    /// Exchanges until there is nothing to send or to receive.
    func settle(
        _ replica: Replica, _ secret: String, space: String = "customer:ada",
        at reading: ClockReading
    ) throws {
        for _ in 0..<12 {
            let outcome = try exchange(replica, secret, space: space, at: reading)
            if outcome == .progress(isCurrent: true) { return }
        }
        throw Offline()
    }

    /// What a device's clocks say now.
    var reading: ClockReading {
        ClockReading(wallMilliseconds: clock.milliseconds, uptimeMilliseconds: 1_000, bootID: 1)
    }

    /// A store's redeemer without a shell, enrolled; what it keeps outside is left to the test.
    func rawRedeemer(_ secret: String, image: [UInt8]? = nil) throws -> Replica {
        let till = try Replica(image: image, random: { [clock] in clock.draw() })
        try till.keepCatalog(catalog?.bytes ?? [])
        try settle(till, secret, space: "store:s-1", at: reading)
        return till
    }

    /// Fetches the key of a redeemer's incarnation.
    func enrol(_ till: Replica, _ secret: String) throws {
        guard let mark = till.redeemerMark else { throw Offline() }
        var request = ServerRequest(
            method: "POST", path: ["v1", "stores", "s-1", "redeemer"], requestID: "r")
        request.authorization = "Bearer \(secret)"
        request.body = Array("{\"incarnation\":\"\(Hex.string(mark.incarnation))\"}".utf8)
        let key = try done(request)["key"]?.textValue.flatMap(Hex.bytes)
        try till.enrol(mark.incarnation, key: try #require(key))
    }
}
