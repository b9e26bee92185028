import Testing
import ProtocolChecks
import ToteCore

/// The conformance vectors of Protocol/vectors, as far as they need no server.
@Suite struct VectorTests {
    /// Vectors that the code does not hold yet, each with what is missing. Empty is the goal.
    static let pending: [String: Comment] = [:]

    /// Runs a check on every vector of a topic, and names the vector where one fails.
    private func each(_ topic: String, _ check: (JSON) throws -> Void) throws {
        let vectors = try JSON.vectors(topic)
        #expect(!vectors.isEmpty)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            if let why = Self.pending[id] {
                withKnownIssue(why, isIntermittent: true) { try check(vector) }
                continue
            }
            do {
                try check(vector)
            } catch {
                Issue.record("\(id): \(error)")
            }
        }
    }

    @Test func `messages are read and written as the vectors say, in both encodings`() throws {
        try each("encoding") { vector in
            let given: [(Encoding, [UInt8])] = [
                (.cbor, vector["cbor"]?.text.flatMap(Hex.bytes)),
                (.json, vector["json"]?.text.map { Array($0.utf8) }),
                (.json, vector["json_hex"]?.text.flatMap(Hex.bytes)),
            ].compactMap { encoding, bytes in bytes.map { (encoding, $0) } }
            let shape = vector["message"]?.text ?? ""
            for (encoding, bytes) in given {
                try check(vector, shape, encoding, bytes)
            }
        }
    }

    private func check(
        _ vector: JSON, _ shape: String, _ encoding: Encoding, _ bytes: [UInt8]
    ) throws {
        let id = vector["id"]?.text ?? ""
        if vector["every_prefix"] != nil {
            for end in 0..<bytes.count {
                #expect(throws: WireError.self, "\(id), \(end) bytes") {
                    try recoded(shape, Array(bytes[..<end]), encoding)
                }
            }
        } else if let reason = vector["reason"]?.text {
            do {
                _ = try recoded(shape, bytes, encoding)
                Issue.record("\(id): accepted")
            } catch {
                #expect(error.reason.rawValue == reason, "\(id): \(error.message)")
                #expect(Int64(error.offset) == vector["offset"]?.int, "\(id): \(error.message)")
            }
        } else {
            let want = vector["means"] ?? vector
            let (cbor, json) = try recoded(shape, bytes, encoding)
            #expect(Hex.string(cbor) == want["cbor"]?.text, "\(id) from \(encoding)")
            let text = String(decoding: json, as: UTF8.self)
            #expect(Name(text) == Name(want["json"]?.text ?? ""), "\(id) from \(encoding)")
        }
    }

    /// Reads a message and writes it in both encodings.
    private func recoded(
        _ shape: String, _ bytes: [UInt8], _ encoding: Encoding
    ) throws(WireError) -> (cbor: [UInt8], json: [UInt8]) {
        switch shape {
        case "request":
            let message = try encoding.request(bytes)
            return (Encoding.cbor.encode(message), Encoding.json.encode(message))
        case "reply":
            let message = try encoding.reply(bytes)
            return (Encoding.cbor.encode(message), Encoding.json.encode(message))
        case "run":
            let message = try encoding.run(bytes)
            return (Encoding.cbor.encode(message), Encoding.json.encode(message))
        case "snapshot":
            let message = try encoding.snapshot(bytes)
            return (Encoding.cbor.encode(message), Encoding.json.encode(message))
        default:
            let message = try encoding.value(bytes, depth: Limits.valueDepthMax)
            return (Encoding.cbor.encode(message), Encoding.json.encode(message))
        }
    }

    @Test func `changes are applied as the vectors say`() throws {
        try each("applying") { vector in
            let id = vector["id"]?.text ?? ""
            var documents = try Self.documents(vector["snapshot"] ?? vector["start"])
            var confirmed = Set<Nonce>()
            for run in vector["runs"]?.array ?? [] {
                for event in try Encoding.json.run(run.bytes).events {
                    confirmed.insert(event.change.nonce)
                    if event.outcome == .accepted {
                        documents.apply(event.change, dot: event.dot)
                    }
                }
            }
            if let pending = vector["pending"] {
                let entries = try Encoding.json.run(pending.bytes).events.map { event in
                    LocalView.Pending(
                        dot: event.dot, change: event.change,
                        isVisible: !confirmed.contains(event.change.nonce))
                }
                let view = LocalView(confirmed: documents, pending: entries)
                view.checkInvariants()
                documents = view.merged
            }
            documents.checkInvariants()
            #expect(try documents == Self.documents(vector["end"]), "\(id)")
            if let wrong = vector["wrong"] {
                #expect(try documents != Self.documents(wrong), "\(id)")
            }
        }
    }

    static func documents(_ snapshot: JSON?) throws -> Documents {
        try Encoding.json.snapshot((snapshot ?? .object([])).bytes).documents
    }

    @Test func `cells are folded as the vectors say`() throws {
        try each("folding") { vector in
            let key = Self.key(vector["key"])
            let cells = try Self.documents(vector["cells"]).cells(key)
            let register = try Fold.register(cells).map { fold in
                JSON.object([
                    ("value", try Self.json(fold.value)),
                    ("conflict", .array(try fold.conflict.map(Self.json))),
                ])
            }
            let folds = JSON.object([
                ("register", register ?? .null), ("counter", .int(Fold.counter(cells))),
                ("flag", .bool(Fold.flag(cells))),
            ])
            #expect(folds == vector["folds"], "\(vector["id"]?.text ?? "")")
            #expect(folds != vector["wrong"])
        }
    }

    static func key(_ names: JSON?) -> Key {
        let texts = (names?.array ?? []).map { Name($0.text ?? "") }
        return Key(texts[0], texts[1], texts[2])
    }

    /// A value as a vector writes it.
    static func json(_ value: Value) throws -> JSON {
        switch value {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let int): .int(int)
        case .text(let text): .text(text)
        case .array(let values): .array(try values.map(json))
        case .map(let entries): .object(try entries.map { ($0.name, try json($0.value)) })
        }
    }

    @Test func `line names and places are made and read as the vectors say`() throws {
        try each("names") { vector in
            let id = vector["id"]?.text ?? ""
            if let item = vector["item"]?.text {
                let line = vector["reads"] ?? vector
                let name = LineName(item: Name(item))
                let options = (line["options"]?.members ?? []).map { ($0.name, $0.value.text) }
                #expect(Name(name.sku) == Name(line["sku"]?.text ?? ""), "\(id)")
                #expect(name.options == Dictionary(uniqueKeysWithValues: options), "\(id)")
                if vector["reads"] == nil { #expect(name.item == Name(item), "\(id)") }
            } else if let place = vector["place"]?.text {
                let made = FractionalIndex.between(
                    vector["low"]?.text.map { Name($0) }, vector["high"]?.text.map { Name($0) },
                    tail: UInt64(vector["tail"]?.int ?? 0))
                #expect(made.text == place, "\(id)")
            } else {
                let isPlace = FractionalIndex.isPlace(Name(vector["text"]?.text ?? ""))
                #expect(JSON.bool(isPlace) == vector["is_place"], "\(id)")
            }
        }
    }

    @Test func `changes at the limits are accepted, and refused beyond`() throws {
        for topic in ["rules", "channels"] { try judgeChanges(topic) }
    }

    private func judgeChanges(_ topic: String) throws {
        try each(topic) { vector in
            guard vector["run"] != nil else { return }
            let run = try #require(vector["run"]).expanded()
            let change = try Encoding.json.run(run.bytes).events[0].change
            let found = try change.refusal().map { rejection in
                let details = try Self.json(rejection.details)
                let code = ("code", JSON.text(rejection.code))
                return JSON.object(
                    details == .object([]) ? [code] : [code, ("details", details)])
            }
            #expect(found ?? .null == vector["rejected"], "\(vector["id"]?.text ?? "")")
        }
    }

    @Test func `digests are those of NIST and of the batches`() throws {
        try each("digests") { vector in
            let id = vector["id"]?.text ?? ""
            if let batch = vector["batch"] {
                let bytes = Encoding.cbor.encode(try Encoding.json.run(batch.bytes))
                #expect(Hex.string(bytes) == vector["cbor"]?.text, "\(id)")
                let digest = SHA256.digest(bytes)
                #expect(Hex.string(digest) == vector["sha256"]?.text, "\(id)")
                #expect(Hex.string(Run.shortDigest(digest)) == vector["digest"]?.text, "\(id)")
                guard let sent = vector["sent"]?.text.flatMap(Hex.bytes) else { return }
                #expect(try Encoding.cbor.requestWithRun(sent).run == bytes, "\(id)")
            } else {
                let part = vector["message"]?.text.flatMap(Hex.bytes) ?? []
                let times = Int(vector["times"]?.int ?? 1)
                let message = Array(repeating: part, count: times).flatMap(\.self)
                let found = Hex.string(SHA256.digest(message))
                if let want = vector["sha256"]?.text { #expect(found == want, "\(id)") }
                #expect(found != vector["wrong"]?.text, "\(id)")
            }
        }
    }
}
