import Testing
import ToteCore

struct NameTests {
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    @Test func `canonically equal texts are different names`() {
        #expect(Self.composed == Self.decomposed, "Swift's own strings are equal here")
        #expect(Name(Self.composed) != Name(Self.decomposed))
        #expect(Set([Name(Self.composed), Name(Self.decomposed)]).count == 2)
        #expect(Name(Self.decomposed) < Name(Self.composed), "bytewise")
        #expect(Value.text(Self.composed) != .text(Self.decomposed))
        let map = Value.map([
            Value.Entry(Self.decomposed, .int(1)), Value.Entry(Self.composed, .int(2)),
        ])
        #expect(map[Self.composed] == .int(2))
        #expect(map[Self.decomposed] == .int(1))
    }

    @Test func `canonically equal keys hold cells of their own through both encodings`() throws {
        var documents = Documents()
        for (index, text) in [Self.composed, Self.decomposed].enumerated() {
            let dot = Dot(ReplicaID(1), UInt64(index + 1))
            documents.insert(
                Cell(dot: dot, time: .zero, payload: .delta(Int64(index + 1))),
                at: Key(Name(text), Name(text), Name(text)))
        }
        #expect(documents.collections.count == 2)
        for encoding in Encoding.allCases {
            let bytes = encoding.encode(Snapshot(position: 1, documents: documents))
            let back = try encoding.snapshot(bytes).documents
            #expect(back == documents)
            let key = Key(Name(Self.composed), Name(Self.composed), Name(Self.composed))
            #expect(Fold.counter(back.cells(key)) == 1)
        }
    }

    @Test func `names are ordered by bytes, which is by scalars`() {
        let names: [Name] = ["", "A", "Z", "a", "z", "\u{E9}", "\u{FFFF}", "\u{1F600}"]
        #expect(names.shuffled().sorted() == names)
        #expect(Name("\u{1F600}").byteCount == 4)
        let keys = [Key("a", "b", "c"), Key("a", "b", "d"), Key("a", "c", "a"), Key("b", "", "")]
        #expect(keys.reversed().sorted() == keys)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `the order is that of the bytes, wherever names differ and whichever ends first`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        let pieces = ["a", "b", "\u{0}", "\u{7F}", "\u{E9}", "\u{1F600}", "12345678"]
        func text() -> String { (0..<random.below(12)).map { _ in random.pick(pieces) }.joined() }
        let start = text()
        let (left, right) = (start + text(), start + text())
        #expect(
            (Name(left) < Name(right)) == left.utf8.lexicographicallyPrecedes(right.utf8),
            "\(left.debugDescription) and \(right.debugDescription)")
        #expect((Name(left) == Name(right)) == left.utf8.elementsEqual(right.utf8))
    }

    @Test(arguments: 0..<400 as Range<UInt64>)
    func `a line's name comes back from its item`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "a", "|", "=", "%", "%7C", "%25", "", " ", "L", "oat milk", "\u{E9}", "e\u{301}",
            "\u{301}", "\u{1F468}\u{200D}\u{1F469}", "\r", "\n", "\u{0}", "7C", "\u{FE0F}",
        ]
        func text() -> String { (0..<random.below(4)).map { _ in random.pick(pieces) }.joined() }
        var options: [String: String] = [:]
        for _ in 0..<random.below(4) { options[text()] = text() }
        let line = LineName(text(), options: options)
        let item = line.item
        let back = LineName(item: item)
        #expect(back.item == item)
        #expect(Name(back.sku) == Name(line.sku), "\(item.text.debugDescription)")
        #expect(back.options == options, "\(item.text.debugDescription)")
    }

    @Test func `equal lines have equal names, options sorted by bytes`() {
        let line = LineName("latte", options: ["size": "L", "milk": "oat"])
        #expect(line.item == "latte|milk=oat|size=L")
        #expect(LineName("a|b=c%", options: ["x=y": "1|2"]).item == "a%7Cb%3Dc%25|x%3Dy=1%7C2")
    }

    @Test(arguments: [
        "a|b", "a|b=c=d", "a|b=1|b=2", "a%ZZ", "a%7c", "a|x=%", "a|%7=b", "a%7C%E9",
    ])
    func `a name that is not well-formed stands for itself`(text: String) {
        let line = LineName(item: Name(text))
        #expect(line.sku == text)
        #expect(line.options == [:])
    }

    @Test func `carts and lists are found whatever their names begin with`() {
        var documents = Documents()
        let names = ["\u{301}x", "", "main", "a:b", "\u{1F3FD}"]
        for (index, name) in names.enumerated() {
            let dot = Dot(ReplicaID(1), UInt64(index + 1))
            documents.insert(
                Cell(dot: dot, time: .zero, payload: .delta(1)),
                at: Key(Cart.collection(name), "tea", Fields.quantity))
            documents.insert(
                Cell(dot: dot, time: .zero, payload: .flag),
                at: Key(Wishlist.collection(name), "tea", Fields.member))
        }
        #expect(Set(Cart.names(documents).map { Name($0) }) == Set(names.map { Name($0) }))
        #expect(Set(Wishlist.ids(documents).map { Name($0) }) == Set(names.map { Name($0) }))
    }
}
