import Testing
import ToteClient
import ToteCore
import ToteTesting

/// What a customer says of an order, and the receipt that it leaves, with a network or without.
@Suite(.timeLimit(.minutes(5))) struct AfterSalesTests {
    private func collected(_ bed: TestBed, _ tote: Tote) async throws -> OrderID {
        let queued = try await tote.order()
        #expect(try await tote.syncOnce().isComplete)
        try await bed.server.step(queued.order, to: "ready", version: 1)
        return queued.order
    }

    @Test func `what is said offline shows at once, survives a kill and is told once`()
        async throws
    {
        let bed = try TestBed()
        var tote = try await bed.customer()
        let order = try await collected(bed, tote)
        await bed.server.setDown(true)
        try await tote.rate(order, 3)
        try await tote.rate(order, 2, comment: "cold")
        try await tote.ask(order, "one was missing")
        var shown = try #require(await tote.orders.first)
        #expect(shown.feedback?.rating == 2 && shown.feedback?.comment == "cold")
        #expect(shown.feedback?.isPending == true && shown.thread.map(\.isPending) == [true])
        await tote.close()
        tote = try bed.open()
        shown = try #require(await tote.orders.first)
        #expect(shown.feedback?.rating == 2 && shown.thread.map(\.text) == ["one was missing"])
        await bed.server.setDown(false)
        await bed.server.fail(.replyLost, .replyLost)
        try await bed.signIn(tote)
        await tote.start()
        for _ in 0..<2 {
            _ = await first(of: tote.statusUpdates) { $0.isOffline }
            await tote.networkMayBeBack()
        }
        _ = await first(of: tote.statusUpdates) { $0.isUpToDate }
        await tote.close()
        // Another device of the customer.
        let other = try bed.open("b")
        try await bed.signIn(other)
        #expect(try await other.syncOnce().isComplete)
        shown = try #require(await other.orders.first)
        #expect(shown.feedback?.rating == 2 && shown.feedback?.isPending == false)
        #expect(shown.thread.map(\.text) == ["one was missing"] && shown.askedAt != nil)
        #expect(try await bed.server.judged("ada").values.allSatisfy { $0 == 1 })
    }

    @Test func `a receipt needs no network, and is found by its number on another device`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.customer()
        let queued = try await tote.order()
        #expect(await tote.salesReceipt(of: queued.order) == nil, "nobody has taken it")
        #expect(try await tote.syncOnce().isComplete)
        await bed.server.setDown(true)
        let receipt = try #require(await tote.salesReceipt(of: queued.order))
        let text = receipt.text()
        #expect(text.contains { $0.hasPrefix("2 × tea") && $0.hasSuffix("6.00 EUR") }, "\(text)")
        #expect(text.contains("Receipt \(receipt.number)") && text.allSatisfy { $0.count <= 40 })
        #expect(try await tote.salesReceipt(numbered: receipt.number) == receipt)
        await bed.server.setDown(false)
        let other = try bed.open("b")
        try await bed.signIn(other)
        try await other.refreshCatalog()
        #expect(await other.orders.isEmpty, "it has not synced")
        let number = try #require(SalesNumber(receipt.number.description.lowercased()))
        #expect(try await other.salesReceipt(numbered: number) == receipt)
        let missing = SalesNumber(OrderID(high: 7 << 20, low: 0))
        await #expect { try await other.salesReceipt(numbered: missing) } throws: {
            ($0 as? ToteError)?.code == .notFound
        }
    }

    @Test func `what cannot be said is refused before it is saved`() async throws {
        let bed = try TestBed()
        let tote = try await bed.customer()
        let queued = try await tote.order()
        func refusal(_ body: () async throws -> Receipt.ID) async -> String? {
            do { _ = try await body() } catch let error as ToteError {
                return error.rejection?.code ?? error.code.rawValue
            } catch {}
            return nil
        }
        #expect(await refusal { try await tote.rate(queued.order, 5) } == "step_not_allowed")
        #expect(try await tote.syncOnce().isComplete)
        #expect(await refusal { try await tote.rate(queued.order, 0) } == "invalid_argument")
        #expect(await refusal { try await tote.rate(queued.order, 6) } == "invalid_argument")
        #expect(await refusal { try await tote.ask(queued.order, "") } == "invalid_argument")
        let long = String(repeating: "x", count: Order.Post.textBytesMax + 1)
        #expect(await refusal { try await tote.ask(queued.order, long) } == "invalid_argument")
        let nobodys = OrderID(high: 1, low: 1)
        #expect(await refusal { try await tote.ask(nobodys, "hello") } == "order_unknown")
        for index in 0..<Order.postsMax { try await tote.ask(queued.order, "post \(index)") }
        #expect(await refusal { try await tote.ask(queued.order, "more") } == "thread_full")
        #expect(try await tote.syncOnce().isComplete)
        #expect(await tote.orders.first?.thread.count == Order.postsMax)
    }
}
