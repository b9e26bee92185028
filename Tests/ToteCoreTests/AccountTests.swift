import Testing
import ToteCore

struct AccountTests {
    private static let first = LeaseID(high: 0, low: 1)
    private static let phone = Lease.Holder.device(ReplicaID(1))
    private static let wide = LeaseTerms(
        unitsMax: Amount.range.upperBound, share: 1_000, stopMilliseconds: 100,
        graceMilliseconds: 50)

    private func amount(_ units: Int64) throws -> Amount { try #require(Amount(units)) }

    /// An account of available lots, given as `(expires, units)`.
    private func account(_ lots: (UInt64?, Int64)...) throws -> Account {
        var account = Account()
        for (index, lot) in lots.enumerated() {
            _ = try account.grant(
                try amount(lot.1), for: "\(index)", due: 0, expires: lot.0, at: 0)
        }
        return account
    }

    private func lots(_ lots: (UInt64?, Int64)...) -> Lots {
        var sum = Lots()
        for lot in lots { sum.add(Lot(expires: lot.0, units: lot.1)) }
        return sum
    }

    // Lots.

    @Test func `the first to expire is spent first, what never expires last`() throws {
        var account = try account((nil, 5), (300, 5), (100, 5), (200, 5))
        #expect(try account.spend(try amount(7)) == lots((100, 5), (200, 2)))
        #expect(account.available == lots((200, 3), (300, 5), (nil, 5)))
    }

    @Test func `a refund comes back to the dates that the units had`() throws {
        var account = try account((100, 3), (200, 4), (nil, 2))
        let before = account.available
        let parts = try account.spend(try amount(8))
        account.refund(parts)
        #expect(account.available == before)
        #expect(account.totals.spent == 0)
    }

    @Test func `what is refunded after its date expires at once`() throws {
        var account = try account((100, 3), (nil, 2))
        let parts = try account.spend(try amount(4))
        _ = account.settle(at: 500)
        account.refund(parts)
        #expect(account.settle(at: 500).expired == 3)
        #expect(account.available == lots((nil, 2)))
    }

    @Test func `a lease ends before its first lot, which expires when it comes back`() throws {
        var account = try account((40, 3), (nil, 2))
        _ = try account.lease(
            Self.first, to: Self.phone, try amount(5), terms: Self.wide, at: 0)
        #expect(account.lease(Self.first)?.stopAt == 40)
        #expect(account.settle(at: 60).expired == 0, "what lies in a lease is its holder's")
        #expect(try account.spend(try amount(1), by: Self.first).parts == lots((40, 1)))
        #expect(account.close(Self.first)?.rest == lots((40, 2), (nil, 2)))
        #expect(account.settle(at: 60).expired == 2)
    }

    @Test func `a renewal takes no lot that would end the lease sooner`() throws {
        var account = try account((150, 3))
        _ = try account.lease(
            Self.first, to: Self.phone, try amount(2), terms: Self.wide, at: 0)
        _ = try account.grant(try amount(9), for: "late", due: 0, expires: 90, at: 10)
        let more = try account.lease(
            Self.first, to: Self.phone, try amount(9), terms: Self.wide, at: 20)
        #expect(more == 1)
        #expect(account.lease(Self.first)?.stopAt == 120)
        #expect(account.available == lots((90, 9)))
    }

    // Leases.

    @Test func `a grant that comes twice gives once, a smaller one takes nothing away`() throws {
        var account = try account((nil, 9))
        let terms = Self.wide
        _ = try account.lease(Self.first, to: Self.phone, try amount(5), terms: terms, at: 0)
        let before = account
        for units: Int64 in [5, 5, 2, 1] {
            #expect(
                try account.lease(
                    Self.first, to: Self.phone, try amount(units), terms: terms, at: 0) == 0)
        }
        #expect(account == before)
    }

    @Test func `a sealed lease pays, and is neither renewed nor given to another`() throws {
        var account = try account((nil, 9))
        _ = try account.lease(Self.first, to: Self.phone, try amount(5), terms: Self.wide, at: 0)
        #expect(account.seal { $0 == Self.phone } == [Self.first])
        #expect(account.seal { $0 == Self.phone } == [], "it is sealed once")
        let before = account
        for holder in [Self.phone, .device(ReplicaID(2)), .store("s", incarnation: 1)] {
            #expect(throws: LedgerRefusal.leaseNotHeld) {
                try account.lease(
                    Self.first, to: holder, Amount(6) ?? before.one, terms: Self.wide, at: 0)
            }
        }
        #expect(account == before)
        #expect(try account.spend(try amount(6), by: Self.first).byLease == 5)
    }

    @Test func `the programme bounds what all leases hold together`() throws {
        var account = try account((nil, 1_001))
        let terms = LeaseTerms(unitsMax: 400, share: 500)
        #expect(account.leasable(terms) == 400)
        #expect(account.leasable(LeaseTerms(unitsMax: 4_000, share: 500)) == 500)
        _ = try account.lease(Self.first, to: Self.phone, try amount(999), terms: terms, at: 0)
        #expect(account.held == 400)
        #expect(throws: LedgerRefusal.leaseDenied) {
            try account.lease(
                LeaseID(high: 0, low: 2), to: Self.phone, Amount(1) ?? account.one, terms: terms,
                at: 0)
        }
    }

    @Test func `a late spend is paid in full by what is available, or not at all`() throws {
        var account = try account((nil, 5))
        #expect(try account.spend(try amount(5), by: Self.first).byLease == 0)
        account.refund(lots((nil, 5)))
        #expect(throws: LedgerRefusal.leaseExpired) {
            try account.spend(Amount(6) ?? account.one, by: Self.first)
        }
        #expect(throws: LedgerRefusal.leaseExpired) {
            try account.spend(Amount(3) ?? account.one, by: Self.first, withheld: 3)
        }
        #expect(account.available.total == 5)
    }

    @Test func `given goods are booked, and what nothing covers is the retailer's`() throws {
        var account = try account((nil, 9))
        _ = try account.lease(
            Self.first, to: .store("s", incarnation: 1), try amount(6), terms: Self.wide, at: 0)
        var given = account.spendGiven(try amount(2), by: Self.first)
        #expect((given.parts.total, given.loss) == (2, 0))
        #expect(given.lease.redeemed == 2)
        let closed = account.close(Self.first)
        _ = try account.spend(try amount(4))
        given = account.spendGiven(try amount(4), by: Self.first, closed: closed)
        #expect((given.parts.total, given.loss) == (3, 1))
        #expect(account.totals.spent == 9)
    }

    @Test func `what matures at one moment is one lot, and is read back as written`() throws {
        var account = Account()
        for (reference, due) in [("a", 20), ("b", 10), ("c", 20)] as [(String, UInt64)] {
            _ = try account.grant(try amount(5), for: reference, due: due, expires: nil, at: 0)
        }
        let summary = AccountSummary(account, name: .points)
        #expect(summary.maturing == [Lot(expires: 10, units: 5), Lot(expires: 20, units: 10)])
        #expect(AccountSummary(summary.value, name: .points) == summary)
    }

    @Test func `a customer never pays more for goods than the lease was given`() throws {
        var account = try account((nil, 20))
        _ = try account.lease(
            Self.first, to: .store("s", incarnation: 1), try amount(3), terms: Self.wide, at: 0)
        var given = account.spendGiven(try amount(5), by: Self.first)
        #expect((given.parts.total, given.loss) == (3, 2))
        var closed = account.close(Self.first)
        given = account.spendGiven(try amount(1), by: Self.first, closed: closed)
        #expect((given.parts.total, given.loss) == (0, 1))
        closed?.redeemed = 1
        given = account.spendGiven(try amount(9), by: Self.first, closed: closed)
        #expect((given.parts.total, given.loss) == (2, 7))
        #expect(account.available.total == 15)
    }

    @Test func `leases are taken back past the grace, and a store's by its watermark`() throws {
        var account = try account((nil, 9))
        let store = Lease.Holder.store("s", incarnation: 7)
        _ = try account.lease(Self.first, to: Self.phone, try amount(2), terms: Self.wide, at: 0)
        let second = LeaseID(high: 0, low: 2)
        _ = try account.lease(second, to: store, try amount(2), terms: Self.wide, at: 0)
        #expect(account.reclaimable(at: 150, grace: 50) == [])
        #expect(account.reclaimable(at: 151, grace: 50) == [Self.first])
        #expect(account.reclaimable(below: 99, at: "s", incarnation: 7) == [])
        #expect(account.reclaimable(below: 100, at: "s", incarnation: 7) == [second])
        #expect(account.reclaimable(below: 100, at: "s", incarnation: 8) == [])
        #expect(account.reclaimable(below: 100, at: "t", incarnation: 7) == [])
    }

    // Debt.

    @Test func `policies decide what is taken back, and what becomes debt`() throws {
        let expected: [Account.TakeBackPolicy: (taken: Int64, debt: Int64)] = [
            .onlyPending: (2, 0), .withinBalance: (5, 4), .debt: (5, 5),
        ]
        for policy in Account.TakeBackPolicy.allCases {
            var account = try account((nil, 7))
            _ = try account.lease(
                Self.first, to: Self.phone, try amount(4), terms: Self.wide, at: 0)
            _ = try account.grant(try amount(2), for: "order", due: 50, expires: nil, at: 0)
            let result = account.takeBack(
                try amount(10), earnedFor: "order", policy: policy)
            #expect(result.taken == expected[policy]?.taken, "\(policy)")
            #expect(result.debt == expected[policy]?.debt, "\(policy)")
            #expect(account.held == 4, "what lies in a lease stays its holder's")
        }
    }

    @Test func `later grants pay debt first, and the balance is never below 0`() throws {
        var account = try account((nil, 3))
        _ = account.takeBack(try amount(10), earnedFor: "order", policy: .debt)
        #expect(account.debt == 7)
        #expect(
            try account.grant(try amount(5), for: "a", due: 0, expires: nil, at: 0) == 5)
        #expect(account.available.isEmpty)
        #expect(
            try account.grant(try amount(5), for: "b", due: 0, expires: nil, at: 0) == 2)
        #expect(account.available.total == 3)
        #expect(account.debt == 0)
        #expect(account.totals.debtPaid == 7)
    }

    // Numbers.

    @Test(arguments: [Int64.min, -1, 0, 1_000_000_001, 1 << 53, Int64.max])
    func `what is no amount does not parse`(units: Int64) throws {
        #expect(Amount(units) == nil)
        let lease = LeaseIntent(
            lease: Self.first, account: .points, amount: try amount(1)
        ).value
        guard case .map(let entries) = lease else { return }
        let forged = Value.map(
            entries.map { $0.name == "amount" ? Value.Entry("amount", .int(units)) : $0 })
        #expect(throws: IntentError.self) { try Intent(forged) }
    }

    @Test func `fractions and texts are no amounts`() {
        let lease = Self.first.text
        for amount in ["1.5", "1e3", "\"1\"", "null", "-0.0", "[1]"] {
            let text =
                #"{"kind":"lease","lease":"\#(lease)","account":"points","amount":\#(amount)}"#
            #expect(throws: (any Error).self, "\(amount)") {
                try Intent(try Encoding.json.value(Array(text.utf8)))
            }
        }
    }

    @Test func `the greatest amounts are counted exactly, up to what a number holds`() throws {
        var account = Account()
        let most = try amount(Amount.range.upperBound)
        var granted: Int64 = 0
        while granted + most.units <= Limits.integerMax, granted < 20 * most.units {
            _ = try account.grant(most, for: "a", due: 0, expires: nil, at: 0)
            granted += most.units
        }
        #expect(account.available.total == granted)
        let parts = try account.spend(most)
        #expect(parts.total == most.units)
        let held = try account.lease(
            Self.first, to: Self.phone, most, terms: LeaseTerms(unitsMax: .max >> 12), at: 0)
        #expect(held == most.units)
        // Near the greatest total that a number holds.
        var totals = Account.Totals()
        totals.granted = Limits.integerMax - 5
        totals.spent = Limits.integerMax - 5
        var full = Account(
            totals: totals, debt: 0, available: Lots(), pending: [], leases: [])
        #expect(throws: LedgerRefusal.amountOutOfRange) {
            try full.grant(most, for: "b", due: 0, expires: nil, at: 0)
        }
        #expect(throws: LedgerRefusal.amountOutOfRange) {
            try full.grant(Amount(6) ?? most, for: "b", due: 0, expires: nil, at: 0)
        }
        #expect(try full.grant(try amount(5), for: "b", due: 0, expires: nil, at: 0) == 0)
        full.refund(lots((nil, Limits.integerMax - 5)))
        #expect(full.leasable(LeaseTerms(unitsMax: .max)) == Limits.integerMax / 2)
        #expect(full.balance == Limits.integerMax)
    }

    @Test func `refusals change nothing`() throws {
        var account = try account((50, 2), (nil, 1))
        _ = try account.lease(Self.first, to: Self.phone, try amount(1), terms: Self.wide, at: 0)
        let before = account
        #expect(throws: LedgerRefusal.balanceTooLow) { try account.spend(try amount(3)) }
        #expect(throws: LedgerRefusal.balanceTooLow) {
            try account.spend(try amount(2), withheld: 1)
        }
        #expect(throws: LedgerRefusal.balanceTooLow) {
            try account.spend(try amount(4), by: Self.first)
        }
        #expect(throws: LedgerRefusal.balanceTooLow) {
            try account.spend(try amount(3), by: Self.first, withheld: 1)
        }
        #expect(throws: LedgerRefusal.balanceTooLow) { try account.writeOff(try amount(3)) }
        #expect(account.close(LeaseID(high: 0, low: 9)) == nil)
        #expect(account == before)
    }

    @Test func `a refund of more than was spent stops the process`() async {
        await #expect(processExitsWith: .failure) {
            var account = Account()
            var lots = Lots()
            lots.add(Lot(expires: nil, units: 1))
            account.refund(lots)
        }
    }
}

extension Account {
    /// Where a test needs any amount that is one.
    fileprivate var one: Amount {
        guard let amount = Amount(1) else { preconditionFailure("1 is an amount") }
        return amount
    }
}
