import ToteClient
import ToteCommandLine
import ToteCore

/// Verbs of points, stored value and codes.
extension DeviceSession {
    func runPoints(_ line: VerbLine) async throws -> Answer? {
        switch line.verb.name {
        case "points":
            let tier = await tote.tier
            return Answer(lines: PointsText.balance(await tote.points, tier: tier))
        case "card": return try await runCard(line.words)
        case "ledger": return try await runLedger(line.words)
        case "rewards": return try await runRewards(line)
        case "reserve": return try await runReserve(line)
        case "release":
            try await tote.release(try await lease(line.words[0], isOfStore: false))
            return Answer(lines: ["saved"])
        case "keep":
            guard let points = Int64(line.words[0]), points >= 0 else {
                throw VerbFailure(.usage, "write: keep 300, or keep 0")
            }
            await tote.keepReady(points: points)
            return Answer(lines: [points == 0 ? "keeps none ready" : "keeps \(points) ready"])
        case "redeem":
            var words = line.words
            words.append("reward=\(words.removeFirst())")
            return try await place(VerbLine(verb: line.verb, words: words))
        case "offers":
            let lines = await tote.offers.map(PointsText.offer)
            return Answer(lines: lines.isEmpty ? ["no offers"] : lines)
        case "activate":
            let channel = line.words.count > 1 ? Channel(rawValue: line.words[1]) : nil
            guard line.words.count < 2 || channel?.isValid == true else {
                throw VerbFailure(.usage, "'\(line.words[1])' is no channel: write mail, app…")
            }
            watch(try await tote.activate(line.words[0], channel: channel))
            return Answer(lines: ["saved"])
        case "challenges":
            let lines = await tote.challenges.map(PointsText.challenge)
            return Answer(lines: lines.isEmpty ? ["no challenges"] : lines)
        case "qr": return try await runCode(line.words)
        default: return nil
        }
    }

    private func runCard(_ words: [String]) async throws -> Answer {
        let cards = await tote.cards
        guard let code = words.first else {
            let lines = cards.flatMap { PointsText.balance($0, tier: nil) }
            return Answer(lines: lines.isEmpty ? ["no stored value"] : lines)
        }
        guard AccountName("card:\(code)") != nil else {
            throw VerbFailure(.usage, "'\(code)' is no currency: write card EUR")
        }
        return Answer(lines: PointsText.balance(await tote.card(code), tier: nil))
    }

    private func runLedger(_ words: [String]) async throws -> Answer {
        var entries = await tote.ledger
        if let word = words.first {
            guard word == "older" else { throw VerbFailure(.usage, "write: ledger, ledger older") }
            guard let last = entries.last else { return Answer(lines: ["no entries"]) }
            entries = try await tote.olderEntries(before: last.id).entries
        }
        let lines = entries.map(PointsText.entry)
        return Answer(lines: lines.isEmpty ? ["no entries"] : lines)
    }

    private func runRewards(_ line: VerbLine) async throws -> Answer {
        let words = try VerbWords(line)
        let chosen = await tote.journey.value.store
        guard let store = words.plain.first ?? chosen else {
            throw VerbFailure(.usage, "at which store? write: rewards s-17")
        }
        let quote = try await tote.cart(words.cart).quote(at: store)
        let earns = try await tote.willEarn(cart: words.cart, at: store)
        let rewards = try await tote.rewardsInReach(cart: words.cart, at: store)
        return Answer(
            lines: ["earns \(earns) when it is collected"]
                + rewards.map { reward in
                    "  \(reward.reward.id)  \(reward.reward.points) points, worth "
                        + Currency.text(reward.value, quote.currency)
                        + (reward.isReadyOffline ? "" : "  with a network")
                })
    }

    /// The account and the units that words mean: `300`, or with `of=card:EUR` a `5.00`.
    private func units(_ words: VerbWords) throws -> (AccountName, Int64) {
        let name = words.options["of"] ?? "points"
        guard let account = AccountName(name) else {
            throw VerbFailure(
                .usage, "'\(name)' is no account: write of=points, of=card:EUR or of=offer:ID")
        }
        guard case .card(let currency) = account else {
            return (account, Int64(try words.number(0)))
        }
        let text = try words.word(0)
        guard let units = Currency.amount(text, currency) else {
            throw VerbFailure(.usage, "'\(text)' is no amount of \(currency)")
        }
        return (account, units)
    }

    private func runReserve(_ line: VerbLine) async throws -> Answer {
        let words = try VerbWords(line)
        try words.atMost(1)
        for option in words.options.keys.sorted() where !["at", "of"].contains(option) {
            throw VerbFailure(.usage, "a reservation has no \(option)=: it may have at=, of=")
        }
        let (account, units) = try units(words)
        let made = try await tote.reserve(units, of: account, at: words.options["at"])
        return Answer(lines: ["saved as reservation \(made.lease.text.prefix(8))"])
    }

    /// The reservation that a word means: `last`, or the first digits of its id.
    private func lease(_ word: String, isOfStore: Bool) async throws -> LeaseID {
        let balances = await [tote.points] + tote.cards + tote.activeOffers
        let all = balances.flatMap { $0.heldHere + $0.heldElsewhere }
        func isAtStore(_ holding: Balance.Holding) -> Bool {
            if case .store = holding.place { true } else { false }
        }
        let found =
            word == "last"
            ? all.filter { isAtStore($0) == isOfStore }.suffix(1)
            : all.filter { $0.id.text.hasPrefix(word.lowercased()) }[...]
        guard let first = found.first else {
            throw VerbFailure(
                .refused, "no reservation here is \(word)", code: "lease_unknown")
        }
        guard found.count == 1 else {
            throw VerbFailure(.refused, "\(found.count) ids begin with \(word): write more of it")
        }
        return first.id
    }

    private func runCode(_ words: [String]) async throws -> Answer {
        let (text, drawing): (String, QRCode)
        if words[0] == "member" {
            guard let code = await tote.memberCode() else {
                throw VerbFailure(.refused, "there is no member code yet: sync once")
            }
            (text, drawing) = (code.text, code.qrCode)
        } else {
            let id = try await lease(words[0], isOfStore: true)
            guard let code = await tote.leaseCode(id) else {
                throw VerbFailure(
                    .refused, "the reservation is not at a store, has ended or is used up",
                    code: "lease_expired")
            }
            (text, drawing) = (code.text, code.qrCode)
        }
        let form = words.count > 1 ? words[1] : "dark"
        switch form {
        case "text": return Answer(lines: [text])
        case "dark", "light":
            let lines = drawing.terminalText(invert: form == "light").split(separator: "\n")
            return Answer(lines: lines.map(String.init))
        default:
            throw VerbFailure(.usage, "write: qr member, qr member light, or qr member text")
        }
    }

    /// How an order is to be paid by `reward=` and `card=`.
    func pay(
        _ request: inout OrderRequest, _ words: VerbWords, cart: CartReference
    ) async throws {
        if let rewards = words.options["reward"] {
            request.rewards = rewards.split(separator: ",").map(String.init)
        }
        if let offers = words.options["offer"] {
            request.offers = offers.split(separator: ",").map(String.init)
        }
        guard let card = words.options["card"] else { return }
        if card == "all" {
            request.card = .all
            return
        }
        let currency = try await cart.quote(at: request.store).currency
        guard let amount = Currency.amount(card, currency), amount > 0 else {
            throw VerbFailure(.usage, "'\(card)' is no amount of \(currency): card=5.00, card=all")
        }
        request.card = .amount(amount)
    }

    func lookAtPoints(
        _ what: String, _ read: VerbWords
    ) async throws -> (wanted: String, found: String)? {
        switch what {
        case "points":
            let part = read.plain.count > 1 ? try read.word(1) : "total"
            guard let found = PointsText.part(part, of: await tote.points) else {
                throw read.wrong
            }
            return (String(try read.number(0)), String(found))
        case "card":
            let currency = try read.word(0)
            let part = read.plain.count > 2 ? try read.word(2) : "total"
            guard let found = PointsText.part(part, of: await tote.card(currency)) else {
                throw read.wrong
            }
            return (try read.word(1), OrderText.decimal(found, currency))
        case "offer":
            let id = try read.word(0)
            let offer = await tote.offers.first { $0.id == id }
            guard read.plain.count > 2 else {
                return (try read.word(1), offer.map(PointsText.state) ?? "none")
            }
            let wanted = "\(try read.number(1)) \(try read.word(2))"
            switch try read.word(2) {
            case "left": return (wanted, "\(offer?.uses ?? 0) left")
            case "here": return (wanted, "\(offer?.usesHere ?? 0) here")
            default: throw read.wrong
            }
        case "challenge":
            let id = try read.word(0)
            let challenge = await tote.challenges.first { $0.id == id }
            let days = challenge?.progress.days.count ?? 0
            return (try read.word(1), challenge?.isDone == true ? "done" : String(days))
        case "entries":
            let entries = await tote.ledger
            guard read.plain.count > 1 else {
                return (String(try read.number(0)), String(entries.count))
            }
            let kind = try read.word(1)
            return (
                String(try read.number(0)), String(entries.count { $0.kind.rawValue == kind })
            )
        default: return nil
        }
    }
}
