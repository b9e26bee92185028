import ToteCommandLine
import ToteCore

/// A fault of a catalogue's file.
struct CatalogFault {
    let place: TextPlace
    /// Where in the catalogue, or which column of a price list.
    let path: String
    let code: String
    let message: String

    var json: JSONText {
        [
            "line": .int(place.line), "column": .int(place.column), "path": .string(path),
            "code": .string(code), "message": .string(message),
        ]
    }

    /// As compilers say it: `menu.json:3:14: products[0].price: …`.
    func line(_ file: String) -> String {
        "\(file):\(place): \(path.isEmpty ? "" : path + ": ")\(message)"
    }
}

/// The faults found so far, and the way to what is being read.
struct CatalogFaultList {
    private(set) var faults: [CatalogFault] = []
    private(set) var steps: [CatalogError.Step] = []

    mutating func note(
        _ place: TextPlace, _ code: String, _ message: String, path: String? = nil,
        word: String = "", known: [String] = []
    ) {
        guard faults.count < Catalog.faultsMax else { return }
        let near = Suggestion.nearest(to: word, among: known)
        faults.append(
            CatalogFault(
                place: place, path: path ?? CatalogError(steps, code, message).path, code: code,
                message: message + (near.map { "; did you mean `\($0)`?" } ?? "")))
    }

    mutating func wrongType(_ node: TextNode, _ wanted: String) {
        note(node.place, "wrong_type", "this is \(node.what), \(wanted) belongs here")
    }

    /// Runs `body` with the way led one step on.
    mutating func inside<Result>(
        _ step: CatalogError.Step, _ body: (inout CatalogFaultList) -> Result
    ) -> Result {
        steps.append(step)
        defer { steps.removeLast() }
        return body(&self)
    }
}
