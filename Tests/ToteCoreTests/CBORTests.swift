import Testing
import ToteCore

/// Spellings of one small message that RFC 8949 §4.2.1 forbids, each with its reason and place.
struct CBORTests {
    private func hex(_ text: String) -> [UInt8] {
        Hex.bytes(text.filter { $0 != " " }) ?? []
    }

    private func refusal(_ text: String) -> WireError? {
        do throws(WireError) {
            _ = try Encoding.cbor.value(hex(text))
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("18 17", "not_canonical", 0), ("19 00ff", "not_canonical", 0),
        ("1a 0000ffff", "not_canonical", 0), ("1b 00000000ffffffff", "not_canonical", 0),
        ("38 17", "not_canonical", 0), ("78 01 61", "not_canonical", 0),
        ("98 01 00", "not_canonical", 0), ("9f 00 ff", "not_canonical", 0),
        ("bf 61 61 00 ff", "not_canonical", 0), ("7f 61 61 ff", "not_canonical", 0),
        ("1c", "not_canonical", 0), ("f9 3c00", "float", 0), ("fa 3f800000", "float", 0),
        ("fb 3ff0000000000000", "float", 0), ("82 00 fb3ff0000000000000", "float", 2),
        ("1b 0020000000000000", "integer_range", 0), ("3b 001fffffffffffff", "integer_range", 0),
        ("1b ffffffffffffffff", "integer_range", 0), ("3b ffffffffffffffff", "integer_range", 0),
        ("61 ff", "invalid_utf8", 0), ("62 c080", "invalid_utf8", 0),
        ("63 eda080", "invalid_utf8", 0), ("64 f4908080", "invalid_utf8", 0),
        ("a2 61 61 00 61 61 00", "duplicate_key", 4), ("a2 61 62 00 61 61 00", "key_order", 4),
        ("a2 62 6161 00 61 62 00", "key_order", 5), ("00 00", "trailing_bytes", 1),
        ("c0 00", "unsupported_item", 0), ("d9 d9f7 00", "unsupported_item", 0),
        ("41 00", "wrong_type", 0), ("f7", "wrong_type", 0), ("f8 20", "wrong_type", 0),
        ("a1 00 00", "wrong_type", 1), ("", "truncated", 0), ("82 00", "truncated", 0),
        ("62 61", "truncated", 0), ("9b 00ffffffffffffff", "truncated", 0),
        ("bb 001fffffffffffff", "truncated", 0), ("7b 001fffffffffffff", "truncated", 0),
    ])
    func `another spelling is refused, where it stands`(
        text: String, reason: String, offset: Int
    ) {
        let refusal = refusal(text)
        #expect(refusal?.reason.rawValue == reason)
        if reason != "truncated" { #expect(refusal?.offset == offset) }
    }

    @Test(arguments: [
        ("1b 001fffffffffffff", Value.int(Limits.integerMax)),
        ("3b 001ffffffffffffe", Value.int(-Limits.integerMax)), ("18 18", Value.int(24)),
        ("37", Value.int(-24)), ("38 18", Value.int(-25)), ("a0", Value.map([])),
        ("80", Value.array([])), ("60", Value.text("")), ("f6", Value.null),
    ])
    func `edges of what is allowed are read`(text: String, value: Value) throws {
        #expect(try Encoding.cbor.value(hex(text)) == value)
        #expect(Encoding.cbor.encode(value) == hex(text))
    }

    @Test func `nesting ends at its limit, however deep it goes`() {
        for depth in [5, 8, 9, 16, 17, 1_000, 200_000] {
            for open in [UInt8(0x81), 0xA1] {
                var bytes: [UInt8] = []
                for _ in 0..<depth { bytes += open == 0x81 ? [open] : [open, 0x60] }
                bytes.append(0)
                #expect((try? Encoding.cbor.value(bytes)) == nil || depth <= 8, "\(depth)")
                #expect((try? Encoding.cbor.request(bytes)) == nil)
                #expect((try? Encoding.cbor.reply(bytes)) == nil)
            }
        }
        // An unknown member of an envelope is passed over, but not to any depth.
        let head = hex("a2 0c 48 0000000000000001 61 78")
        #expect(
            (try? Encoding.cbor.request(head + [UInt8](repeating: 0x81, count: 9) + [0])) != nil)
        for depth in [17, 400, 100_000] {
            let deep = head + [UInt8](repeating: 0x81, count: depth) + [0]
            #expect((try? Encoding.cbor.request(deep)) == nil, "\(depth)")
        }
    }

    @Test func `a registers's value nests to 4`() {
        let nested = { (depth: Int) in
            (0..<depth).reduce(Value.int(1)) { value, _ in .array([value]) }
        }
        for encoding in Encoding.allCases {
            for depth in 0...6 {
                var request = SyncRequest(replica: ReplicaID(1))
                let write = Write(key: Key("c", "i", "f"), payload: .register(nested(depth)))
                request.changes = [
                    Event(
                        dot: Dot(ReplicaID(1), 1),
                        change: Change(nonce: 1, time: .zero, writes: [write]),
                        outcome: .accepted)
                ]
                let back = try? encoding.request(encoding.encode(request))
                #expect((back != nil) == (depth <= 4), "\(depth)")
            }
        }
    }

    @Test(arguments: [
        // A known member by its name, an unknown number, a number of another type of map.
        ("a2 0c 48 0000000000000001 65 77686f6c65 f5", "not_canonical"),
        ("a2 0c 48 0000000000000001 18 23 00", "unknown_member"),
        ("a2 0c 48 0000000000000001 18 ff 00", "unknown_member"),
        ("a2 0c 48 0000000000000001 19 0100 00", "unknown_member"),
        ("a2 0c 48 0000000000000001 20 00", "wrong_type"),
        // Members out of order, twice, missing; ids of another length.
        ("a2 12 48 0000000000000002 0c 48 0000000000000001", "key_order"),
        ("a2 0c 48 0000000000000001 0c 48 0000000000000001", "duplicate_key"),
        ("a0", "missing_member"), ("a1 0c 47 00000000000001", "wrong_type"),
        ("a1 0c 49 000000000000000001", "wrong_type"), ("a1 0c 01", "wrong_type"),
        // Changes without a counter; a wait beyond the limit.
        ("a2 0c 48 0000000000000001 0f 81 a1 00 48 0000000000000001", "missing_member"),
        ("a2 0c 48 0000000000000001 14 18 1a", "out_of_range"),
        // A change without nonce; empty writes; a write without key; an unused key.
        ("a3 0c 48 0000000000000001 0d 01 0f 81 a0", "missing_member"),
        ("a3 0c 48 0000000000000001 0d 01 0f 81 a2 00 48 0000000000000001 02 80", "not_canonical"),
        (
            "a4 0c 48 0000000000000001 0d 01 0e 81 83 61 63 60 61 66 0f 81 a1 00 48 "
                + "0000000000000001",
            "not_canonical"
        ),
    ])
    func `a malformed request is refused`(text: String, reason: String) {
        do throws(WireError) {
            _ = try Encoding.cbor.request(hex(text))
            Issue.record("accepted")
        } catch {
            #expect(error.reason.rawValue == reason, "\(error)")
        }
    }

    @Test func `counters end at 2^53−1`() {
        for (counter, isFine) in [
            (UInt64(Limits.integerMax) - 1, true), (UInt64(Limits.integerMax), false),
        ] {
            var request = SyncRequest(replica: ReplicaID(1))
            request.counter = counter
            request.changes = [
                Event(
                    dot: Dot(ReplicaID(1), counter), change: Change(nonce: 1, time: .zero),
                    outcome: .accepted)
            ]
            for encoding in Encoding.allCases {
                #expect(((try? encoding.request(encoding.encode(request))) != nil) == isFine)
            }
        }
    }

    @Test func `the limits of lists are kept`() {
        for (count, isFine) in [(100, true), (101, false)] {
            var request = SyncRequest(replica: ReplicaID(1))
            request.changes = (0..<count).map { index in
                Event(
                    dot: Dot(ReplicaID(1), UInt64(index + 1)),
                    change: Change(nonce: 1, time: .zero),
                    outcome: .accepted)
            }
            var former = SyncRequest(replica: ReplicaID(1))
            former.formerly = Array(repeating: ReplicaID(2), count: count == 100 ? 16 : 17)
            for encoding in Encoding.allCases {
                #expect(((try? encoding.request(encoding.encode(request))) != nil) == isFine)
                #expect(((try? encoding.request(encoding.encode(former))) != nil) == isFine)
            }
        }
    }
}
