import Glibc
import ToteCommandLine

/// Verbs that change what is around the app: network, clock, process, account.
extension DeviceSession {
    func runWorld(_ line: VerbLine) async throws -> Answer? {
        switch line.verb.name {
        case "net": return try await runNet(line.words)
        case "clock":
            guard let word = line.words.first else {
                return Answer(lines: [ClockSkew.text(settings.skewMilliseconds)])
            }
            guard let skew = word == "reset" ? 0 : ClockSkew.parse(word) else {
                throw VerbFailure(
                    .usage, "'\(word)' is no time: write clock +1d, clock -10y or clock reset")
            }
            try change { $0.skewMilliseconds = skew }
            return Answer(lines: [ClockSkew.text(skew)])
        case "reboot":
            try change { $0.boots += 1 }
            return Answer(lines: ["started anew"])
        case "kill":
            // SIGKILL to itself: nothing gets a chance to tidy up.
            Glibc.kill(getpid(), SIGKILL)
            return Answer(isLast: true)
        case "sign-in":
            let words = line.words
            try await signIn(
                customer: words.first, tokenFile: words.count > 1 ? Files.absolute(words[1]) : nil)
            return Answer(lines: ["signed in as \(customer)"])
        case "sign-out":
            try await signOut()
            return Answer(lines: ["signed out: a guest's documents show"])
        case "wait":
            guard let time = DurationText.parse(line.words[0]) else {
                throw VerbFailure(.usage, "'\(line.words[0])' is no time: write wait 500ms")
            }
            try await Task.sleep(for: time)
            return Answer()
        default: return nil
        }
    }

    private func runNet(_ words: [String]) async throws -> Answer {
        guard let word = words.first else {
            return Answer(lines: ["network \(settings.network)"])
        }
        if let profile = NetworkProfile.preset(word), words.count == 1 {
            try await use(profile, named: word)
            return Answer(lines: ["network \(word): \(profile.summary)"])
        }
        if word == "custom" {
            guard let profile = NetworkProfile.custom(Array(words.dropFirst())) else {
                throw VerbFailure(
                    .usage, "write: net custom LATENCY [LOSS%], like custom 300ms 10%")
            }
            try await use(profile, named: words.joined(separator: " "))
            return Answer(lines: ["network \(profile.summary)"])
        }
        let (fault, times) = try Self.fault(words)
        link.add(fault, times: times)
        return Answer(lines: ["the next \(times == 1 ? "exchange" : "\(times) exchanges"): \(word)"]
        )
    }

    /// Reads `lost-reply 2`, `cut request 17` and their like.
    private static func fault(_ words: [String]) throws(VerbFailure) -> (NetworkFault, Int) {
        let simple: [String: NetworkFault] = [
            "lost-request": .lostRequest, "lost-reply": .lostReply, "twice": .twice,
            "captive-portal": .captivePortal,
        ]
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
        let near = Nearest.word(to: words[0], among: known).map { "did you mean `net \($0)`?" }
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
