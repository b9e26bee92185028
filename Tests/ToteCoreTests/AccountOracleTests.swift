import Testing
import ToteCore

struct AccountOracleTests {
    /// A random history of one account, told to the account and to the oracle.
    private struct History {
        var random: SeededGenerator
        var account = Account()
        var oracle = AccountOracle()
        var spent: [Lots] = []
        private var closed: [LeaseID: Lease] = [:]
        var references = 0
        var now: UInt64 = 0
        let terms: LeaseTerms

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            terms = LeaseTerms(
                unitsMax: Int64(1 + random.below(30)), share: Int64(200 + random.below(9) * 100),
                stopMilliseconds: UInt64(5 + random.below(20)), graceMilliseconds: 5)
        }

        private mutating func amount() -> Amount {
            guard let amount = Amount(Int64(1 + random.below(random.chance(20) ? 40 : 8))) else {
                preconditionFailure("an amount is above 0")
            }
            return amount
        }

        private mutating func lease() -> LeaseID {
            if let open = account.leases.last, random.chance(70) {
                let count = account.leases.count
                return random.chance(50) ? open.id : account.leases[random.below(count)].id
            }
            return LeaseID(high: 7, low: UInt64(random.below(12)))
        }

        private func holder(_ id: LeaseID) -> Lease.Holder {
            id.text.utf8.last.map { $0 % 2 == 0 } ?? false
                ? .device(ReplicaID(1)) : .store("s", incarnation: 1)
        }

        /// - Returns: what the two disagree on.
        mutating func step() -> String? {
            now += UInt64(random.below(4))
            _ = account.settle(at: now)
            oracle.settle(now: now)
            let fault =
                switch random.below(4) {
                case 0: move()
                case 1: leaseOrClose()
                case 2: spendByLease()
                default: giveOrTake()
                }
            if let fault { return fault }
            if let fault = account.faults.first { return fault }
            account.checkInvariants()
            return oracle.difference(from: account)
        }

        private mutating func move() -> String? {
            let amount = amount()
            switch random.below(4) {
            case 0, 1:
                references += 1
                let due = random.chance(40) ? now + UInt64(random.below(10)) : now
                let expires = random.chance(70) ? now + 1 + UInt64(random.below(40)) : nil
                let reference = "r\(references)"
                _ = try? account.grant(
                    amount, for: reference, due: due, expires: expires, at: now)
                oracle.grant(amount.units, reference, due: due, expires: expires, now: now)
            case 2:
                let parts = try? account.spend(amount)
                if oracle.spend(amount.units) != (parts != nil) { return "a spend differs" }
                if let parts { spent.append(parts) }
            default:
                let parts = account.spendAvailable(upTo: amount)
                oracle.move(amount.units, from: .available, to: .spent)
                spent.append(parts)
            }
            return nil
        }

        private mutating func leaseOrClose() -> String? {
            let id = lease()
            switch random.below(5) {
            case 0:
                closed[id] = account.close(id) ?? closed[id]
                oracle.close(id)
            case 1:
                let ended = account.reclaimable(at: now, grace: terms.graceMilliseconds)
                for id in ended {
                    closed[id] = account.close(id) ?? closed[id]
                    oracle.close(id)
                }
            case 2:
                guard random.chance(20) else { return nil }
                for id in account.seal(heldBy: { $0 == .device(ReplicaID(1)) }) {
                    for index in oracle.leases.indices where oracle.leases[index].id == id {
                        oracle.leases[index].isSealed = true
                    }
                }
            default:
                let amount = amount()
                let given = try? account.lease(
                    id, to: holder(id), amount, terms: terms, at: now)
                let expected = oracle.lease(id, amount.units, terms, now: now)
                if given != expected {
                    return "a lease got \(String(describing: given)), "
                        + "the units say \(String(describing: expected))"
                }
            }
            return nil
        }

        private mutating func spendByLease() -> String? {
            let (id, amount) = (lease(), amount())
            if random.chance(60) {
                let parts = try? account.spend(amount, by: id).parts
                if oracle.spend(amount.units, by: id) != (parts != nil) { return "a spend differs" }
                if let parts { spent.append(parts) }
            } else {
                let open = account.lease(id)
                guard let before = open ?? closed[id] else { return nil }
                let given = account.spendGiven(amount, by: id, closed: closed[id])
                let most = before.granted - before.redeemed
                if oracle.spendGiven(amount.units, by: id, most: most) != given.loss {
                    return "a loss differs"
                }
                if open == nil { closed[id] = given.lease }
                spent.append(given.parts)
            }
            return nil
        }

        private mutating func giveOrTake() -> String? {
            switch random.below(3) {
            case 0:
                guard !spent.isEmpty else { return nil }
                let parts = spent.remove(at: random.below(spent.count))
                account.refund(parts)
                oracle.refund(parts)
            case 1:
                let reference = "r\(1 + random.below(max(1, references)))"
                let policy = random.pick(Account.TakeBackPolicy.allCases)
                let amount = amount()
                _ = account.takeBack(amount, earnedFor: reference, policy: policy)
                oracle.takeBack(amount.units, reference, policy)
            default:
                let amount = amount()
                guard (try? account.writeOff(amount)) != nil else { return nil }
                oracle.move(amount.units, from: .available, to: .writtenOff)
            }
            return nil
        }
    }

    /// The formula alone would hold for an account that moves the wrong units. The units would not.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `random histories of all rules agree with an account of single units`(block: UInt64) {
        for seed in block * 40..<block * 40 + 40 {
            var history = History(seed: seed)
            for step in 0..<80 {
                if let fault = history.step() {
                    Issue.record("seed \(seed), step \(step): \(fault)")
                    return
                }
            }
        }
    }
}
