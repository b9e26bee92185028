import ToteCommandLine

/// What the words behind `net` ask for.
enum NetworkWords: Sendable {
    /// A profile, and the name under which it is kept.
    case profile(NetworkProfile, name: String)
    /// A fault that the next exchanges meet.
    case fault(NetworkFault, times: Int, name: String)

    private static let simple: [String: NetworkFault] = [
        "lost-request": .lostRequest, "lost-reply": .lostReply, "twice": .twice,
        "captive-portal": .captivePortal, "bad-gateway": .badGateway,
        "gateway-timeout": .gatewayTimeout, "truncated-reply": .truncatedReply,
        "late-reply": .lateReply, "overloaded": .overloaded, "pass": .pass,
    ]
    /// What the first word may be.
    static let first =
        NetworkProfile.presets.map(\.name) + simple.keys + ["online", "custom", "cut"]

    /// What is said when it was done.
    var said: String {
        switch self {
        case .profile(let profile, let name):
            profile.name == "custom"
                ? "network \(profile.summary)" : "network \(name): \(profile.summary)"
        case .fault(_, let times, let name):
            "the next \(times == 1 ? "exchange" : "\(times) exchanges"): \(name)"
        }
    }

    /// Reads the words, at least one.
    init(_ words: [String]) throws(VerbFailure) {
        let name = words[0] == "online" ? NetworkProfile.usual : words[0]
        if let profile = NetworkProfile.preset(name), words.count == 1 {
            self = .profile(profile, name: name)
            return
        }
        if words[0] == "custom" {
            guard let profile = NetworkProfile.custom(Array(words.dropFirst())) else {
                throw VerbFailure(
                    .usage, "write: net custom LATENCY [LOSS%], like custom 300ms 10%")
            }
            self = .profile(profile, name: words.joined(separator: " "))
            return
        }
        let (fault, times) = try Self.fault(words)
        self = .fault(fault, times: times, name: words[0])
    }

    /// The profile that was kept under a name.
    static func kept(_ name: String) -> NetworkProfile {
        NetworkProfile.preset(name)
            ?? NetworkProfile.custom(name.split(separator: " ").dropFirst().map(String.init))
            ?? NetworkProfile.presets[0]
    }

    /// Reads `lost-reply 2`, `cut request 17` and their like.
    private static func fault(_ words: [String]) throws(VerbFailure) -> (NetworkFault, Int) {
        if let fault = simple[words[0]], words.count <= 2 {
            guard words.count == 2 else { return (fault, 1) }
            guard let times = Int(words[1]), (1...1_000).contains(times) else {
                throw VerbFailure(.usage, "how often? write: net \(words[0]) 2")
            }
            return (fault, times)
        }
        if words[0] == "cut" {
            guard words.count == 3, let bytes = Int(words[2]), bytes >= 0 else {
                throw VerbFailure(
                    .usage, "write: net cut request BYTES, or net cut reply BYTES")
            }
            switch words[1] {
            case "request": return (.cutRequest(bytes: bytes), 1)
            case "reply": return (.cutReply(bytes: bytes), 1)
            default: throw VerbFailure(.usage, "cut what? write request or reply")
            }
        }
        let known = NetworkProfile.presets.map(\.name) + simple.keys.sorted() + ["cut", "custom"]
        let near = Suggestion.nearest(to: words[0], among: known)
            .map { "did you mean `net \($0)`?" }
        throw VerbFailure(
            .usage,
            "there is no network '\(words[0])': "
                + (near ?? "there are \(known.joined(separator: ", "))"))
    }
}

extension NetworkProfile {
    /// `300ms 10%`: a latency each way, and how much gets lost.
    static func custom(_ words: [String]) -> NetworkProfile? {
        guard let first = words.first, words.count <= 2, let latency = DurationText.parse(first),
            latency < .seconds(600)
        else { return nil }
        var loss = 0
        if words.count == 2 {
            guard words[1].hasSuffix("%"), let percent = Int(words[1].dropLast()),
                (0...100).contains(percent)
            else { return nil }
            loss = percent
        }
        return NetworkProfile(
            name: "custom", latency: Int(latency / .milliseconds(1)), jitter: 0, down: 0, up: 0,
            loss: loss, summary: words.joined(separator: ", ") + " lost")
    }
}
