import Testing
import ProtocolChecks
import ToteCore

/// Edits of a device, and devices that edit apart and meet again (Protocol §2.6).
@Suite struct EditingVectorTests {
    @Test func `edits write what the vectors say, and devices that met agree`() throws {
        for vector in try JSON.vectors("editing") {
            let id = vector["id"]?.text ?? ""
            let start = try VectorTests.documents(vector["start"])
            if let edit = vector["edit"] {
                let pending = try vector["pending"].map {
                    try Encoding.json.run($0.bytes).events.map {
                        LocalView.Pending(dot: $0.dot, change: $0.change)
                    }
                }
                let view = LocalView(confirmed: start, pending: pending ?? [])
                let writes = try JSON.array(Self.writes(edit.array, view).map(Self.form))
                #expect(writes == vector["writes"], "\(id)")
                #expect(writes != vector["wrong"], "\(id)")
            } else {
                for isReversed in [false, true] {
                    let end = try Self.play(vector, start, isReversed: isReversed)
                    let lines = Self.lines(Cart(end, name: "main"))
                    #expect(lines == vector["lines"], "\(id)")
                    #expect(lines != vector["wrong"], "\(id)")
                }
            }
        }
    }

    /// `[verb, collection, item, …]` as the writes that it makes.
    static func writes(_ edit: [JSON], _ view: LocalView) throws -> [Write] {
        let (collection, item) = (Name(edit[1].text ?? ""), Name(edit[2].text ?? ""))
        switch edit[0].text {
        case "add": return view.adding(edit[3].int ?? 0, collection: collection, item: item)
        case "set": return view.setting(edit[3].int ?? 0, collection: collection, item: item)
        case "remove": return view.erasing(collection: collection, item: item)
        case "flag": return view.flagging(collection: collection, item: item)
        case "put":
            let value = try Encoding.json.value(edit[4].bytes)
            return view.registering(value, Key(collection, item, Name(edit[3].text ?? "")))
        default: throw UnknownVerb(verb: edit[0].text ?? "")
        }
    }

    private struct UnknownVerb: Error { let verb: String }

    static func form(_ write: Write) throws -> JSON {
        let key = [write.key.collection, write.key.item, write.key.field]
        var members: [(name: String, value: JSON)] = [
            ("key", .array(key.map { .text($0.text) }))
        ]
        switch write.payload {
        case .register(let value):
            members.append(("payload", .array([.int(0), try VectorTests.json(value)])))
        case .base(let amount): members.append(("payload", .array([.int(1), .int(amount)])))
        case .delta(let amount): members.append(("payload", .array([.int(2), .int(amount)])))
        case .flag: members.append(("payload", .array([.int(3), .bool(true)])))
        case .other, nil: break
        }
        if !write.replaces.isEmpty {
            let dots = write.replaces.map { dot in
                JSON.array([.text(Hex.string(dot.replica.rawValue)), .int(Int64(dot.counter))])
            }
            members.append(("replaces", .array(dots)))
        }
        return .object(members)
    }

    /// Rounds of offline edits: each device starts from the same state, then all changes arrive.
    private static func play(
        _ vector: JSON, _ start: Documents, isReversed: Bool
    ) throws -> Documents {
        var confirmed = start
        var counters: [String: UInt64] = [:]
        for (round, edits) in (vector["rounds"]?.array ?? []).enumerated() {
            var pushed: [[LocalView.Pending]] = []
            for (device, list) in edits.members.sorted(by: { $0.name < $1.name }) {
                var view = LocalView(confirmed: confirmed)
                let letter = UInt64(device.utf8.first ?? 0)
                for (step, edit) in list.array.enumerated() {
                    let full = [edit.array[0], .text("cart:main")] + edit.array.dropFirst()
                    let writes = try Self.writes(full, view)
                    guard !writes.isEmpty else { continue }
                    counters[device, default: 0] += 1
                    let time = Timestamp(
                        milliseconds: 1_000 + UInt64(round) * 100 + letter, count: UInt16(step))
                    let change = Change(nonce: 0, time: time, writes: writes)
                    let dot = Dot(ReplicaID(letter), counters[device] ?? 0)
                    view.append(LocalView.Pending(dot: dot, change: change))
                    view.checkInvariants()
                }
                pushed.append(view.pending)
            }
            for entry in (isReversed ? pushed.reversed() : pushed).joined() {
                confirmed.apply(entry.change, dot: entry.dot)
            }
        }
        confirmed.checkInvariants()
        return confirmed
    }

    static func lines(_ cart: Cart) -> JSON {
        .object(
            cart.lines.map { line in
                var members: [(name: String, value: JSON)] = [("quantity", .int(line.quantity))]
                if let note = line.note { members.append(("note", .text(note))) }
                return (line.name.item.text, .object(members))
            })
    }
}
