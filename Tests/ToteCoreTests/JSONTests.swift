import Testing
import ToteCore

struct JSONTests {
    private func value(_ text: String) throws(WireError) -> Value {
        try Encoding.json.value(Array(text.utf8))
    }

    private func reason(_ text: String) -> String? {
        do throws(WireError) {
            _ = try value(text)
            return nil
        } catch {
            return error.reason.rawValue
        }
    }

    @Test(arguments: [
        ("01", "syntax"), ("-01", "syntax"), ("00", "syntax"), ("-0", "syntax"),
        ("-", "wrong_type"),
        ("+1", "syntax"), ("1.0", "float"), ("-0.5", "float"), ("1e3", "float"), ("1E3", "float"),
        ("0e1", "float"), ("9007199254740992", "integer_range"),
        ("-9007199254740992", "integer_range"), ("99999999999999999999999", "integer_range"),
        (".5", "syntax"), ("0x10", "trailing_bytes"), ("NaN", "syntax"), ("Infinity", "syntax"),
        ("tru", "truncated"), ("trux", "syntax"), ("nul", "truncated"), ("True", "syntax"),
        ("[1,]", "syntax"), ("[,1]", "syntax"), ("[1 2]", "syntax"), ("[1", "truncated"),
        ("{\"a\":1,}", "syntax"), ("{\"a\" 1}", "wrong_type"), ("{a:1}", "syntax"),
        ("{\"a\":1,\"a\":2}", "duplicate_key"), ("{\"a\":1,\"\\u0061\":2}", "duplicate_key"),
        ("1 1", "trailing_bytes"), ("[1]]", "trailing_bytes"), ("", "truncated"),
        ("   ", "truncated"), ("\"a", "truncated"), ("\"\\", "truncated"),
        ("\"\\x\"", "invalid_escape"), ("\"\\u12\"", "truncated"),
        ("\"\\u12G4\"", "invalid_escape"),
        ("\"\\uD800\"", "invalid_escape"), ("\"\\uDC00\"", "invalid_escape"),
        ("\"\\uD800\\u0041\"", "invalid_escape"), ("\"\\uD800\\uD800\"", "invalid_escape"),
        ("\"\\uDC00\\uD800\"", "invalid_escape"), ("\"\n\"", "syntax"), ("\"\u{1F}\"", "syntax"),
        ("\"\\n\u{0}\"", "syntax"), ("\u{FEFF}1", "syntax"), ("// 1", "syntax"), ("'a'", "syntax"),
        ("\u{A0}1", "syntax"), ("\u{B}1", "syntax"),
    ])
    func `what I-JSON forbids is refused`(text: String, expected: String) {
        #expect(reason(text) == expected)
    }

    @Test(arguments: [
        ("9007199254740991", Value.int(Limits.integerMax)),
        ("-9007199254740991", Value.int(-Limits.integerMax)), ("0", Value.int(0)),
        (" \t\r\n[ 1 , 2 ] ", Value.array([.int(1), .int(2)])), ("{}", Value.map([])),
        ("\"\\u0041\\n\\/\\\"\\\\\\b\\f\\r\\t\"", Value.text("A\n/\"\\\u{8}\u{C}\r\t")),
        ("\"\\uD83D\\uDE00\"", Value.text("\u{1F600}")),
        ("\"\\ud83d\\ude00\u{1F600}\"", Value.text("\u{1F600}\u{1F600}")),
        ("\"\\u0000\"", Value.text("\u{0}")), ("\"\u{7F}\"", Value.text("\u{7F}")),
        ("\"e\\u0301\"", Value.text("e\u{301}")), ("\"\\uFFFF\"", Value.text("\u{FFFF}")),
        (
            "{\"b\":1,\"a\":{\"\":null}}",
            Value.map([
                Value.Entry("a", .map([Value.Entry("", .null)])), Value.Entry("b", .int(1)),
            ])
        ),
        (
            "{\"\u{E9}\":1,\"e\\u0301\":2}",
            Value.map([Value.Entry("e\u{301}", .int(2)), Value.Entry("\u{E9}", .int(1))])
        ),
    ])
    func `what JSON allows is read`(text: String, expected: Value) throws {
        #expect(try value(text) == expected)
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xC3, 0x22], [0x22, 0x5C, 0x6E, 0xC3, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        do throws(WireError) {
            _ = try Encoding.json.value(bytes)
            Issue.record("accepted")
        } catch {
            #expect(error.reason == .invalidUTF8)
        }
    }

    @Test func `every scalar comes back through an escape and as it is`() throws {
        let codes: [ClosedRange<UInt32>] = [
            0...0x2FFF, 0xD7F0...0xD7FF, 0xE000...0xE00F, 0xFFF0...0x1000F,
        ]
        for code in codes {
            for scalar in code.compactMap({ Unicode.Scalar($0) }) {
                let text = Value.text(String(Character(scalar)))
                guard try Encoding.json.value(Encoding.json.encode(text)) == text else {
                    Issue.record("\(scalar.value)")
                    return
                }
                guard scalar.value < 0x10000 else { continue }
                let digits = String(Hex.string(UInt64(scalar.value)).suffix(4))
                #expect(try value("\"\\u\(digits)\"") == text)
            }
        }
    }

    @Test func `an offset points at what is wrong`() {
        for (text, offset) in [
            ("{\"a\":1,\"a\":2}", 7), ("[1,  1.5]", 5), ("[1, x]", 4), ("[\"ab\\q\"]", 4),
            ("[12, 9007199254740992]", 5), ("{\"a\":01}", 5),
        ] {
            do throws(WireError) {
                _ = try value(text)
                Issue.record("accepted \(text)")
            } catch {
                #expect(error.offset == offset, "\(text)")
            }
        }
    }

    @Test func `deep nesting is refused without deep recursion`() {
        for open in ["[", "{\"a\":"] {
            for depth in [9, 17, 5_000, 100_000] {
                let text = String(repeating: open, count: depth)
                #expect(reason(text) == "too_deep")
                let request = "{\"replica\":\"0000000000000001\",\"x\":" + text
                #expect((try? Encoding.json.request(Array(request.utf8))) == nil)
            }
        }
    }

    /// JSON objects have no order: whoever writes one may put the changes before the replica.
    @Test func `a request's members may come in any order`() throws {
        let members = [
            #""replica":"00000000000000aa""#, #""counter":7"#, #""keys":[["c","i","f"]]"#,
            #""changes":[{"writes":[{"replaces":[["00000000000000bb",3]],"payload":[2,1],"#
                + #""key":0}],"#
                + #""time":[5,0],"nonce":"0000000000000001"}]"#,
            #""ticket":"0000000000000009""#, #""cursor":["0000000000000008",4]"#,
        ]
        let expected = try Encoding.json.request(
            Array("{\(members.joined(separator: ","))}".utf8))
        #expect(expected.changes.map(\.dot) == [Dot(ReplicaID(0xAA), 7)])
        var random = SeededGenerator(seed: 2)
        for _ in 0..<40 {
            let text = "{\(members.shuffled(using: &random).joined(separator: ","))}"
            do throws(WireError) {
                let request = try Encoding.json.request(Array(text.utf8))
                #expect(request == expected, "\(text)")
            } catch {
                Issue.record("\(error): \(text)")
            }
        }
    }

    @Test func `ids are 16 lower-case digits`() {
        for id in ["", "1", "00000000000000AA", "000000000000000g", "00000000000000011"] {
            let text = "{\"replica\":\"\(id)\"}"
            #expect((try? Encoding.json.request(Array(text.utf8))) == nil, "\(id)")
        }
        #expect(Hex.id("00000000000000ff") == 255)
        #expect(Hex.string(UInt64.max) == "ffffffffffffffff")
        #expect(Hex.bytes("0") == nil && Hex.bytes("0F") == nil && Hex.bytes("0f") == [15])
    }
}
