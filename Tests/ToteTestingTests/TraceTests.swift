import Foundation
import Testing
import ToteClient
import ToteTesting

/// A device's trace: it says nothing of what the customer wrote, and it does again what was done.
struct TraceTests {
    /// What a customer writes, and where they buy it.
    private static let secrets = [
        "Ada", "Lovelace", "oat", "birthday", "croissant", "2 pieces", "4111111111111111",
        "de89370400440532013000", "deadbeefdeadbeef", "Friends", "Zoe",
    ]
    /// A number that is one: what CBOR makes of 4915112345678.
    private static let phoneNumber = Data([0x1B, 0x00, 0x00, 0x04, 0x78, 0x63, 0x86, 0x80, 0x4E])

    /// A phone with a trace of a lively hour; `prepare` before it begins.
    private func trace(
        _ prepare: (TestDevice) async throws -> Void = { _ in }
    ) async throws -> [UInt8] {
        let world = try await TestWorld(seed: 3)
        let phone = try await world.device("phone")
        let tablet = try await world.device("tablet")
        try await prepare(phone)
        try await phone.tote.startTrace()
        try await phone.tote.cart().add("croissant", quantity: 2, options: ["milk": "oat"])
        try await phone.tote.cart().setNote("for Ada Lovelace's birthday, 2 pieces")
        try await phone.tote.wishlist("Ada's").add("croissant")
        try await phone.tote.cart("4111111111111111").add("deadbeefdeadbeef")
        try await phone.tote.cart().setNote(
            "card 4111111111111111.12.2027, de89370400440532013000", of: "croissant",
            options: ["milk": "oat"])
        for size in ["S", "M", "L", "1", "2", "XL"] {
            try await phone.tote.cart("sizes").add("croissant", options: ["size": size])
        }
        let friends: Value = .map(["Friends": .int(4_915_112_345_678), "EUR": .text("card:EUR")])
        try await phone.tote.collection("app:people").set("Lovelace", of: "Ada", to: friends)
        let search: Value = .map(["Zoe": .int(4_915_112_345_678)])
        try await phone.tote.collection("recent:searches").set("q", of: "й", to: search)
        for letter in ["é", "и", "_", "a", "_a"] {
            try await phone.tote.collection("app:people").set("x", of: letter, to: .bool(true))
        }
        phone.network.fail(.replyLost)
        try await phone.sync()
        try await tablet.sync()
        try await tablet.tote.cart().add("croissant", options: ["milk": "oat"])
        try await tablet.tote.cart("birthday").add("croissant")
        try await tablet.sync()
        phone.network.isUp = false
        let order = try await phone.tote.cart("party").add("croissant")
        #expect(order != nil)
        _ = try await phone.tote.cart("party").place(OrderRequest(store: TestWorld.store))
        let taken = try await phone.tote.cart().add("espresso")
        try await phone.tote.withdraw(try #require(taken))
        _ = try? await phone.sync()
        phone.network.isUp = true
        try await world.advance(by: .seconds(3_600))
        try await phone.sync()
        for receipt in try await phone.tote.receipts() where receipt.state == .accepted {
            try await phone.tote.dismiss(receipt.id)
        }
        return try await phone.tote.exportTrace()
    }

    @Test func `a replay comes out as it was on the device`() async throws {
        let bytes = try await trace()
        let outcome = try TraceReplay(bytes).run()
        guard case .same(let steps, let state) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(steps > 15)
        #expect(state?.count == 64)
    }

    @Test func `a trace that begins in the middle comes out as well`() async throws {
        let bytes = try await trace { phone in
            try await phone.tote.cart().add("croissant", quantity: 3)
            try await phone.sync()
            phone.network.isUp = false
            try await phone.tote.cart("later").add("croissant")
            phone.network.isUp = true
        }
        guard case .same = try TraceReplay(bytes).run() else {
            Issue.record("\(try TraceReplay(bytes).run())")
            return
        }
    }

    @Test func `nothing that a customer wrote is in it`() async throws {
        let text = String(decoding: try await trace(), as: UTF8.self)
        let parts = text.split(separator: "\"").compactMap { Data(base64Encoded: String($0)) }
        let decoded = parts.map { String(decoding: $0, as: UTF8.self) }.joined()
        #expect(parts.allSatisfy { $0.range(of: Self.phoneNumber) == nil })
        for secret in Self.secrets {
            #expect(!text.contains(secret), "\(secret)")
            #expect(!decoded.contains(secret), "\(secret)")
        }
        // What the rules depend on is.
        #expect(decoded.contains("quantity"))
    }

    @Test func `two exports share no words`() async throws {
        func words(_ bytes: [UInt8]) -> Set<Substring> {
            Set(
                String(decoding: bytes, as: UTF8.self).split(separator: "\"").filter {
                    $0.count > 100
                })
        }
        let world = try await TestWorld(seed: 4)
        let phone = try await world.device("phone")
        try await phone.tote.startTrace()
        try await phone.tote.cart().setNote(String(repeating: "croissant ", count: 20))
        let first = try await phone.tote.exportTrace()
        #expect(words(first).isDisjoint(with: words(try await phone.tote.exportTrace())))
    }

    /// A step that is missing, or another one than it was, is found where it makes a difference.
    @Test(arguments: ["commit", "cut", "receive"])
    func `what is not as it was is found at its step`(kind: String) async throws {
        var lines = String(decoding: try await trace(), as: UTF8.self).split(separator: "\n")
        let index = try #require(lines.firstIndex { $0.contains("\"kind\":\"\(kind)\"") })
        lines.remove(at: index)
        let outcome = try TraceReplay(Array((lines.joined(separator: "\n") + "\n").utf8)).run()
        guard case .diverged(let step, _, let what, let noted, let found) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(step >= lines[..<index].count { $0.contains("\"step\":") })
        #expect(!what.isEmpty && noted != found)
    }

    @Test(arguments: [
        ("", "the trace is cut off"), ("{}", "line 1 of the trace: this is no trace"),
        (#"{"trace":99}"#, "version 99 is not known"),
        ("{\"trace\":1}\n{\"start\":\"facts\"}", "line 2 of the trace: a row that cannot be read"),
        ("{\"trace\":1}\n{\"step\":1}", "line 2 of the trace: a step that cannot be read"),
        ("{\"trace\":1}\n{\"step\":", "line 2 of the trace: "),
        ("{\"trace\":1}\n{\"end\":{}}\n{\"start\":\"people\",\"numbers\":[]}", "a row of people"),
    ])
    func `what is no trace is refused`(text: String, said: String) {
        let error = #expect(throws: ToteError.self) { try TraceReplay(Array(text.utf8)) }
        #expect(error?.message.contains(said) == true, "\(error?.message ?? "")")
    }

    /// Numbers that no device writes, in every row of the start: refused, or found to be wrong.
    @Test(arguments: ["-1", "-2", "9007199254740992", "9223372036854775807"])
    func `a trace with numbers that cannot be does not end the program`(number: String) async throws
    {
        let bytes = try await trace { phone in
            try await phone.tote.cart().add("croissant")
            try await phone.sync()
            phone.network.isUp = false
            try await phone.tote.cart().add("espresso")
            phone.network.isUp = true
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        for (index, line) in lines.enumerated() where line.contains("\"start\":") {
            let numbers = line.matches(of: /"-?\d+"/)
            for found in numbers {
                var changed = lines
                changed[index] = line.replacingCharacters(in: found.range, with: "\"\(number)\"")
                let text = changed.joined(separator: "\n")
                _ = try? TraceReplay(Array(text.utf8)).run()
            }
            #expect(!numbers.isEmpty || line.contains("formerly") || line.contains("batch"))
        }
    }

    @Test func `without a beginning there is nothing to export`() async throws {
        let world = try await TestWorld()
        let phone = try await world.device("phone")
        let error = await #expect(throws: ToteError.self) { try await phone.tote.exportTrace() }
        #expect(error?.code == .notFound)
        try await phone.tote.startTrace()
        try await phone.tote.stopTrace()
        await #expect(throws: ToteError.self) { try await phone.tote.exportTrace() }
    }
}
