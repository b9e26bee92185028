import Testing
import ToteCore

struct ModelTests {
    /// One device whose changes are confirmed at once.
    private struct Phone {
        var documents = Documents()
        var counter: UInt64 = 0
        var view: LocalView { LocalView(confirmed: documents) }

        mutating func commit(_ writes: [Write]) {
            counter += 1
            let change = Change(
                nonce: counter, time: Timestamp(milliseconds: counter), writes: writes)
            #expect(change.refusal() == nil)
            documents.apply(change, dot: Dot(ReplicaID(1), counter))
            documents.checkInvariants()
        }
    }

    @Test func `the last 50 viewed are shown, latest first, and no more are kept`() {
        var phone = Phone()
        for number in 0..<120 { phone.commit(phone.view.viewing(Name("item\(number)"))) }
        let recent = Recent.items(phone.documents)
        #expect(recent.map(\.text) == (70..<120).reversed().map { "item\($0)" })
        #expect(phone.documents.cellCount == 50)
        phone.commit(phone.view.viewing("item100"))
        #expect(Recent.items(phone.documents).first == "item100")
        #expect(Recent.items(phone.documents).count == 50)
        #expect(phone.documents.cellCount == 50)
    }

    @Test func `two devices that viewed 50 each show the latest 50 of them`() {
        var documents = Documents()
        for number in 1...100 as ClosedRange<UInt64> {
            let dot = Dot(ReplicaID(1 + number % 2), number)
            documents.insert(
                Cell(
                    dot: dot, time: Timestamp(milliseconds: number), payload: .register(.bool(true))
                ),
                at: Key(Recent.collection, Name("i\(number)"), Fields.viewed))
        }
        #expect(Recent.items(documents).map(\.text) == (51...100).reversed().map { "i\($0)" })
        // Whoever views next erases what no screen shows any more.
        var phone = Phone(documents: documents, counter: 100)
        phone.commit(phone.view.viewing("new"))
        #expect(phone.documents.cellCount == 50)
    }

    @Test func `the journey goes on where another device left it`() {
        var phone = Phone()
        #expect(Journey(phone.documents).store == nil)
        phone.commit(phone.view.registering(.text("store-1"), Journey.key(Journey.store)))
        phone.commit(
            phone.view.registering(
                .text("2030-01-01T10:00:00Z"), Journey.key(Journey.pickupTime))
                + phone.view.registering(.text("checkout"), Journey.key(Journey.screen)))
        let journey = Journey(phone.documents)
        #expect(journey.store == "store-1")
        #expect(journey.pickupTime == "2030-01-01T10:00:00Z")
        #expect(journey.screen == "checkout")
        phone.commit(phone.view.erasing(Journey.key(Journey.screen)))
        #expect(Journey(phone.documents).screen == nil)
        #expect(phone.view.erasing(Journey.key(Journey.screen)) == [])
    }

    @Test func `a cart has lines in the order of their names, a title and a note`() {
        var phone = Phone()
        let cart = Cart.collection("office")
        for item in ["tea", "latte|size=S", "latte|size=L", "latte"] as [Name] {
            phone.commit(phone.view.adding(2, collection: cart, item: item))
        }
        let note = Key(cart, Fields.itself, Fields.note)
        phone.commit(phone.view.registering(.text("for nine o'clock"), note))
        let shown = Cart(phone.documents, name: "office")
        #expect(
            shown.lines.map(\.name.item) == ["latte", "latte|size=L", "latte|size=S", "tea"])
        #expect(shown.note == "for nine o'clock" && shown.title == nil)
        #expect(Cart.names(phone.documents) == ["office"])
        #expect(Cart(phone.documents, name: "main").lines == [])
    }

    @Test func `erasing a collection erases all of it, in changes that fit`() {
        var phone = Phone()
        let cart = Cart.collection("main")
        for number in 0..<300 {
            let item = Name("sku\(number)")
            phone.commit(
                phone.view.adding(1, collection: cart, item: item)
                    + phone.view.registering(.text("n"), Key(cart, item, Fields.note)))
        }
        let groups = phone.view.erasing(collection: cart)
        #expect(groups.allSatisfy { $0.count <= Limits.writesPerChangeMax })
        for group in groups { phone.commit(group) }
        #expect(phone.documents == Documents())
        #expect(phone.view.erasing(collection: cart) == [])
    }

    @Test func `adding to a line that does not show erases its other fields`() {
        var phone = Phone()
        let cart = Cart.collection("main")
        phone.commit(phone.view.registering(.text("old"), Key(cart, "tea", Fields.note)))
        phone.commit(phone.view.adding(1, collection: cart, item: "tea"))
        #expect(Cart(phone.documents, name: "main").lines.map(\.note) == [nil])
        phone.commit(phone.view.registering(.text("new"), Key(cart, "tea", Fields.note)))
        phone.commit(phone.view.setting(4, collection: cart, item: "tea"))
        #expect(Cart(phone.documents, name: "main").lines.map(\.note) == ["new"])
        phone.commit(phone.view.setting(0, collection: cart, item: "tea"))
        #expect(phone.documents.cellCount == 0)
    }
}
