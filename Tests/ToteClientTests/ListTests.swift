import Testing
import ToteClient
import ToteCore

/// Carts that are lists: taken in, ticked off, ordered from; none of it needs a network.
@Suite(.timeLimit(.minutes(5))) struct ListTests {
    private func line(
        _ sku: String, _ quantity: Int64, note: String? = nil, isTicked: Bool = false
    ) -> CartLine {
        CartLine(name: LineName(sku), quantity: quantity, note: note, isTicked: isTicked)
    }

    @Test func `a list is added line by line, in as many changes as it takes`() async throws {
        let tote = try TestBed().open()
        let cart = tote.cart("weekly")
        try await cart.add("sku-001", quantity: 2)
        try await cart.setNote("mine", of: "sku-001")
        let lines = (1...130).map { number in
            let digits = String(1_000 + number).dropFirst()
            return line("sku-\(digits)", 3, note: number == 2 ? "theirs" : nil)
        }
        let text = ListText(title: "Week", lines: lines).text
        let receipts = try await cart.add(try ListText(reading: text))
        #expect(receipts.count == 3)
        let value = await cart.value
        #expect(value.title == "Week" && value.lines.count == 130)
        #expect(value.lines[0].quantity == 5 && value.lines[0].note == "mine")
        #expect(value.lines[1].quantity == 3 && value.lines[1].note == "theirs")
        // Another title stays.
        try await cart.add(ListText(title: "Other", lines: [line("tea", 1)]))
        #expect(await cart.value.title == "Week")
    }

    @Test func `what is ticked off is not ordered from a list, and goes with its line`()
        async throws
    {
        let tote = try TestBed().open()
        let list = tote.cart("weekly")
        try await list.add(
            ListText(lines: [line("tea", 2, isTicked: true), line("mug", 1, note: "blue")]))
        try await tote.cart().addAll(of: "weekly")
        #expect(await tote.cart().value.lines == [line("mug", 1, note: "blue")])
        #expect(await list.value.lines.map(\.isTicked) == [false, true])
        try await list.setTicked(false, of: "tea")
        #expect(await list.value.lines.map(\.isTicked) == [false, false])
        try await list.setTicked(true, of: "mug")
        try await list.remove("mug")
        try await list.add("mug")
        #expect(await list.value.lines.map(\.isTicked) == [false, false])
        #expect(try await list.setTicked(true, of: "scarf") == nil)
    }

    @Test func `what no line of text can hold is left out of it, and the rest is read back`()
        async throws
    {
        let tote = try TestBed().open()
        let cart = tote.cart()
        try await cart.add("tea", quantity: 5_000_000)
        try await cart.setNote("one\ntwo\u{2028}three ", of: "tea")
        try await cart.setTitle(" \n ")
        let list = ListText(await cart.value)
        #expect(list.lines == [line("tea", 1_000_000, note: "one two three")])
        #expect(list.title == nil)
        for form in [list.text, list.json, list.link] {
            #expect(try ListText(reading: form) == list)
        }
    }
}
