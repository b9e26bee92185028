import Testing
import ToteClient
import ToteTesting

@Suite(.timeLimit(.minutes(5))) struct DocumentTests {
    @Test func `a cart's lines, notes and title`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let cart = tote.cart("office")
        try await cart.add("latte", options: ["size": "L", "milk": "oat"])
        try await cart.setNote("no lid", of: "latte", options: ["milk": "oat", "size": "L"])
        try await cart.setNote("for Monday")
        try await cart.setTitle("Office")
        try await cart.setQuantity(3, of: "muffin")
        try await cart.add("muffin", quantity: -1)
        let value = await cart.value
        #expect(value.title == "Office")
        #expect(value.note == "for Monday")
        #expect(value.lines.map(\.quantity) == [1, 2])
        #expect(value.lines.first?.note == "no lid")
        #expect(await tote.carts.map(\.name) == ["office"])
        try await cart.remove("muffin")
        #expect(await cart.value.lines.count == 1)
        #expect(try await cart.clear().count == 1)
        #expect(await tote.carts.isEmpty)
    }

    @Test func `an edit that changes nothing has no receipt`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        #expect(try await tote.cart().add("latte", quantity: -1) == nil)
        #expect(try await tote.cart().remove("latte") == nil)
        #expect(try await tote.cart().setNote("hot", of: "latte") == nil)
        #expect(try await tote.cart().setNote(nil) == nil)
        #expect(try await tote.wishlist("w").setNote("blue", of: "mug") == nil)
        #expect(try await tote.wishlist("w").move("mug", to: 0) == nil)
        #expect(try await tote.receipts().isEmpty)
    }

    @Test func `a cart of more lines than a change holds is cleared`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        for number in 0..<300 { try await tote.cart().add("sku-\(number)") }
        #expect(try await tote.cart().clear().count == 2)
        #expect(await tote.carts.isEmpty)
    }

    @Test func `wishlists are made, ordered, renamed and deleted`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let birthday = try await tote.createWishlist(title: "Birthday")
        let home = try await tote.createWishlist(title: "Home")
        let car = try await tote.createWishlist(title: "Car")
        func titles() async -> [String?] { await tote.wishlists.map(\.title) }
        #expect(await titles() == ["Birthday", "Home", "Car"])
        try await car.move(to: 0)
        #expect(await titles() == ["Car", "Birthday", "Home"])
        try await car.move(to: 1)
        #expect(await titles() == ["Birthday", "Car", "Home"])
        try await birthday.move(to: 9)
        #expect(await titles() == ["Car", "Home", "Birthday"])
        try await home.rename("House")
        try await home.setNote("for the move")
        try await car.delete()
        #expect(await titles() == ["House", "Birthday"])
        #expect(await home.value.note == "for the move")
    }

    @Test func `lists that an app named itself take a place when moved`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        for id in ["c", "a", "b"] { try await tote.wishlist(id).add("mug") }
        #expect(await tote.wishlists.map(\.id) == ["a", "b", "c"])
        try await tote.wishlist("c").move(to: 1)
        #expect(await tote.wishlists.map(\.id) == ["a", "c", "b"])
        _ = try await tote.createWishlist(title: "last")
        #expect(await tote.wishlists.last?.title == "last")
    }

    @Test func `entries of a wishlist keep the customer's order`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let list = tote.wishlist("favorites")
        for sku in ["mug", "pot", "cup"] { try await list.add(sku) }
        try await list.move("cup", to: 0)
        try await list.setNote("blue", of: "pot")
        try await list.remove("mug")
        #expect(
            await list.value.entries == [
                WishlistEntry(name: LineName("cup")),
                WishlistEntry(name: LineName("pot"), note: "blue"),
            ])
    }

    @Test func `what was viewed and where the customer is go along`() async throws {
        let bed = try TestBed()
        let (a, b) = (try await bed.device("a"), try await bed.device("b"))
        for number in 0..<53 {
            bed.clock.advance(by: .seconds(1))
            try await a.recent.viewed("sku-\(number)")
        }
        try await a.journey.setStore("s-17")
        try await a.journey.setPickupTime("2026-03-29T12:00:00Z")
        try await a.journey.setScreen("checkout")
        try await a.journey.setScreen(nil)
        for tote in [a, b] { #expect(try await tote.syncOnce().isComplete) }
        let recent = await b.recent.value
        #expect(recent.count == 50)
        #expect(recent.first == LineName("sku-52"))
        let journey = await b.journey.value
        #expect(journey.store == "s-17")
        #expect(journey.pickupTime == "2026-03-29T12:00:00Z")
        #expect(journey.screen == nil)
    }

    @Test func `an app has collections of its own`() async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let own = tote.collection("app:settings")
        try await own.set("theme", to: .text("dark"))
        try await own.set("name", of: "ada", to: .text("Ada"))
        try await own.add(2, to: "visits", of: "ada")
        try await own.setCount(5, of: "score", item: "ada")
        try await own.setFlag("vip", of: "ada")
        #expect(await own.value("theme") == .text("dark"))
        // A counter that starts does not take the item's other fields away.
        #expect(await own.value("name", of: "ada") == .text("Ada"))
        #expect(await own.count("visits", of: "ada") == 2)
        #expect(await own.count("score", of: "ada") == 5)
        #expect(await own.isFlagged("vip", of: "ada"))
        #expect(await own.items == ["", "ada"])
        try await own.setFlag("vip", of: "ada", to: false)
        try await own.setCount(0, of: "score", item: "ada")
        try await own.add(-9, to: "visits", of: "ada")
        #expect(await own.count("visits", of: "ada") == 0)
        #expect(await own.value("name", of: "ada") == .text("Ada"))
        try await own.erase("ada")
        #expect(await own.items == [""])
    }

    @Test(arguments: ["cart:main", "cart:", "wishlist:x", "recent", "journey", ""])
    func `the product's own collections are refused`(name: String) async throws {
        let bed = try TestBed()
        let tote = try bed.open()
        let own = tote.collection(name)
        let edits: [@Sendable () async throws -> Void] = [
            { try await own.set("f", to: .null) }, { try await own.add(to: "f") },
            { try await own.setCount(1, of: "f") }, { try await own.setFlag("f") },
            { try await own.erase("i") },
            {
                let field = Register.custom(collection: name, item: "", field: "f")
                _ = try await tote.conflicts(of: field)
            },
        ]
        for edit in edits {
            await #expect { try await edit() } throws: {
                ($0 as? ToteError)?.code == .invalidArgument
            }
        }
    }

    @Test func `several edits make one change, or none`() async throws {
        let bed = try TestBed()
        let tote = try await bed.device("a")
        try await tote.wishlist("w").add("mug")
        let id = try #require(
            try await tote.edit(
                .unwish("mug", wishlist: "w"), .add("mug"), label: "moved to the cart"))
        #expect(await tote.wishlists.isEmpty)
        #expect(await tote.cart().value.quantity("mug") == 1)
        #expect(try await tote.receipt(id)?.label == "moved to the cart")
        await #expect { try await tote.edit(.add("mug"), .add("mug")) } throws: {
            ($0 as? ToteError)?.code == .invalidArgument
        }
        await #expect { try await tote.edit(.add("cup"), .add("")) } throws: {
            ($0 as? ToteError)?.code == .invalidArgument
        }
        #expect(await tote.cart().value.lines.count == 1)
        #expect(try await tote.syncOnce().isComplete)
        #expect(try await bed.server.judged("ada").count == 2)
    }

    @Test func `a conflict is readable until the next write`() async throws {
        let bed = try TestBed()
        let (a, b) = (try await bed.device("a"), try await bed.device("b"))
        try await a.cart().setNote("by A")
        bed.clock.advance(by: .seconds(2))
        try await b.cart().setNote("by B")
        for tote in [a, b, a] { _ = try await tote.syncOnce() }
        #expect(await a.cart().value.note == "by B")
        #expect(try await a.conflicts(of: .cartNote(cart: "main")) == [.text("by A")])
        try await a.cart().setNote("both")
        for tote in [a, b] { _ = try await tote.syncOnce() }
        #expect(try await b.conflicts(of: .cartNote(cart: "main")).isEmpty)
        #expect(await b.cart().value.note == "both")
    }
}
