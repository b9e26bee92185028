internal import ToteCore

extension ServerRequest {
    /// The JSON of the body as a map with these members and no others; no body is an empty map.
    func members(_ names: Set<String>) throws(Problem) -> Value {
        let value: Value
        do throws(WireError) {
            value = try Encoding.json.value(body.isEmpty ? Array("{}".utf8) : body)
        } catch {
            throw Problem.malformed(error)
        }
        guard case .map(let entries) = value else {
            throw Problem(400, "malformed", "send a JSON object")
        }
        guard entries.allSatisfy({ names.contains($0.name) }) else {
            throw Problem(400, "malformed", Problem.onlyMembers(names))
        }
        return value
    }
}
