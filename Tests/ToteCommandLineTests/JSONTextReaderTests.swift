import Testing
import ToteCommandLine

@Suite struct JSONTextReaderTests {
    @Test func `everything knows its line and column, in characters`() throws {
        let root = try JSONTextReader.read("{\r\n  \"é\": [1,\n    true],\n \"b\": \"x\"}")
        guard case .object(let members) = root.kind, case .array(let list) = members[0].value.kind
        else { throw TextError(root.place, "no object") }
        #expect(members.map(\.name) == ["é", "b"])
        #expect(members.map(\.place.description) == ["2:3", "4:2"])
        #expect(list.map(\.place.description) == ["2:9", "3:5"])
        #expect(members[1].value.place.description == "4:7")
    }

    @Test func `names that only look alike are two`() throws {
        let root = try JSONTextReader.read("{\"caf\u{E9}\": 1, \"cafe\u{301}\": 2}")
        guard case .object(let members) = root.kind else { throw TextError(root.place, "none") }
        #expect(members.map(\.name.utf8.count) == [5, 6])
    }

    @Test func `escapes are read, pairs too`() throws {
        let node = try JSONTextReader.read(#""\u0041\n\"\\\/\ud83c\udf4e\u00e9""#)
        guard case .string(let text) = node.kind else { throw TextError(node.place, "no text") }
        #expect(text == "A\n\"\\/🍎é")
    }

    @Test(arguments: [
        ("", "1:1: the text ends"), ("{", "1:2: the text ends"), ("[1 2]", "1:4: '2' stands"),
        ("[1,]", "1:4: ']' stands"), ("{\"a\":1,\n\"a\":2}", "2:1: \"a\" is there twice"),
        ("[1.5]", "1:2: '1.5' is no whole number"), ("[yes]", "1:2: 'y' stands"),
        ("[truth]", "1:2: 'truth' is no JSON"), ("\"a\nb\"", "1:1: this text is not closed"),
        (#""\ud83c""#, "1:2: write this character itself"),
        (#""\ud83c\u0041""#, "1:2: write this character itself"), (#""\x""#, "1:2: '\\x'"),
        ("[1] 2", "1:5: something follows"), (String(repeating: "[", count: 40), "nested too deep"),
    ])
    func `what is no JSON is told with its place`(text: String, message: String) {
        let error = #expect(throws: TextError.self) { try JSONTextReader.read(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}
