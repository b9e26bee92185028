import Testing
import ProtocolChecks
import ToteCore

extension VectorTests {
    @Test func `a list is written and read as its vector says`() throws {
        let vectors = try JSON.vectors("lists").filter { $0["steps"] == nil }
        #expect(vectors.count >= 40)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            if let catalog = vector["catalog"] {
                try walk(vector, in: Catalog(Encoding.json.value(catalog.bytes)), id)
            } else if let text = vector["reads"]?.text {
                do throws(ListText.Refusal) {
                    let list = try ListText(reading: text)
                    let wanted = try ListText(reading: vector["list"]?.encoded ?? "")
                    #expect(list == wanted && vector["refused"] == nil, "\(id)")
                    if let wrong = vector["wrong"] {
                        #expect(list != (try ListText(reading: wrong.encoded)), "\(id)")
                    }
                } catch {
                    #expect(Int64(error.line) == vector["refused"]?.int, "\(id): \(error)")
                }
            } else {
                let json = vector["list"]?.encoded ?? ""
                let list = try ListText(reading: json)
                #expect(list.text == vector["text"]?.text, "\(id)")
                #expect(list.link == vector["link"]?.text, "\(id)")
                for form in [list.text, list.link, list.json] {
                    #expect(try ListText(reading: form) == list, "\(id)")
                }
            }
        }
    }

    private func walk(_ vector: JSON, in catalog: Catalog, _ id: String) {
        let items = vector["walk"]?.array.compactMap(\.text) ?? []
        let lines = items.map { CartLine(name: LineName(item: Name($0)), quantity: 1) }
        let walked = catalog.walk(lines, at: vector["store"]?.text ?? "")
            .map { JSON.text($0.line.name.item.text) }
        #expect(JSON.array(walked) == vector["walked"], "\(id)")
        #expect(JSON.array(walked) != vector["wrong"], "\(id)")
    }
}
