import Testing
import ToteCore
import ToteServer

/// One row for each reason to reject a change, at its limit and beyond.
struct RejectionTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var code: String
        var accepted: [Change]
        var rejected: [Change]
        var testDescription: String { code }
    }

    private static func change(_ writes: [Write]) -> Change {
        Change(nonce: 0, time: Timestamp(milliseconds: 1_800_000_000_000), writes: writes)
    }

    private static func write(_ payload: Payload?, _ key: Key = Make.key) -> Change {
        change([Write(key: key, payload: payload)])
    }

    private static func text(_ count: Int) -> String { String(repeating: "x", count: count) }

    private static func nested(_ depth: Int) -> Value {
        (0..<depth).reduce(.int(1)) { value, _ in .array([value]) }
    }

    private static let many = (1...2_049).map { Make.dot(7, UInt64($0)) }

    private static func writes(_ count: Int) -> [Write] {
        (0..<count).map { index in
            Write(key: Key("c", Name("i\(index)"), "f"), payload: .flag)
        }
    }

    private static func extended(_ count: Int, bytes: Int = 1) -> Change {
        var change = change(writes(1))
        change.extensions = (0..<count).map { index in
            Value.Entry("x\(10 + index)", .text(text(bytes - 3)))
        }
        return change
    }

    static let rows: [Row] = [
        Row(
            code: "counter_out_of_range",
            accepted: [
                write(.delta(Limits.counterMax)), write(.delta(-Limits.counterMax)),
                write(.base(0)), write(.base(Limits.counterMax)),
            ],
            rejected: [
                write(.delta(0)), write(.delta(Limits.counterMax + 1)),
                write(.delta(-Limits.counterMax - 1)), write(.base(-1)),
                write(.base(Limits.counterMax + 1)), write(.delta(Limits.integerMax)),
            ]),
        Row(
            code: "key_too_long",
            accepted: [
                write(.flag, Key(Name(text(128)), Name(text(512)), Name(text(64))))
            ],
            rejected: [
                write(.flag, Key(Name(text(129)), "i", "f")),
                write(.flag, Key("c", Name(text(513)), "f")),
                write(nil, Key("c", "i", Name(text(65)))),
                write(.flag, Key("c", Name(text(511) + "\u{E9}"), "f")),
            ]),
        Row(
            code: "key_empty", accepted: [write(.flag, Key("c", "", "f"))],
            rejected: [write(.flag, Key("", "i", "f")), write(.flag, Key("c", "i", ""))]),
        Row(
            code: "value_too_large",
            accepted: [write(.register(.text(text(4_096))))],
            rejected: [
                write(.register(.text(text(4_097)))),
                write(.register(.array([.text(text(2_048)), .text(text(2_048))]))),
                write(.other(kind: 9, .text(text(4_097)))), extended(1, bytes: 4_098),
            ]),
        Row(
            code: "too_many_writes", accepted: [change(writes(256))],
            rejected: [change(writes(257))]),
        Row(
            code: "too_many_replaces",
            accepted: [
                change([Write(key: Make.key, payload: nil, replaces: Array(many.dropLast()))])
            ],
            rejected: [change([Write(key: Make.key, payload: nil, replaces: many)])]),
        Row(
            code: "too_many_members", accepted: [extended(16, bytes: 8)],
            rejected: [extended(17, bytes: 8)]),
        Row(
            code: "duplicate_write", accepted: [],
            rejected: [
                change([
                    Write(key: Make.key, payload: .delta(1)), Write(key: Make.key, payload: nil),
                ])
            ]),
        Row(
            code: "unsupported", accepted: [],
            rejected: [
                Change(nonce: 0, time: Timestamp(milliseconds: 1_800_000_000_000), intent: .null),
                Change(
                    nonce: 0, time: Timestamp(milliseconds: 1_800_000_000_000),
                    intent: .map([Value.Entry("kind", .text("place_order"))])),
            ]),
        Row(
            code: "too_old",
            accepted: [
                Make.add(nonce: 0, at: 1_800_000_000_000 - Limits.fateMilliseconds)
            ],
            rejected: [
                Make.add(nonce: 0, at: 1_800_000_000_000 - Limits.fateMilliseconds - 1),
                Make.add(nonce: 0, at: 0),
            ]),
    ]

    @Test(arguments: rows)
    func `a change is rejected beyond its limit and accepted at it`(row: Row) throws {
        let server = try TestServer()
        var device = TestDevice(1)
        for (index, change) in (row.accepted + row.rejected).enumerated() {
            var change = change
            change.nonce = UInt64(index + 1)
            let answer = try device.push([change], to: server)
            let fate = try #require(answer.reply?.fates.first, "\(answer)")
            let code = index < row.accepted.count ? nil : row.code
            #expect(fate.rejection?.code == code, "row \(index)")
        }
        #expect(try server.faults() == [])
    }

    @Test func `what only the server may write is refused`() throws {
        let server = try TestServer()
        var request = TestDevice(1).batch([Make.add(nonce: 1), Make.add(nonce: 2)])
        request.changes[0].outcome = .rejected(Rejection(code: "x"))
        request.changes[1].outcome = .sameAs(Make.dot(5, 5), rejection: nil)
        let codes = try server.send(request).reply?.fates.map(\.rejection?.code)
        #expect(codes == ["field_not_writable", "field_not_writable"])
        #expect(try server.documents().cellCount == 0)
        #expect(try server.faults() == [])
    }

    @Test func `a key takes 1,024 cells, and one more when it replaces one`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        var nonce: UInt64 = 0
        func adds(_ count: Int) -> [Change] {
            (0..<count).map { _ in
                nonce += 1
                return Make.add(nonce: nonce)
            }
        }
        for _ in 0..<10 { try device.push(adds(100), to: server) }
        let codes = try device.push(adds(26), to: server).reply?.fates.map(\.rejection?.code)
        #expect(codes == Array(repeating: nil, count: 24) + ["too_many_cells", "too_many_cells"])
        let exchange = Make.add(nonce: 5_000, replaces: [Make.dot(1, 1)])
        #expect(try device.push([exchange], to: server).reply?.fates[0].rejection == nil)
        #expect(try server.quantity() == 1_024)
        let away = Make.erase((2...1_024).map { Make.dot(1, $0) }, nonce: 6_000)
        #expect(try device.push([away], to: server).reply?.fates[0].rejection == nil)
        #expect(try server.quantity() == 1)
    }

    @Test func `a space takes 50,000 cells, and no change is half applied there`() throws {
        let server = try TestServer()
        var device = TestDevice(1)
        func change(_ round: Int, _ count: Int) -> Change {
            let writes = (0..<count).map { index in
                Write(key: Key("c", Name("i\(index)"), Name("f\(round)")), payload: .flag)
            }
            return Change(
                nonce: UInt64(round + 1), time: Timestamp(milliseconds: server.now), writes: writes)
        }
        for start in stride(from: 0, to: 190, by: 10) {
            let answer = try device.push((start..<start + 10).map { change($0, 256) }, to: server)
            #expect(answer.reply != nil)
        }
        let end = try device.push(
            [
                change(190, 256), change(191, 256), change(192, 256), change(193, 256),
                change(194, 256), change(195, 80), change(196, 1),
            ], to: server)
        let codes = end.reply?.fates.map(\.rejection?.code)
        #expect(codes == [nil, nil, nil, nil, nil, nil, "too_many_cells"])
        let freed = Change(
            nonce: 900, time: Timestamp(milliseconds: server.now),
            writes: [
                Write(key: Key("c", "i0", "f0"), payload: .flag, replaces: [Make.dot(1, 1)])
            ])
        #expect(try device.push([freed], to: server).reply?.fates[0].rejection == nil)
    }
}
