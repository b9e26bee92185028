import ToteClient
import ToteCommandLine
import ToteConcurrency

/// `expect`: what a device must show.
extension DeviceSession {
    func expect(_ words: [String]) async throws -> Answer {
        let line = try ExpectLine(words)
        if let (code, refused) = try line.refused(among: DeviceVerbs.all) {
            do throws(VerbFailure) {
                _ = try await perform(refused)
            } catch {
                return try ExpectLine.judge(code, refused, error)
            }
            return try ExpectLine.judge(code, refused, nil)
        }
        while true {
            let (wanted, found) = try await look(line.words)
            if wanted == found { return Answer(lines: ["as expected"]) }
            guard let pause = line.pause else {
                throw line.failure(wanted: wanted, found: found)
            }
            try await SystemClock.device.sleep(pause)
        }
    }

    /// What is wanted and what is there, as texts that are equal when the expectation holds.
    private func look(_ words: [String]) async throws -> (wanted: String, found: String) {
        let verb = DeviceHelp.help.expectation(words[0])
        let rest = Array(words.dropFirst())
        let read = try VerbWords(VerbLine(verb: verb, words: rest))
        switch words[0] {
        case "cart":
            let name = LineName(try read.word(0), options: read.options)
            let lines = await tote.cart(read.cart).value.lines
            let quantity = lines.first { $0.name == name }?.quantity ?? 0
            return (String(try read.number(1)), String(quantity))
        case "lines":
            let lines = await tote.cart(read.cart).value.lines
            return (String(try read.number(0)), String(lines.count))
        case "ticked":
            let lines = await tote.cart(read.cart).value.lines
            return (String(try read.number(0)), String(lines.count(where: \.isTicked)))
        case "note": return try await lookAtNote(read)
        case "wish":
            let list = await tote.wishlist(read.list).value
            let found = list.entries.map { DeviceText.line($0.name) }
            return (Self.listed(rest.filter { !$0.hasPrefix("list:") }), Self.listed(found))
        case "wish-note":
            let list = await tote.wishlist(read.list).value
            let name = LineName(try read.word(0), options: read.options)
            let note = list.entries.first { $0.name == name }?.note
            return (try read.word(1), note ?? "none")
        case "recent":
            return (Self.listed(rest), Self.listed(await tote.recent.value.map(DeviceText.line)))
        case "journey": return try await lookAtJourney(read)
        case "value":
            guard rest.count == 4 else { throw read.wrong }
            let item = rest[1] == "." ? "" : rest[1]
            let found = await tote.collection(rest[0]).value(rest[2], of: item)
            let wanted = rest[3] == "none" ? nil : Self.value(rest[3])
            return (DeviceText.value(wanted), DeviceText.value(found))
        default: return try await lookAtSync(words[0], read)
        }
    }

    private func lookAtNote(_ read: VerbWords) async throws -> (wanted: String, found: String) {
        let cart = await tote.cart(read.cart).value
        let sku = try read.word(0)
        let name = LineName(sku, options: read.options)
        let note = sku == "." ? cart.note : cart.lines.first { $0.name == name }?.note
        return (try read.word(1), note ?? "none")
    }

    private func lookAtJourney(_ read: VerbWords) async throws -> (wanted: String, found: String) {
        let journey = await tote.journey.value
        let wanted = try read.word(1)
        switch try read.word(0) {
        case "store": return (wanted, journey.store ?? "none")
        case "pickup": return (wanted, journey.pickupTime ?? "none")
        case "screen": return (wanted, journey.screen ?? "none")
        default: throw read.wrong
        }
    }

    private func lookAtSync(
        _ what: String, _ read: VerbWords
    ) async throws -> (wanted: String, found: String) {
        switch what {
        case "outbox":
            let waiting = try await tote.receipts().count { !$0.state.isFinal }
            return (String(try read.number(0)), String(waiting))
        case "receipt", "receipts":
            let wanted = try read.word(0)
            if what == "receipts", wanted == "settled" {
                let open = try await tote.receipts().count { !$0.state.isFinal }
                return ("settled", open == 0 ? "settled" : "\(open) open")
            }
            guard DeviceText.stateWords.contains(wanted) else {
                throw VerbFailure(
                    .usage, "a receipt is \(DeviceText.stateWords.joined(separator: ", "))")
            }
            let states = try await tote.receipts().map(\.state)
                .filter { DeviceText.word($0) == wanted }
            if what == "receipts" { return (String(try read.number(1)), String(states.count)) }
            guard read.plain.count > 1 else {
                return (wanted, states.isEmpty ? "none" : wanted)
            }
            let code = "\(wanted): \(try read.word(1))"
            let found = states.map { DeviceText.state($0) }
            return (code, found.contains(code) ? code : Self.listed(found))
        case "faults": return (String(try read.number(0)), String(link.faults.count))
        case "joined-line":
            let (sku, wanted) = (try read.word(0), read.plain.dropFirst())
            let line = await tote.joins.first?.lines.first { $0.name.sku == sku }
            let found = line.map { line in
                "\(line.had) \(line.brought) \(line.kept)"
                    + (line.limit.map { " \($0)" } ?? "")
            }
            return (wanted.joined(separator: " "), found ?? "none")
        case "conflicts":
            let register = try Self.register(Array(read.plain.dropFirst()))
            let found = try await tote.conflicts(of: register)
            return (String(try read.number(0)), String(found.count))
        case "status":
            let word = try read.word(0)
            guard DeviceText.statusWords.contains(word) else {
                let words = DeviceText.statusWords
                let near = Suggestion.nearest(to: word, among: words).map { "did you mean \($0)?" }
                throw VerbFailure(
                    .usage, near ?? "a status is \(words.joined(separator: ", "))")
            }
            return (word, DeviceText.word(await tote.status))
        default:
            if let pair = try await lookAtOrders(what, read) { return pair }
            if let pair = try await lookAtPoints(what, read) { return pair }
            if let pair = try await lookAtHandOff(what, read) { return pair }
            if let pair = try await lookAtShare(what, read) { return pair }
            throw DeviceHelp.help.unknownExpectation(what)
        }
    }

    static func listed(_ words: [String]) -> String {
        words.isEmpty ? "none" : words.joined(separator: ", ")
    }
}
