import Testing
import ToteClient
import ToteTesting

@Suite(.timeLimit(.minutes(5))) struct ReceiptTests {
    @Test func `a receipt survives a relaunch in the middle of its push`() async throws {
        let bed = try TestBed()
        var tote = try await bed.device("a")
        _ = try await tote.syncOnce()
        let id = try #require(try await tote.cart().add("latte"))
        await bed.server.fail(.replyLost)
        await tote.start()
        _ = await first(of: tote.statusUpdates) { $0.isOffline }
        #expect(try await tote.receipt(id)?.state == .sending)
        await tote.close()
        tote = try bed.open()
        #expect(try await tote.receipt(id)?.state == .sending)
        try await bed.signIn(tote)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(id).state == .accepted)
        #expect(try await bed.server.judged("ada").values.sorted() == [1])
    }

    @Test func `a refused change falls out of the view and says what to do`() async throws {
        let bed = try TestBed()
        var tote = try bed.open()
        try await bed.signIn(tote, write: ["cart:*"])
        let wish = try #require(try await tote.wishlist("favorites").add("mug"))
        let added = try #require(try await tote.cart().add("latte"))
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(added).state == .accepted)
        await tote.close()
        tote = try bed.open()
        let receipt = try #require(try await tote.receipt(wish))
        guard case .rejected(let rejection) = receipt.state else {
            Issue.record("not rejected: \(receipt)")
            return
        }
        #expect(rejection.code == "not_allowed")
        #expect(receipt.whatToDo?.contains("token") == true)
        #expect(receipt.label == "wish for mug")
        #expect(await tote.wishlists.isEmpty)
        try await tote.dismiss(wish)
        #expect(try await tote.receipt(wish) == nil)
        await #expect { try await tote.dismiss(wish) } throws: {
            ($0 as? ToteError)?.code == .notFound
        }
    }

    @Test func `a change can be withdrawn until it is sent`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        let id = try #require(try await tote.cart().add("latte"))
        try await tote.withdraw(id)
        #expect(await tote.cart().value.lines.isEmpty)
        #expect(try await tote.receipt(id)?.state == .withdrawn)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await tote.settled(id).state == .withdrawn)
        let sent = try #require(try await tote.cart().add("tea"))
        #expect(try await tote.syncOnce().isComplete)
        for gone in [sent, "0000000000000000", "no id"] {
            await #expect { try await tote.withdraw(gone) } throws: {
                ($0 as? ToteError)?.code == .notFound
            }
        }
    }

    @Test func `waiting for an unknown change throws`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        await #expect { try await tote.settled("0000000000000000") } throws: {
            ($0 as? ToteError)?.code == .notFound
        }
    }

    @Test func `waiting ends when the fate comes`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        let id = try #require(try await tote.cart().add("latte"))
        async let receipt = tote.settled(id)
        await tote.start()
        #expect(try await receipt.state == .accepted)
    }
}
