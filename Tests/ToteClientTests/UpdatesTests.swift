import ToteConcurrency
import Testing
import ToteClient
import ToteTesting

@Suite(.timeLimit(.minutes(5))) struct UpdatesTests {
    @Test func `a value comes at once and then only when it has changed`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        var carts = tote.cart().updates.makeAsyncIterator()
        var statuses = tote.statusUpdates.makeAsyncIterator()
        #expect(await carts.next()?.lines.isEmpty == true)
        #expect(await statuses.next() == .starting)
        // Another document, an exchange and a note that is there already change nothing in the
        // cart.
        try await tote.wishlist("favorites").add("mug")
        _ = try await tote.syncOnce()
        try await tote.cart("other").add("tea")
        try await tote.cart().add("latte")
        #expect(await carts.next()?.quantity("latte") == 1)
        try await tote.cart().setQuantity(1, of: "latte")
        _ = try await tote.syncOnce()
        try await tote.cart().add("latte")
        #expect(await carts.next()?.quantity("latte") == 2)
    }

    @Test func `what changed and changed back while nobody looked is not told`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        var carts = tote.cart().updates.makeAsyncIterator()
        _ = await carts.next()
        try await tote.cart().add("latte")
        try await tote.cart().remove("latte")
        try await tote.cart().add("tea")
        #expect(await carts.next()?.lines.map(\.sku) == ["tea"])
        try await tote.cart().add("latte")
        try await tote.cart().remove("latte")
        await tote.close()
        #expect(await carts.next() == nil)
    }

    @Test func `no sequence tells the same twice, however much happens`() async throws {
        let bed = try TestBed()
        let (a, b) = (try await bed.device("a"), try await bed.device("b"))
        let told = Lock<[Cart]>([])
        let reader = Task {
            for await cart in b.cart().updates { told.withLock { $0.append(cart) } }
        }
        for tote in [a, b] { await tote.start() }
        // Whoever is woken again and again waits a moment: time goes on.
        let ticker = Task { [clock = bed.clock] in
            while !Task.isCancelled {
                clock.advance(by: .milliseconds(100))
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
        defer { ticker.cancel() }
        for number in 1...20 {
            try await a.cart().add("latte")
            if number.isMultiple(of: 5) { try await b.cart().add("tea") }
        }
        _ = await first(of: b.cart().updates) {
            $0.quantity("latte") == 20 && $0.quantity("tea") == 4
        }
        await b.close()
        await reader.value
        let carts = told.withLock { $0 }
        #expect(carts.last?.quantity("latte") == 20)
        for (before, after) in zip(carts, carts.dropFirst()) { #expect(before != after) }
        await a.close()
    }

    @Test func `receipts are told from saved to accepted`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        var receipts = tote.receiptUpdates.makeAsyncIterator()
        #expect(await receipts.next() == [])
        try await tote.cart().add("latte")
        #expect(await receipts.next()?.map(\.state) == [.saved])
        _ = try await tote.syncOnce()
        #expect(await receipts.next()?.map(\.state) == [.accepted])
    }

    @Test func `a sequence follows the account that shows`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await tote.cart().add("latte")
        var carts = tote.cart().updates.makeAsyncIterator()
        #expect(await carts.next()?.quantity("latte") == 1)
        try await bed.signIn(tote, "bob")
        #expect(await carts.next()?.lines.isEmpty == true)
    }

    @Test func `a task that is cancelled stops listening`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let reader = Task { await first(of: tote.cart().updates) { !$0.lines.isEmpty } }
        reader.cancel()
        #expect(await reader.value == nil)
        // Sequences of a closed Tote end at once.
        await tote.close()
        #expect(await first(of: tote.cart().updates) { _ in true } == nil)
    }
}
