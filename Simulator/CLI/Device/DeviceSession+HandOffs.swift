import ToteClient
import ToteCommandLine
import ToteCore

/// Verbs of hand-offs: of the customer's device, and of the store's.
extension DeviceSession {
    func runHandOff(_ line: VerbLine) async throws -> Answer? {
        switch line.verb.name {
        case "handoff": return try await offer(line.words)
        case "handoffs":
            let lines = await tote.handOffs.map { Self.text($0, at: now) }
            return Answer(lines: lines.isEmpty ? ["no hand-offs"] : lines)
        case "handoff allow":
            try await tote.allowPoints(in: try await handOff(line.words[0]).id)
            return Answer(lines: ["allowed"])
        case "handoff end":
            try await tote.endHandOff(try await handOff(line.words[0]).id)
            return Answer(lines: ["ended"])
        case "join":
            try await join(line.words[0])
            let said = await sync(within: .seconds(10))
            return Answer(lines: ["joined, \(said)"])
        case "leave":
            // Without a network a try would be in vain.
            let end = try await tote.leaveHandOff(
                deadline: link.profile.isOffline ? .milliseconds(100) : .seconds(10))
            return Answer(
                lines: [
                    end.lostCount == 0
                        ? "left; nothing of the customer is here any more"
                        : "left; \(end.lostCount) changes were not sent, and are lost"
                ])
        default: return nil
        }
    }

    private var now: UInt64 { SystemClock.device.reading().wallMilliseconds }

    private func offer(_ words: [String]) async throws -> Answer {
        var rest = words[...]
        var duration: Duration = .seconds(1_800)
        if rest.first == "for" {
            guard rest.count > 1, let time = DurationText.parse(rest[1]) else {
                throw VerbFailure(.usage, "for how long? handoff for 30m")
            }
            duration = time
            rest = rest.dropFirst(2)
        }
        let form = rest.first ?? "dark"
        guard rest.count < 2, ["dark", "light", "text"].contains(form) else {
            throw VerbFailure(.usage, "write: handoff, handoff light, or handoff text")
        }
        let offer = try await tote.offerHandOff(for: duration)
        if form == "text" { return Answer(lines: [offer.text]) }
        let drawing = offer.qrCode.terminalText(invert: form == "light").split(separator: "\n")
        let words = offer.code.map { "the code is \($0)" } ?? "the code carries the cart"
        return Answer(lines: drawing.map(String.init) + [words])
    }

    /// The hand-off that a word means: `last`, or the first digits of its id.
    private func handOff(_ word: String) async throws -> HandOff {
        let all = await tote.handOffs
        // A device that has joined, before a code that nobody has taken.
        let now = SystemClock.nowMilliseconds()
        let joined = all.first { $0.state == .joined && $0.isOpen(at: now) }
        let found =
            word == "last"
            ? [joined ?? all.first].compactMap { $0 }[...]
            : all.filter { $0.id.text.hasPrefix(word.lowercased()) }[...]
        guard let first = found.first else {
            throw VerbFailure(.refused, "no hand-off here is \(word)", code: "not_found")
        }
        guard found.count == 1 else {
            throw VerbFailure(.refused, "\(found.count) ids begin with \(word): write more of it")
        }
        return first
    }

    /// How a hand-off stands.
    private static func state(_ handOff: HandOff, at now: UInt64) -> String {
        handOff.isOpen(at: now) ? handOff.state.rawValue : "over"
    }

    private static func text(_ handOff: HandOff, at now: UInt64) -> String {
        var words = [handOff.id.text.prefix(8).description, state(handOff, at: now)]
        if let store = handOff.store {
            words.append("at \(store), \(handOff.device ?? "a device")")
        }
        if handOff.allowsPoints { words.append("may spend points") }
        if let end = handOff.end { words.append(end.rawValue) }
        return words.joined(separator: "  ")
    }

    func lookAtHandOff(
        _ what: String, _ read: VerbWords
    ) async throws -> (wanted: String, found: String)? {
        switch what {
        case "handoff":
            let found = await tote.handOffs.first.map { Self.state($0, at: now) }
            return (try read.word(0), found ?? "none")
        case "joined":
            let found = await tote.joinedHandOff.map { $0.allowsPoints ? "points" : "cart" }
            return (try read.word(0), found ?? "no")
        case "erased":
            return (try read.word(0), await tote.wasErased ? "yes" : "no")
        case "left":
            let end = await tote.endedHandOff
            guard read.plain.count > 1 else {
                return (try read.word(0), end?.reason.rawValue ?? "not at all")
            }
            return (
                "\(try read.word(0)) \(try read.number(1))",
                end.map { "\($0.reason.rawValue) \($0.lostCount)" } ?? "not at all"
            )
        default: return nil
        }
    }
}
