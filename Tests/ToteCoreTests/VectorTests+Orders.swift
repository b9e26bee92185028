import Testing
import ProtocolChecks
import ToteCore

/// Intents, steps, and what a device makes of its orders (Protocol §14).
@Suite struct OrderVectorTests {
    @Test func `orders are read, shown and renumbered as the vectors say`() throws {
        let vectors = try JSON.vectors("orders").filter { $0["steps"] == nil }
        #expect(vectors.count > 90)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            if vector["intent"] != nil {
                try Self.checkIntent(vector, id)
            } else if vector["from"] != nil {
                try checkSteps(vector, id)
            } else if vector["renumbered"] != nil {
                try checkRenumbering(vector, id)
            } else if vector["log"] != nil {
                try checkLog(vector, id)
            } else {
                try checkView(vector, id)
            }
        }
    }

    static func checkIntent(_ vector: JSON, _ id: String) throws {
        let value = try Encoding.json.value(try #require(vector["intent"]).expanded().bytes)
        var change = Change(
            nonce: 1, time: Timestamp(milliseconds: 1_800_000_000_000), intent: value)
        if vector["beside_writes"] == .bool(true) {
            let key = Key("cart:main", "tea", Fields.quantity)
            change.writes = [Write(key: key, payload: .delta(1))]
        }
        let code = change.refusal().map { JSON.text($0.code) } ?? .null
        #expect(code == vector["rejected"], "\(id)")
        // What is read is written again as it was.
        if code == .null { #expect(change.readableIntent?.value == value, "\(id)") }
    }

    private func checkSteps(_ vector: JSON, _ id: String) throws {
        let from = try #require(vector["from"]?.text.flatMap(OrderState.init(rawValue:)))
        let actor = try #require(vector["by"]?.text.flatMap(OrderState.Actor.init(rawValue:)))
        let allowed = Set(vector["to"]?.array.compactMap(\.text) ?? [])
        for state in OrderState.allCases {
            let isAllowed = from.allows(state, by: actor)
            #expect(isAllowed == allowed.contains(state.rawValue), "\(id): \(state)")
        }
        #expect(Set(from.steps(by: actor).map(\.rawValue)) == allowed, "\(id)")
    }

    /// The outbox of a run, its orders taking what they name out of the view.
    private func pending(_ vector: JSON) throws -> [LocalView.Pending] {
        guard let run = vector["pending"] else { return [] }
        let refused = Set((vector["refused"]?.array ?? []).compactMap { $0.text.flatMap(Hex.id) })
        return try Encoding.json.run(run.bytes).events.map { event in
            var consumes: [(key: Key, dots: [Dot])] = []
            if case .place(let place)? = event.change.readableIntent { consumes = place.consumed }
            return LocalView.Pending(
                dot: event.dot, change: event.change,
                isVisible: !refused.contains(event.change.nonce), consumes: consumes)
        }
    }

    private func checkView(_ vector: JSON, _ id: String) throws {
        let view = LocalView(
            confirmed: try VectorTests.documents(vector["start"]), pending: try pending(vector))
        view.checkInvariants()
        if let lines = vector["lines"] {
            let found = EditingVectorTests.lines(Cart(view.merged, name: "main"))
            #expect(found == lines && found != vector["wrong"], "\(id): \(found.encoded)")
        }
        for entry in vector["seen"]?.array ?? [] {
            let found = view.seen(VectorTests.key(entry.array[0])).map(Self.form)
            #expect(JSON.array(found) == entry.array[1], "\(id)")
        }
        if let edit = vector["edit"] {
            let writes = try EditingVectorTests.writes(edit.array, view)
                .map(EditingVectorTests.form)
            #expect(JSON.array(writes) == vector["writes"], "\(id)")
            #expect(JSON.array(writes) != vector["wrong"], "\(id)")
        }
        for (item, cells) in vector["cells"]?.members ?? [] {
            let found = view.seenKeys(Cart.collection("main"), Name(item)).flatMap { key in
                view.seen(key).map { CellReference($0, key.field).text }
            }
            #expect(Set(found) == Set(cells.array.compactMap(\.text)), "\(id)")
            #expect(found.count == cells.array.count, "\(id)")
            let wrong = vector["wrong"]?[item]?.array.compactMap(\.text)
            #expect(wrong.map(Set.init) != Set(found), "\(id)")
        }
    }

    private static func form(_ dot: Dot) -> JSON {
        .array([.text(Hex.string(dot.replica.rawValue)), .int(Int64(dot.counter))])
    }

    private func checkLog(_ vector: JSON, _ id: String) throws {
        var documents = try VectorTests.documents(vector["start"])
        for run in vector["log"]?.array ?? [] {
            for event in try Encoding.json.run(run.bytes).events {
                documents.apply(event.change, dot: event.dot)
                guard case .place(let place)? = event.change.readableIntent else { continue }
                let erasures = place.consumed.map {
                    Write(key: $0.key, payload: nil, replaces: $0.dots)
                }
                let own = Change(nonce: 0, time: event.change.time, writes: erasures)
                documents.apply(own, dot: Dot(ReplicaID(0xEE), 1))
            }
        }
        documents.checkInvariants()
        #expect(try documents == VectorTests.documents(vector["end"]), "\(id)")
        let lines = EditingVectorTests.lines(Cart(documents, name: "main"))
        #expect(lines == vector["lines"] && lines != vector["wrong"], "\(id)")
    }

    private func checkRenumbering(_ vector: JSON, _ id: String) throws {
        let run = try Encoding.json.run(try #require(vector["pending"]).bytes)
        let replica = ReplicaID(try #require(vector["replica"]?.text.flatMap(Hex.id)))
        var renamed: [Dot: Dot] = [:]
        for (index, event) in run.events.enumerated() {
            renamed[event.dot] = Dot(replica, UInt64(index) + 1)
        }
        let events = run.events.map { event in
            var change = event.change
            for index in change.writes.indices {
                change.writes[index].replaces = change.writes[index].replaces.map {
                    renamed[$0] ?? $0
                }
            }
            change.intent = change.readableIntent?.renaming(renamed).value
            return Event(
                dot: renamed[event.dot] ?? event.dot, change: change, outcome: .accepted)
        }
        let found = Run(replica: replica, counter: 1, events: events)
        let want = try Encoding.json.run(try #require(vector["renumbered"]).bytes)
        #expect(found == want, "\(id)")
        if let wrong = vector["wrong"] {
            #expect(try found != Encoding.json.run(wrong.bytes), "\(id)")
        }
    }
}
