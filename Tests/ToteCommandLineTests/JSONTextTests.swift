import Foundation
import Testing
import ToteCommandLine

@Suite struct JSONTextTests {
    private let sample: JSONText = [
        "zebra": 1, "apple": [true, nil, 2.5, []], "none": [:], "text": "a\"b\\c",
    ]

    @Test func `members keep their order and compact has no spaces`() {
        #expect(
            sample.compact
                == #"{"zebra":1,"apple":[true,null,2.5,[]],"none":{},"text":"a\"b\\c"}"#)
    }

    @Test func `pretty indents by two and keeps empty lists on one line`() {
        #expect(
            sample.pretty == #"""
                {
                  "zebra": 1,
                  "apple": [
                    true,
                    null,
                    2.5,
                    []
                  ],
                  "none": {},
                  "text": "a\"b\\c"
                }
                """#)
    }

    @Test func `every scalar below 256 reads back, and controls are escaped`() throws {
        let text = String(String.UnicodeScalarView((0..<256).compactMap(Unicode.Scalar.init)))
        let json = JSONText.array([.string(text), .string("zürich 🍎 \r\n")]).compact
        #expect(
            try JSONDecoder().decode([String].self, from: Data(json.utf8)) == [
                text, "zürich 🍎 \r\n",
            ])
        #expect(!json.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0) ~= $0.value })
        #expect(JSONText.string("\u{1}\u{1B}\n").compact == #""\u0001\u001b\n""#)
    }

    @Test(arguments: [
        0, -0.0, 0.1, 1e300, Double.leastNonzeroMagnitude, -1.5, 1e16, 123_456_789.125,
    ])
    func `doubles are short and read back the same`(number: Double) throws {
        let json = JSONText.array([.double(number)]).compact
        #expect(try JSONDecoder().decode([Double].self, from: Data(json.utf8)) == [number])
    }

    @Test func `numbers keep every digit and what JSON cannot say is null`() {
        let extremes: JSONText = [
            .unsigned(.max), .int(.min), .double(.infinity), .double(.nan), .double(0.1),
        ]
        #expect(extremes.compact == "[18446744073709551615,-9223372036854775808,null,null,0.1]")
    }
}
