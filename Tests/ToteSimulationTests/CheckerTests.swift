import Testing
import ToteCore

@testable import ToteSimulation

/// Every rule of the checker finds what it is there for: a sound history, changed in one place.
struct CheckerTests {
    /// The first day of some with something in a cart at its end, and points spent in it.
    private static let sound: [Stamped] = {
        var limits = DayOptions.Limits()
        limits.without = Set(Fault.allCases).subtracting([.offline, .replyLost])
        limits.customers = 1
        limits.devicesEach = 2
        limits.seconds = 1_800
        for seed: UInt64 in 4..<60 {
            let history = DayOutcome(seed: seed, limits: limits).history
            let isFull = history.contains {
                if case .counts(_, _, let counts) = $0.record { !counts.isEmpty } else { false }
            }
            let isSpent = history.contains { isOrderPaid($0.record) }
            if isFull, isSpent { return history }
        }
        return []
    }()

    private static func isOrderPaid(_ record: Record) -> Bool {
        guard case .entry(_, _, "spend", _, let source, _) = record else { return false }
        return source.hasPrefix("order:")
    }

    private func code(_ change: (inout [Stamped]) -> Void) -> String? {
        var history = Self.sound
        change(&history)
        guard case .invalid(let failure) = Checker.verdict(on: history) else { return nil }
        return failure.code
    }

    /// The index of a record of the log, from behind.
    private func logged(
        _ history: [Stamped], _ isWanted: (Record.Seen) -> Bool = { _ in true }
    ) -> Int? {
        history.lastIndex {
            if case .logged(_, let seen) = $0.record { isWanted(seen) } else { false }
        }
    }

    private func change(
        _ history: inout [Stamped], where isWanted: (Record.Seen) -> Bool,
        _ change: (inout Record.Seen) -> Void
    ) {
        guard let index = logged(history, isWanted),
            case .logged(let customer, var seen) = history[index].record
        else {
            Issue.record("the history has no such event")
            return
        }
        change(&seen)
        history[index].record = .logged(customer: customer, seen)
    }

    private static func edits(_ history: [Stamped]) -> Set<UInt64> {
        Set(
            history.compactMap {
                if case .acted(_, _, .edit, let nonce, _, _) = $0.record { nonce } else { nil }
            })
    }

    @Test func `a sound history is valid`() throws {
        let verdict = Checker.verdict(on: Self.sound)
        guard case .valid = verdict else {
            Issue.record("\(verdict)")
            return
        }
    }

    @Test func `a history in which nobody did anything is void`() {
        guard case .void = Checker.verdict(on: []) else {
            Issue.record("an empty history proves something")
            return
        }
    }

    @Test func `a gap in the log is found`() {
        #expect(code { if let index = logged($0) { $0.remove(at: index - 1) } } == "cursor_gap")
    }

    @Test func `a gap in an answer is found`() {
        let found = code { history in
            let index = history.firstIndex {
                if case .answered(_, _, _, _, let seen, _) = $0.record {
                    seen.count > 2
                } else {
                    false
                }
            }
            guard let index,
                case .answered(
                    let device, let request, let status, let epoch, var seen, let fates) =
                    history[index].record
            else { return }
            seen.remove(at: 1)
            history[index].record = .answered(
                device: device, request: request, status: status, epoch: epoch, seen, fates: fates)
        }
        #expect(found == "cursor_gap")
    }

    @Test func `two stories of one position are found`() {
        let found = code { history in
            let index = history.lastIndex {
                if case .answered(_, _, _, _, let seen, _) = $0.record {
                    !seen.isEmpty
                } else {
                    false
                }
            }
            guard let index,
                case .answered(
                    let device, let request, let status, let epoch, var seen, let fates) =
                    history[index].record
            else { return }
            seen[0].nonce ^= 1
            let forged = Record.answered(
                device: 1 - device, request: request, status: status, epoch: epoch, seen,
                fates: fates)
            history.insert(Stamped(at: history[index].at, record: forged), at: index + 1)
        }
        #expect(found == "two_logs")
    }

    @Test func `a change that was judged twice is found`() {
        let edits = Self.edits(Self.sound)
        let found = code { history in
            guard let index = logged(history, { edits.contains($0.nonce) }),
                case .logged(_, let first) = history[index].record
            else { return }
            change(&history, where: { edits.contains($0.nonce) && $0.nonce != first.nonce }) {
                $0.nonce = first.nonce
            }
        }
        #expect(found == "judged_twice")
    }

    @Test func `a change that vanished is found`() {
        let edits = Self.edits(Self.sound)
        let found = code { history in
            change(&history, where: { edits.contains($0.nonce) }) { $0.nonce ^= 0xFFFF }
        }
        #expect(found == "vanished")
    }

    @Test func `an edit that was refused without a reason is found`() {
        let edits = Self.edits(Self.sound)
        let found = code { history in
            change(&history, where: { edits.contains($0.nonce) }) { $0.outcome = "limit" }
        }
        #expect(found == "edit_refused")
    }

    @Test func `a forbidden edit that was accepted is found`() {
        let forbidden = Set(
            Self.sound.compactMap {
                if case .acted(_, _, .forbidden, let nonce, _, _) = $0.record { nonce } else { nil }
            })
        let found = code { history in
            change(&history, where: { forbidden.contains($0.nonce) }) { $0.outcome = "accepted" }
        }
        #expect(found == "forbidden_accepted")
    }

    @Test func `an effect before its cause is found`() {
        let found = code { history in
            var causes: [UInt64: [UInt64]] = [:]
            for case .acted(_, _, .edit, let nonce, let writes, _) in history.map(\.record) {
                causes[nonce] = writes.flatMap(\.saw)
            }
            let indices = history.indices.filter { logged([history[$0]]) != nil }
            for late in indices.reversed() {
                guard case .logged(_, let effect) = history[late].record,
                    let early = indices.first(where: {
                        if case .logged(_, let seen) = history[$0].record {
                            causes[effect.nonce]?.contains(seen.nonce) ?? false
                        } else {
                            false
                        }
                    }), case .logged(let customer, var cause) = history[early].record
                else { continue }
                var moved = effect
                swap(&moved.position, &cause.position)
                history[early].record = .logged(customer: customer, moved)
                history[late].record = .logged(customer: customer, cause)
                return
            }
        }
        #expect(found == "effect_first")
    }

    /// Changes what devices show; only the last of them, or all.
    private func show(
        _ history: inout [Stamped], all: Bool,
        _ change: (inout [UInt8], inout [Record.Cell], inout [Record.Shown]) -> Void
    ) {
        for index in history.indices.reversed() {
            guard
                case .shows(let device, let customer, var digest, var cells, var orders) =
                    history[index].record
            else { continue }
            change(&digest, &cells, &orders)
            history[index].record = .shows(
                device: device, customer: customer, digest: digest, cells: cells, orders: orders)
            if !all { return }
        }
    }

    @Test func `a device that shows something else is found`() {
        #expect(code { show(&$0, all: false) { digest, _, _ in digest[0] ^= 1 } } == "diverged")
        let other = code { show(&$0, all: false) { _, _, orders in orders.removeLast() } }
        #expect(other == "orders_diverged")
    }

    @Test func `what is gone, what is back and what nobody wrote is found`() {
        #expect(code { show(&$0, all: true) { _, cells, _ in cells.removeLast() } } == "lost")
        let back = code { history in
            var dot: Record.Cell?
            let edits = Self.edits(history)
            var live: Set<Dot> = []
            for case .shows(_, _, _, let cells, _) in history.map(\.record) {
                live.formUnion(cells.map(\.dot))
            }
            guard
                let index = logged(
                    history, { edits.contains($0.nonce) && !live.contains($0.dot) }),
                case .logged(_, let seen) = history[index].record
            else { return }
            show(&history, all: true) { _, cells, _ in
                dot = cells.first
                if var cell = dot {
                    cell.dot = seen.dot
                    cells.append(cell)
                }
            }
        }
        #expect(back == "resurrected")
        let made = code { history in
            show(&history, all: true) { _, cells, _ in
                cells[0].dot = Dot(cells[0].dot.replica, 10_000)
            }
        }
        #expect(made == "made_up")
    }

    @Test func `a quantity that is not what its changes add up to is found`() {
        let found = code { history in
            for index in history.indices {
                guard
                    case .counts(let device, let customer, var quantities) = history[index].record,
                    let key = quantities.keys.min()
                else { continue }
                quantities[key, default: 0] += 1
                history[index].record = .counts(
                    device: device, customer: customer, quantities)
                return
            }
        }
        #expect(found == "miscounted")
    }

    @Test func `an order that was handed over twice, or by nobody, is found`() {
        let twice = code { history in
            let index = history.firstIndex {
                if case .counter(_, "handover", _, 200) = $0.record { true } else { false }
            }
            guard let index else { return }
            history.insert(history[index], at: index + 1)
        }
        #expect(twice == "handed_over_twice")
        let nobody = code { history in
            history.removeAll {
                if case .counter(_, "handover", _, 200) = $0.record { true } else { false }
            }
        }
        #expect(nobody == "hand_over_unknown")
    }

    @Test func `a line that two orders have is found`() {
        let found = code { history in
            let accepted = Set(
                history.compactMap { stamped -> Nonce? in
                    guard case .logged(_, let seen) = stamped.record else { return nil }
                    return seen.outcome == "accepted" ? seen.nonce : nil
                })
            var placed: [(index: Int, writes: [Record.Write])] = []
            for (index, stamped) in history.enumerated() {
                if case .acted(_, _, .place, let nonce, let writes, _) = stamped.record,
                    accepted.contains(nonce), writes.contains(where: { !$0.saw.isEmpty })
                {
                    placed.append((index, writes))
                }
            }
            guard placed.count > 1,
                case .acted(let device, let customer, let act, let nonce, _, let order) =
                    history[placed[1].index].record
            else { return }
            history[placed[1].index].record = .acted(
                device: device, customer: customer, act, nonce,
                placed[1].writes + placed[0].writes, order: order)
        }
        #expect(found == "ordered_twice")
    }

    @Test func `an order that costs more than its customer was shown is found`() {
        let found = code { history in
            for (index, stamped) in history.enumerated() {
                guard case .priced(let order, let total) = stamped.record else { continue }
                history[index].record = .priced(order, total: total - 1)
            }
        }
        #expect(found == "dearer")
    }

    @Test func `a spend that was refused though it was set aside is found`() {
        func act(_ device: Int, _ act: Record.Act, _ nonce: Nonce) -> Record {
            .acted(device: device, customer: 0, act, nonce, [], order: nil)
        }
        func found(_ others: Record...) -> String? {
            let seen = Record.Seen(
                position: 1, dot: Dot(ReplicaID(1), 1), nonce: 7, outcome: "lease_expired")
            let spend = [act(0, .place, 7), .drew(7, [LeaseID(high: 0, low: 1)])]
            let records = spend + others + [.logged(customer: 0, seen)]
            return Checker.leasesAreHonoured(Facts(records.map { Stamped(at: 0, record: $0) }))?
                .code
        }
        #expect(found() == "lease_refused")
        let other: Record = .drew(8, [LeaseID(high: 0, low: 2)])
        #expect(found(act(1, .release, 8), other) == "lease_refused")
        let same: Record = .drew(8, [LeaseID(high: 0, low: 1)])
        #expect(found(act(1, .release, 8), same) == nil, "another device gave it back")
        #expect(found(.struck(.copied, device: 0)) == nil)
        #expect(found(.struck(.restored, device: nil)) == nil)
    }

    @Test func `a batch that is taken by a ticket of before is found`() {
        func found(_ batches: (shown: UInt64?, given: UInt64, Nonce)...) -> String? {
            let records = batches.map {
                Stamped(
                    at: 0,
                    record: .ticketed(
                        ReplicaID(1), epoch: 9, shown: $0.shown, given: $0.given, [$0.2]))
            }
            return Checker.ticketsNameOneWriter(Facts(records))?.code
        }
        #expect(found((nil, 1, 7), (1, 2, 8), (2, 3, 9)) == nil)
        #expect(found((nil, 1, 7), (1, 2, 8), (1, 2, 8), (2, 3, 9)) == nil, "sent again")
        #expect(found((nil, 1, 7), (1, 2, 8), (1, 3, 9)) == "old_ticket_taken")
        #expect(found((nil, 1, 7), (1, 2, 8), (1, 3, 8)) == "old_ticket_taken")
    }

    @Test func `what a store gave and nobody booked is found`() {
        let found = code { history in
            history.append(
                Stamped(
                    at: history.last?.at ?? 0,
                    record: .redeemed(customer: 0, source: "redemption:none", units: 60)))
        }
        #expect(found == "redeemed_unbooked")
    }

    @Test func `an order that cost less than it says is found`() {
        let found = code { history in
            // The latest: devices show its order still.
            let latest = history.firstIndex { Self.isOrderPaid($0.record) }
            guard let index = latest,
                case .entry(
                    let customer, let account, let kind, let reference, let source, let units) =
                    history[index].record
            else { return }
            history[index].record = .entry(
                customer: customer, account: account, kind: kind, reference: reference,
                source: source, units: units - 1)
        }
        #expect(found == "wrong_cost")
    }

    private func entry(_ history: [Stamped], _ kind: String) -> Int? {
        history.lastIndex {
            if case .entry(_, _, kind, _, _, _) = $0.record { true } else { false }
        }
    }

    @Test func `points that were given twice, lost or overspent are found`() {
        let twice = code { history in
            if let index = entry(history, "grant") { history.append(history[index]) }
        }
        #expect(twice == "entry_twice")
        let lost = code { history in
            if let index = entry(history, "grant") { history.remove(at: index) }
        }
        #expect(lost == "gift_count")
        let overspent = code { history in
            guard let index = entry(history, "spend") ?? entry(history, "expire"),
                case .entry(let customer, let account, let kind, let reference, let source, _) =
                    history[index].record
            else { return }
            history[index].record = .entry(
                customer: customer, account: account, kind: kind, reference: reference,
                source: source, units: 1_000_000)
        }
        #expect(overspent == "negative")
    }

    @Test func `a stamp that is not when its change was made is found`() {
        let edits = Self.edits(Self.sound)
        for error: Int64 in [-800, 800] {
            let found = code { history in
                // The last one: no other has seen it.
                change(&history, where: { edits.contains($0.nonce) && $0.outcome == "accepted" }) {
                    $0.stamp = Timestamp(
                        milliseconds: UInt64(Int64($0.stamp.milliseconds) + error))
                }
            }
            #expect(found == "stamped_wrong" || found == "stamped_before_cause")
        }
    }

    @Test func `a stamp that is no later than that of its cause is found`() {
        let found = code { history in
            var stamps: [UInt64: Timestamp] = [:]
            var causes: [UInt64: [UInt64]] = [:]
            for stamped in history {
                switch stamped.record {
                case .logged(_, let seen): stamps[seen.nonce] = seen.stamp
                case .acted(_, _, _, let nonce, let writes, _):
                    causes[nonce] = writes.flatMap(\.saw)
                default: break
                }
            }
            func cause(_ seen: Record.Seen) -> Timestamp? {
                causes[seen.nonce]?.compactMap { stamps[$0] }.max()
            }
            change(&history, where: { $0.outcome == "accepted" && cause($0) != nil }) {
                $0.stamp = cause($0) ?? $0.stamp
            }
        }
        #expect(found == "stamped_before_cause")
    }

    @Test func `what was sold out, and is in an order, is found`() throws {
        let accepted = Set(
            Self.sound.compactMap {
                if case .logged(_, let seen) = $0.record, seen.outcome == "accepted" {
                    seen.nonce
                } else {
                    nil
                }
            })
        let index = try #require(
            Self.sound.firstIndex {
                guard case .acted(_, _, .place, let nonce, let writes, _) = $0.record else {
                    return false
                }
                return accepted.contains(nonce) && !writes.isEmpty
            })
        guard case .acted(_, _, _, _, let writes, _) = Self.sound[index].record else { return }
        let sku = try #require(writes.first).key.item.text.prefix { $0 != "|" }
        func say(_ isOut: Bool, _ status: Int) -> Stamped {
            Stamped(
                at: Self.sound[index].at,
                record: .availability(sku: String(sku), isOut: isOut, status: status))
        }
        #expect(code { $0.insert(say(true, 200), at: index) } == "sold_out_sold")
        #expect(code { $0.insert(say(true, 503), at: index) } == nil, "nobody was told so")
        let again = code { $0.insert(contentsOf: [say(true, 200), say(false, 0)], at: index) }
        #expect(again == nil, "and it may be there again")
    }
}
