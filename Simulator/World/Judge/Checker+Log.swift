internal import ToteCore

// Rules of the log: one order, no gap, one fate for each change.
extension Checker {
    /// What a device is told begins where the last ended.
    static func cursorsHaveNoGap(_ facts: Facts) -> DayFailure? {
        for (device, answers) in facts.answers.sorted(by: { $0.key < $1.key }) {
            for index in answers {
                guard case .answered(_, _, _, _, let seen, _) = facts.history[index].record
                else { continue }
                for (before, after) in zip(seen, seen.dropFirst())
                where after.position != before.position + 1 {
                    return broken(
                        "cursor_gap",
                        "device \(device) was told \(before.position), then \(after.position)",
                        [facts.history[index]])
                }
            }
        }
        for (customer, log) in facts.log.sorted(by: { $0.key < $1.key }) {
            // The first event is the server's own.
            guard let first = log.first else { continue }
            for (index, seen) in log.enumerated()
            where first.position > 2 || seen.position != first.position + UInt64(index) {
                return broken(
                    "cursor_gap",
                    "the log of customer \(customer) has a gap before \(seen.position)")
            }
        }
        return nil
    }

    /// Whoever is told of a position of an epoch is told the same.
    static func allSeeOneLog(_ facts: Facts) -> DayFailure? {
        struct Place: Hashable {
            var customer: Int
            var epoch: UInt64
            var position: UInt64
        }
        var known: [Place: (dot: Dot, nonce: Nonce, index: Int)] = [:]
        var customers: [Int: Int] = [:]
        for case .shows(let device, let customer, _, _, _) in facts.history.map(\.record) {
            customers[device] = customer
        }
        for (device, answers) in facts.answers.sorted(by: { $0.key < $1.key }) {
            for index in answers {
                guard case .answered(_, _, _, let epoch, let seen, _) = facts.history[index].record,
                    let customer = customers[device]
                else { continue }
                for event in seen {
                    let place = Place(customer: customer, epoch: epoch, position: event.position)
                    guard let former = known[place] else {
                        known[place] = (event.dot, event.nonce, index)
                        continue
                    }
                    // A crash before the answer may take a position back that nobody was told of.
                    guard former.dot == event.dot, former.nonce == event.nonce else {
                        return broken(
                            "two_logs", "position \(event.position) is two changes",
                            [facts.history[former.index], facts.history[index]])
                    }
                }
            }
        }
        return nil
    }

    /// A batch is taken of who shows the latest ticket: the copy that was slower goes on under
    /// another name, whatever it has to send. Who shows the one before it sends the same again, and
    /// is given the same.
    static func ticketsNameOneWriter(_ facts: Facts) -> DayFailure? {
        struct Writer: Hashable {
            var replica: ReplicaID
            var epoch: UInt64
        }
        var latest: [Writer: (shown: UInt64?, given: UInt64, nonces: [Nonce], at: Stamped)] = [:]
        for stamped in facts.history {
            guard
                case .ticketed(let replica, let epoch, let shown, let given, let nonces) =
                    stamped.record
            else { continue }
            let writer = Writer(replica: replica, epoch: epoch)
            if let former = latest[writer], shown != former.given {
                let isAgain = shown == former.shown && nonces == former.nonces
                guard isAgain, given == former.given else {
                    return broken(
                        "old_ticket_taken",
                        "\(Hex.string(replica.rawValue)) "
                            + (isAgain
                                ? "was given two tickets for one batch"
                                : "went on with a ticket that is not its latest"),
                        [former.at, stamped])
                }
                continue
            }
            latest[writer] = (shown, given, nonces, stamped)
        }
        return nil
    }

    static func everyChangeHasOneFate(_ facts: Facts) -> DayFailure? {
        for (customer, log) in facts.log.sorted(by: { $0.key < $1.key }) {
            var judged: [Nonce: UInt64] = [:]
            var dots: Set<Dot> = []
            for seen in log {
                guard dots.insert(seen.dot).inserted else {
                    return broken("dot_twice", "customer \(customer): \(seen.dot) is there twice")
                }
                guard seen.outcome != "same_as" else {
                    if judged[seen.nonce] == nil {
                        return broken(
                            "alias_of_nothing",
                            "\(Hex.string(seen.nonce)) is the same as what was never judged")
                    }
                    continue
                }
                if let former = judged.updateValue(seen.position, forKey: seen.nonce) {
                    return broken(
                        "judged_twice",
                        "\(Hex.string(seen.nonce)) was judged at \(former) and \(seen.position)")
                }
            }
        }
        return nil
    }

    /// A change has a fate, unless nothing holds it any more.
    static func nothingVanishes(_ facts: Facts) -> DayFailure? {
        let judged = Set(facts.log.values.joined().map(\.nonce))
        for (nonce, change) in facts.changes.sorted(by: { $0.value.at < $1.value.at })
        where !judged.contains(nonce) && !facts.mayBeLost(change) {
            // What has no effect is not resent to a restored server; its fate is on the device.
            let hasNoEffect = !change.act.isEdit && !facts.restores.isEmpty
            if hasNoEffect { continue }
            return broken(
                "vanished", "\(change.act.rawValue) \(Hex.string(nonce)) has no fate",
                facts.proof(of: nonce))
        }
        return nil
    }

    /// What may not be is refused, and nothing else of what edits is.
    static func onlyWhatMayBe(_ facts: Facts) -> DayFailure? {
        for seen in facts.log.values.joined() where seen.outcome != "same_as" {
            guard let change = facts.changes[seen.nonce] else { continue }
            let isAccepted = seen.outcome == "accepted"
            if !change.act.isEdit, seen.outcome == "empty", facts.restores.isEmpty {
                return broken(
                    "emptied", "\(Hex.string(seen.nonce)) lost what it asked for",
                    facts.proof(of: seen.nonce))
            }
            if change.act == .forbidden, isAccepted {
                return broken(
                    "forbidden_accepted", "\(Hex.string(seen.nonce)) may not be written",
                    facts.proof(of: seen.nonce))
            }
            if change.act.isEdit, !isAccepted {
                return broken(
                    "edit_refused", "\(Hex.string(seen.nonce)) was refused: \(seen.outcome)",
                    facts.proof(of: seen.nonce))
            }
        }
        return nil
    }

    /// What an author had seen comes before what they did. After a restore devices bring back what
    /// they have in the order in which they come.
    static func causesComeFirst(_ facts: Facts) -> DayFailure? {
        guard facts.restores.isEmpty else { return nil }
        for log in facts.log.values {
            var places: [Nonce: UInt64] = [:]
            for seen in log where seen.outcome == "accepted" {
                for write in facts.changes[seen.nonce]?.writes ?? [] {
                    for cause in write.saw where places[cause] == nil {
                        guard log.contains(where: { $0.nonce == cause }) else { continue }
                        return broken(
                            "effect_first",
                            "\(Hex.string(seen.nonce)) had seen \(Hex.string(cause)), and comes "
                                + "before it",
                            facts.proof(of: seen.nonce) + facts.proof(of: cause))
                    }
                }
                places[seen.nonce] = seen.position
            }
        }
        return nil
    }

    /// By how many milliseconds a stamp may be wrong: a reply is on its way for less, and for no
    /// more than a device waits where something delays it.
    private static let stampErrorMilliseconds: Int64 = 500
    private static let lateMillisecondsMax: Int64 = 60_000

    /// A stamp is the time at which its change was made, by the server's clock, whatever the
    /// device's own said; and later than those of what its author had seen.
    ///
    /// Nothing tells how long a device was off before it was started anew: what it could not send
    /// before that may be stamped late, and what was behind it with it. A copy has the clock
    /// readings of another device. A device that went back sends again what it has forgotten that
    /// it sent, and knows nothing of the first one's stamp. Those are not judged.
    static func stampsTellWhen(_ facts: Facts) -> DayFailure? {
        guard facts.copies == 0, facts.restores.isEmpty else { return nil }
        let early =
            facts.rates.keys.contains(where: Fault.delaying.contains)
            ? lateMillisecondsMax : stampErrorMilliseconds
        /// From an act until it was told, where the device was started anew between.
        var blurred: [Int: [Range<Int>]] = [:]
        for change in facts.changes.values {
            let isForgotten = facts.losses.contains {
                $0.device == change.device && $0.at > change.at
            }
            let told = isForgotten ? nil : change.toldAt
            let open = change.at..<(told ?? facts.history.count)
            if facts.boots[change.device]?.contains(where: open.contains) ?? false {
                blurred[change.device, default: []].append(open)
            }
        }
        // Nobody can say when those were made.
        var found: Set<Nonce> = []
        for case .found(let nonce) in facts.history.map(\.record) { found.insert(nonce) }
        for (_, log) in facts.log.sorted(by: { $0.key < $1.key }) {
            var stamps: [Nonce: Timestamp] = [:]
            let sentAgain = Set(log.filter { $0.outcome == "same_as" }.map(\.nonce))
            for seen in log where seen.outcome == "accepted" {
                stamps[seen.nonce] = seen.stamp
                guard let change = facts.changes[seen.nonce] else { continue }
                let causes = change.writes.lazy.flatMap(\.saw)
                    .filter { !sentAgain.contains($0) }.compactMap { stamps[$0] }
                if let cause = causes.max(), cause >= seen.stamp {
                    return broken(
                        "stamped_before_cause",
                        "\(Hex.string(seen.nonce)) is stamped no later than what it had seen",
                        facts.proof(of: seen.nonce))
                }
                // A guest's is stamped behind all that its account had seen when it joined.
                guard change.act != .guest, !found.contains(seen.nonce),
                    !(blurred[change.device] ?? []).contains(where: { $0.contains(change.at) })
                else { continue }
                let made = Int64(Day.start + facts.history[change.at].at)
                let error = Int64(seen.stamp.milliseconds) - made
                guard (-early...stampErrorMilliseconds).contains(error) else {
                    return broken(
                        "stamped_wrong",
                        "\(Hex.string(seen.nonce)) is stamped \(error) ms off when it was made",
                        facts.proof(of: seen.nonce))
                }
            }
        }
        return nil
    }
}

extension Fault {
    /// What makes a device's idea of the time late, by as much as it waits for an answer.
    static let delaying: Set<Fault> = [.slow, .jitter, .stall]
}

extension Facts {
    /// What tells of a change: the act, and who was first told of it.
    func proof(of nonce: Nonce) -> [Stamped] {
        guard let change = changes[nonce] else { return [] }
        return [change.at, change.toldAt].compactMap { $0 }.map { history[$0] }
    }
}
