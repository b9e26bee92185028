internal import ToteCore

/// What the history of a day amounts to.
package enum Verdict: Sendable {
    case valid
    /// A promise is broken.
    case invalid(DayFailure)
    /// The history does not say: a day in which nobody met anybody proves nothing.
    case void(String)
}

/// Judges a history by rules that know nothing of the cores: every promise of the design is a
/// function of what users did and of what went over the wire.
package enum Checker {
    /// All promises, in the order in which a broken one explains those behind it.
    package static func verdict(on history: [Stamped]) -> Verdict {
        let facts = Facts(history)
        for rule in [
            cursorsHaveNoGap, allSeeOneLog, ticketsNameOneWriter, everyChangeHasOneFate,
            nothingVanishes,
            onlyWhatMayBe, causesComeFirst, stampsTellWhen, allShowTheSame,
            nothingIsLostOrDoubled, countsAddUp, ordersAreHandedOverOnce, ordersTakeEachCellOnce,
            soldOutIsNotSold, nobodyPaysMoreThanShown, leasesAreHonoured, giftsCountOnce,
            offersAreSharedOut,
            noBalanceIsNegative, ordersCostWhatTheySay, redemptionsCostWhatTheyGave,
        ] {
            if let failure = rule(facts) { return .invalid(failure) }
        }
        if let reason = facts.emptiness { return .void(reason) }
        return .valid
    }

    static func broken(_ code: String, _ message: String, _ proof: [Stamped] = []) -> DayFailure {
        DayFailure(kind: .wrong, code: code, message: message, proof: proof)
    }
}

/// The history, by what the rules ask for.
struct Facts {
    struct Change {
        var at: Int
        var device: Int
        var customer: Int
        var act: Record.Act
        var writes: [Record.Write]
        var order: OrderID?
        /// The index of the record in which its device was first told its fate.
        var toldAt: Int?
    }

    let history: [Stamped]
    var changes: [Nonce: Change] = [:]
    /// What each device was told, by epoch: the records' indices, in order.
    var answers: [Int: [Int]] = [:]
    /// The whole log of each customer at the end.
    var log: [Int: [Record.Seen]] = [:]
    /// Where devices lost what was on their disks.
    var losses: [(at: Int, device: Int)] = []
    /// Where the server went back to a backup.
    var restores: [Int] = []
    var copies = 0
    /// Which faults might strike.
    private(set) var rates: [Fault: Int] = [:]
    /// When each device was started anew, its uptime with it: indices of the history.
    private(set) var boots: [Int: [Int]] = [:]
    /// Changes that some device was told of as accepted, in whatever epoch.
    var onceAccepted: Set<Nonce> = []
    var gifts: [(customer: Int, units: Int64, reference: String)] = []
    private(set) var devices: Set<Int> = []

    init(_ history: [Stamped]) {
        self.history = history
        for (index, stamped) in history.enumerated() {
            switch stamped.record {
            case .acted(let device, let customer, let act, let nonce, let writes, let order):
                changes[nonce] = Change(
                    at: index, device: device, customer: customer, act: act, writes: writes,
                    order: order)
            case .answered(let device, _, _, _, let seen, let fates):
                for event in seen where event.outcome == "accepted" {
                    onceAccepted.insert(event.nonce)
                }
                answers[device, default: []].append(index)
                for nonce in fates where changes[nonce]?.toldAt == nil {
                    changes[nonce]?.toldAt = index
                }
            case .struck(.rolledBack, let device?), .struck(.reinstalled, let device?):
                losses.append((index, device))
            case .struck(.copied, _): copies += 1
            case .struck(.reboot, let device?), .struck(.powerLost, let device?):
                boots[device, default: []].append(index)
            case .began(_, _, let rates): self.rates = rates
            case .struck(.restored, _): restores.append(index)
            case .logged(let customer, let seen): log[customer, default: []].append(seen)
            case .gave(let customer, let units, let reference):
                gifts.append((customer, units, reference))
            case .shows(let device, _, _, _, _): devices.insert(device)
            default: break
            }
        }
    }

    /// Whether a change may be on no disk any more: its device's was lost before the server said
    /// that it has it, or the server went back since.
    func mayBeLost(_ change: Change) -> Bool {
        let lossesOfIt = losses.filter { $0.device == change.device && $0.at > change.at }
        guard let first = lossesOfIt.first else { return false }
        if !restores.isEmpty { return true }
        return change.toldAt.map { $0 > first.at } ?? true
    }

    /// Why the history proves nothing; `nil` when two devices wrote the same thing, or two counters
    /// reached for the same order.
    var emptiness: String? {
        if changes.isEmpty { return "nobody did anything" }
        if answers.isEmpty { return "nobody was answered" }
        struct Place: Hashable {
            var customer: Int
            var key: Key
        }
        var devices: [Place: Set<Int>] = [:]
        for change in changes.values where change.toldAt != nil {
            for write in change.writes {
                devices[Place(customer: change.customer, key: write.key), default: []]
                    .insert(change.device)
            }
        }
        if devices.values.contains(where: { $0.count > 1 }) { return nil }
        var hands: [OrderID: Set<Int>] = [:]
        for case .counter(let counter, "handover", let order, _) in history.map(\.record) {
            hands[order, default: []].insert(counter)
        }
        return hands.values.contains { $0.count > 1 } ? nil : "nobody met anybody"
    }
}
