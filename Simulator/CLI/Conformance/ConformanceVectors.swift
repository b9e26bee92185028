import ToteCommandLine

/// Puts a client through the vectors of the protocol that ask for one thing.
struct ConformanceVectors {
    /// What came of one topic.
    struct Outcome {
        var topic: String
        var asked = 0
        var faults: [(id: String, fault: String)] = []
        var isSkipped = false
    }

    /// The topics, each with the verb that it needs.
    private static let topics: [(topic: String, verb: String)] = [
        ("encoding", "decode"), ("encoding", "encode"), ("digests", "digest"),
        ("folding", "fold"), ("applying", "apply"), ("editing", "edit"), ("names", "name"),
    ]

    /// Where `vectors` is.
    let directory: String
    let client: ConformanceClient
    let verbs: Set<String>

    /// - Throws: `RunFailure` when the vectors are not there; what the client does wrong is in what
    ///   is returned.
    func run() throws -> [Outcome] {
        try Self.topics.map { topic, verb in
            var outcome = Outcome(topic: topic == "encoding" ? "\(topic) (\(verb))" : topic)
            outcome.isSkipped = !verbs.contains(verb)
            guard !outcome.isSkipped else { return outcome }
            for vector in try vectors(topic) {
                let checks = Self.checks(verb, vector)
                guard !checks.isEmpty else { continue }
                outcome.asked += 1
                for check in checks {
                    guard let fault = try ask(check) else { continue }
                    outcome.faults.append((vector["id"]?.text ?? "?", fault))
                    break
                }
            }
            return outcome
        }
    }

    private func vectors(_ topic: String) throws -> [JSONText] {
        let path = "\(directory)/vectors/\(topic).json"
        do {
            return try JSONText.read(String(decoding: Files.read(path), as: UTF8.self)).elements
        } catch {
            throw RunFailure(.unavailable, "\(error): name the folder with --protocol")
        }
    }

    /// One question, and what is wrong with an answer to it.
    private struct Check {
        let request: JSONText
        let fault: (JSONText) -> String?

        /// A question of which one member of the answer is compared.
        init(_ verb: String, _ members: [(String, JSONText?)], _ name: String, is wanted: JSONText)
        {
            request = Self.request(verb, members)
            fault = { answer in
                let found = answer[name] ?? .null
                return found.isSame(as: wanted)
                    ? nil : "\(name) is \(found.compact), not \(wanted.compact)"
            }
        }

        /// Bytes that must be refused; with a reason, for no other.
        init(_ members: [(String, JSONText?)], refusedFor reason: String?) {
            request = Self.request("decode", members)
            fault = { answer in
                guard let said = answer["refused"]?.text else {
                    return "is taken for \((answer["json"] ?? .null).compact)"
                }
                let isRight = reason == nil || said.isEmpty || said == reason
                return isRight ? nil : "is refused for \(said), not for \(reason ?? "")"
            }
        }

        private static func request(
            _ verb: String, _ members: [(String, JSONText?)]
        ) -> JSONText {
            let given = members.compactMap { name, value in value.map { (name: name, value: $0) } }
            return .object([(name: "do", value: .string(verb))] + given)
        }
    }

    private func ask(_ check: Check) throws -> String? {
        do {
            return check.fault(try client.ask(check.request))
        } catch let fault as ConformanceFault {
            return fault.description
        }
    }

    private static func checks(_ verb: String, _ vector: JSONText) -> [Check] {
        // A wrong value shows what is not the answer; the right one stands beside it or elsewhere.
        switch verb {
        case "decode": return decoding(vector)
        case "encode":
            guard vector["reason"] == nil, let cbor = vector["cbor"],
                let json = vector["json"]?.text.flatMap({ try? JSONText.read($0) })
            else { return [] }
            return [
                Check(verb, [("message", vector["message"]), ("json", json)], "bytes", is: cbor)
            ]
        case "digest":
            guard let batch = vector["batch"], let hash = vector["sha256"] else { return [] }
            return [Check(verb, [("run", batch)], "sha256", is: hash)]
        case "fold":
            guard let folds = vector["folds"] else { return [] }
            return [
                Check(
                    verb, [("snapshot", vector["cells"]), ("key", vector["key"])], "folds",
                    is: folds)
            ]
        case "apply":
            guard let end = vector["end"] else { return [] }
            return [
                Check(
                    verb,
                    [
                        ("start", vector["start"]), ("snapshot", vector["snapshot"]),
                        ("runs", vector["runs"] ?? []),
                        ("pending", vector["pending"]),
                    ], "end", is: end)
            ]
        case "edit":
            guard let edit = vector["edit"], let writes = vector["writes"] else { return [] }
            return [
                Check(
                    verb,
                    [
                        ("start", vector["start"]), ("pending", vector["pending"]), ("edit", edit),
                    ], "writes", is: writes)
            ]
        default:
            guard let sku = vector["sku"], let item = vector["item"] else { return [] }
            return [
                Check(verb, [("sku", sku), ("options", vector["options"])], "item", is: item)
            ]
        }
    }

    private static func decoding(_ vector: JSONText) -> [Check] {
        func members(_ encoding: String, _ bytes: String) -> [(String, JSONText?)] {
            [
                ("message", vector["message"]), ("encoding", .string(encoding)),
                ("bytes", .string(bytes)),
            ]
        }
        let cbor = vector["cbor"]?.text
        let json = vector["json"]?.text
        if let reason = vector["reason"]?.text {
            return [cbor.map { ("cbor", $0) }, json.map { ("json", hex($0)) }]
                .compactMap { $0.map { Check(members($0.0, $0.1), refusedFor: reason) } }
        }
        // What another spelling of the same means stands under `means`.
        guard let meant = (vector["means"]?["json"] ?? vector["json"])?.text,
            let value = try? JSONText.read(meant)
        else { return [] }
        var checks: [Check] = []
        if let cbor { checks.append(Check("decode", members("cbor", cbor), "json", is: value)) }
        if let json {
            checks.append(Check("decode", members("json", hex(json)), "json", is: value))
        }
        if let cbor, vector["every_prefix"] != nil {
            checks += stride(from: 0, to: cbor.utf8.count, by: 2).map {
                Check(members("cbor", String(cbor.prefix($0))), refusedFor: nil)
            }
        }
        return checks
    }

    private static func hex(_ text: String) -> String {
        let digits = Array("0123456789abcdef")
        return String(text.utf8.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
