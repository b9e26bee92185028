import ToteClient
import ToteCommandLine
import ToteCore

/// Verbs of lists and totes that several share.
extension DeviceSession {
    func runShare(_ line: VerbLine) async throws -> Answer? {
        switch line.verb.name {
        case "shares":
            let lines = await tote.shares.map { share in
                "\(share.id)  \(share.role?.rawValue ?? "not told to the server yet")"
                    + (share.until.map { "  until \(Moment.text($0))" } ?? "")
            }
            return Answer(lines: lines.isEmpty ? ["nothing is shared"] : lines)
        case "share new": return try await makeShare(line.words)
        case "share join": return try await use(try await joinShare(line.words[0]))
        case "share open": return try await use(try await openShare(line.words[0]))
        case "share show":
            return Answer(lines: DeviceText.cart(await (try share()).cart.value))
        case "share members":
            return Answer(
                lines: await (try share()).members.map { member in
                    "\(member.id)  \(member.role.rawValue)\(member.isSelf ? "  this one" : "")"
                })
        case "share invite": return try await invite(line.words)
        case "share role": return try await giveRole(line.words)
        case "share sync":
            let share = try share()
            let report = try await share.syncOnce(deadline: .seconds(10))
            if report.isComplete, await share.catalog == nil { try await share.refreshCatalog() }
            return Answer(
                lines: [
                    report.isComplete
                        ? "up to date"
                        : "not up to date: \(DeviceText.status(report.status)), "
                            + "\(report.unsentCount) to be sent"
                ])
        case "share leave":
            let ended = try await share().leave()
            return Answer(
                lines: [
                    ended.lostCount == 0
                        ? "left: nothing of it is here"
                        : "left; \(ended.lostCount) changes were not sent, and are lost"
                ])
        case "share end":
            try await share().end()
            return Answer(lines: ["ended for all"])
        case _ where line.verb.name.hasPrefix("share "): return try await editShare(line)
        default: return nil
        }
    }

    /// What is open.
    private func share() throws(VerbFailure) -> SharedSpace {
        guard let opened else {
            throw VerbFailure(.refused, "nothing shared is open: share open ID", code: "not_open")
        }
        return opened
    }

    private func use(_ share: SharedSpace) async throws -> Answer {
        opened = share
        if isLive { await share.start() }
        return Answer(lines: ["\(share.id) is open"])
    }

    private func makeShare(_ words: [String]) async throws -> Answer {
        switch words[0] {
        case "list": return try await use(try await tote.makeList(title: words.dropFirst().first))
        case "tote":
            guard let store = options.store else {
                throw VerbFailure(.usage, "this is no store's device: start it with --store STORE")
            }
            let share = try await tote.makeTote(at: store, transport: transport, token: token)
            if let title = words.dropFirst().first { _ = try await share.cart.setTitle(title) }
            return try await use(share)
        default: throw VerbFailure(.usage, "write: share new list, or share new tote")
        }
    }

    private func joinShare(_ text: String) async throws -> SharedSpace {
        guard let store = options.store else { return try await tote.joinShare(text) }
        return try await tote.joinShare(text, at: store, transport: transport, token: token)
    }

    private func openShare(_ word: String) async throws -> SharedSpace {
        // The digits alone will do.
        let found = await tote.shares.filter {
            word == "last" || $0.id.hasPrefix(word)
                || $0.id.split(separator: ":").last?.hasPrefix(word) == true
        }
        let last = found.first { $0.id == lastShare }
        guard let id = (last ?? found.last)?.id else {
            throw VerbFailure(.refused, "nothing that is shared here is \(word)", code: "not_found")
        }
        guard let store = options.store else { return try await tote.openShare(id) }
        return try await tote.openShare(id, at: store, transport: transport, token: token)
    }

    private func invite(_ words: [String]) async throws -> Answer {
        guard let role = Share.Role(rawValue: words[0]) else {
            throw VerbFailure(.usage, "a role is owner, editor or viewer")
        }
        var duration = Duration.seconds(600)
        if words.count > 1 {
            guard words[1] == "for", words.count == 3, let span = DurationText.parse(words[2])
            else { throw VerbFailure(.usage, "write: share invite editor for 2h") }
            duration = span
        }
        let invitation = try await share().invite(as: role, for: duration)
        return Answer(lines: [invitation.code ?? invitation.link])
    }

    private func giveRole(_ words: [String]) async throws -> Answer {
        let share = try share()
        let found = await share.members.filter { $0.id.hasPrefix(words[0]) }
        guard found.count == 1, let member = found.first else {
            throw VerbFailure(
                .refused, "\(found.count) members begin with \(words[0])", code: "not_found")
        }
        let role = Share.Role(rawValue: words[1])
        guard role != nil || words[1] == "none" else {
            throw VerbFailure(.usage, "a role is owner, editor, viewer or none")
        }
        try await share.setRole(of: member.id, to: role)
        return Answer(lines: ["done"])
    }

    private func editShare(_ line: VerbLine) async throws -> Answer {
        let words = try VerbWords(line)
        let cart = try share().cart
        var receipt: Receipt.ID?
        switch line.verb.name {
        case "share add":
            try words.atMost(2)
            receipt = try await cart.add(
                try words.word(0), quantity: words.plain.count > 1 ? try words.number(1) : 1,
                options: words.options)
        case "share scan":
            try words.atMost(2)
            guard let code = try await share().catalog?.scanned(try words.word(0)) else {
                throw VerbFailure(.refused, "no product has this code", code: "code_unknown")
            }
            receipt = try await cart.add(
                code, quantity: words.plain.count > 1 ? try words.number(1) : 1)
        case "share tick":
            try words.atMost(2)
            receipt = try await cart.setTicked(
                words.plain.count < 2, of: try words.word(0), options: words.options)
        case "share pick":
            try words.atMost(2)
            let pick: CartLine.Pick? =
                switch try words.word(1) {
                case "gathered": .gathered
                case "missing": .missing
                case "none": nil
                case let other: .substituted(LineName(other))
                }
            receipt = try await cart.setPick(pick, of: try words.word(0), options: words.options)
        default:
            try words.atMost(0)
            receipt = try await share().add(to: tote.cart(words.cart)).last
        }
        return Answer(lines: [receipt == nil ? "nothing to do" : "saved"])
    }

    func lookAtShare(
        _ what: String, _ read: VerbWords
    ) async throws -> (wanted: String, found: String)? {
        switch what {
        case "share-line":
            let lines = await opened?.cart.value.lines ?? []
            let found = lines.first { $0.sku == read.plain.first }
            let state: String =
                switch found?.pick {
                case .gathered: " gathered"
                case .missing: " missing"
                case .substituted(let name): " \(name.sku)"
                case nil: found?.isTicked == true ? " ticked" : ""
                }
            return (
                read.plain.dropFirst().joined(separator: " "), "\(found?.quantity ?? 0)\(state)"
            )
        case "share-members":
            return (String(try read.number(0)), String(await opened?.members.count ?? 0))
        case "shares": return (String(try read.number(0)), String(await tote.shares.count))
        default: return nil
        }
    }
}
