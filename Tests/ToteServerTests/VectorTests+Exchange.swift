import Testing
import ProtocolChecks
import ToteCore
import ToteServer

/// The transcripts of Protocol/vectors, played against a server on a real file.
@Suite struct ExchangeVectorTests {
    /// Transcripts that the server does not hold yet, each with what is missing. Empty is the goal.
    static let pending: [String: Comment] = [:]

    /// All vectors that are transcripts, by their ids.
    private static let transcripts: [String: JSON] = {
        let topics = [
            "exchange", "orders", "ledger", "codes", "handoffs", "erasure", "channels", "nearest",
            "aftersales", "visits", "guests", "offers", "lists", "shares",
        ]
        let vectors = topics.flatMap { (try? JSON.vectors($0)) ?? [] }
        let played = vectors.filter { $0["steps"] != nil }.map { ($0["id"]?.text ?? "", $0) }
        return Dictionary(played, uniquingKeysWith: { first, _ in first })
    }()

    @Test(arguments: transcripts.keys.sorted())
    func `the server answers a transcript as it says`(id: String) throws {
        let vector = try #require(Self.transcripts[id])
        if let why = Self.pending[id] {
            withKnownIssue(why, isIntermittent: true) { try play(vector) }
        } else {
            try play(vector)
        }
    }

    private func play(_ vector: JSON) throws {
        let server = try VectorServer()
        var names = server.tokenNames
        var parked: Parked?
        for (index, step) in (vector["steps"]?.array ?? []).enumerated() {
            server.now += UInt64(step["after"]?.int ?? 0)
            let place = "step \(index + 1): \(vector["what"]?.text ?? "")"
            switch step["do"]?.text {
            case "restart": try server.restart()
            case "backup": try server.backUp()
            case "restore": try server.restore()
            case "trim": try server.trim()
            case "catalog": try server.use(catalog: try #require(step["catalog"]))
            case "expire": try server.expire()
            case "revoke": try server.revoke(step["token"]?.text ?? "")
            case "park":
                guard case .park(let request) = try server.handle(request(step, server, names))
                else {
                    Issue.record("\(place): answered at once")
                    return
                }
                parked = request
            case "wake":
                let handled = try server.resume(try #require(parked))
                try judge(handled, step, &names, place)
            default:
                let handled = try server.handle(request(step, server, names))
                try judge(handled, step, &names, place)
            }
        }
    }

    private func request(
        _ step: JSON, _ server: VectorServer, _ names: [String: JSON]
    ) throws -> ServerRequest {
        let body: [UInt8]
        if let send = step["send"] {
            body = try send.expanded().bound(to: names).withCodes().ordered.bytes
        } else {
            body = Array((step["send_text"]?.expanded().text ?? "").utf8)
        }
        // What is expected is bound when it is compared.
        let asked = step.members.filter {
            !["reply", "problem", "wrong", "headers"].contains($0.name)
        }
        return server.request(JSON.object(asked).bound(to: names), body: body)
    }

    private func judge(
        _ handled: Handled, _ step: JSON, _ names: inout [String: JSON], _ place: String
    ) throws {
        guard case .answer(let response) = handled else {
            Issue.record("\(place): parked")
            return
        }
        let isCBOR = response.contentType == Encoding.cbor.rawValue
        let body =
            isCBOR
            ? Encoding.json.encode(try Encoding.cbor.reply(response.body))
            : response.body
        let found = body.isEmpty ? JSON.null : JSON.parsed(body)
        let text = found.encoded.prefix(2_000)
        #expect(JSON.int(Int64(response.status)) == step["status"], "\(place): \(text)")
        for (name, want) in (step["reply"] ?? step["problem"])?.members ?? [] {
            let fits = found[name].map { want.matches($0, &names) } ?? false
            #expect(fits, "\(place): \(name) is to be \(want.encoded), found \(text)")
        }
        for (name, want) in step["headers"]?.members ?? [] {
            let value = response.headers.first { $0.name == name }.map { JSON.text($0.value) }
            let fits = value.map { want.matches($0, &names) } ?? false
            #expect(fits, "\(place): the header \(name) is \(value?.encoded ?? "absent")")
        }
        for name in step["absent"]?.array ?? [] {
            #expect(found[name.text ?? ""] == nil, "\(place): \(name.encoded) in \(text)")
        }
        if let wrong = step["wrong"] {
            let isWrong = wrong.members.allSatisfy { name, value in
                found[name].map { value.matches($0, &names) } ?? false
            }
            #expect(!isWrong, "\(place): the wrong reply \(text)")
        }
    }
}

extension JSON {
    /// With `$names` put in.
    fileprivate func bound(to names: [String: JSON]) -> JSON {
        switch self {
        case .text(let text): text.hasPrefix("$") ? names[text] ?? self : self
        case .array(let values): .array(values.map { $0.bound(to: names) })
        case .object(let members):
            .object(members.map { ($0.name, $0.value.bound(to: names)) })
        default: self
        }
    }

    /// Whether a value is as described; a name that is new takes it, `$_` fits everything.
    fileprivate func matches(_ found: JSON, _ names: inout [String: JSON]) -> Bool {
        switch self {
        case .text(let text) where text == "$_": return true
        case .text(let text) where text.hasPrefix("$"):
            if let known = names[text] { return known == found }
            names[text] = found
            return true
        case .array(let values):
            guard found.array.count == values.count, case .array = found else { return false }
            for (want, value) in zip(values, found.array) where !want.matches(value, &names) {
                return false
            }
            return true
        case .object(let members):
            guard found.members.count == members.count, case .object = found else { return false }
            for (name, want) in members {
                guard let value = found[name], want.matches(value, &names) else { return false }
            }
            return true
        default: return self == found
        }
    }
}
