import ToteCore

/// The states that the account can be in. A rule is run once for each state that it meets: the
/// search meets the same one in thousands of orders of events.
final class AccountTable {
    /// The production rules, as the model calls them.
    enum Rule: Hashable {
        case lease(UInt8, holder: UInt8, UInt8, now: UInt8)
        case spend(UInt8)
        case spendBy(UInt8, UInt8)
        /// `closed`: what the lease was granted, and above it four bits of what goods were given
        /// for, where it is not open.
        case spendGiven(UInt8, UInt8, closed: UInt8)
        case close(UInt8)
        case seal(UInt8)
        case refund(UInt8)
        case settle(UInt8)
        // Rules that a planted fault has in place of the right ones.
        case lowered(UInt8, UInt8)
        case raisedFromNothing(UInt8, UInt8)
        case creditedReturn(UInt8, UInt8)
        case renewedThoughSealed(UInt8, UInt8, now: UInt8)
    }

    struct Outcome {
        var account: Int
        var isDone = true
        var units: UInt8 = 0
        var loss: UInt8 = 0
        var parts: UInt8 = 0
        var rest: UInt8 = 0
        /// Of a store's lease that is closed, or was by this: as in `spendGiven`.
        var closed: UInt8 = 0
    }

    /// A lease as its customer's phones hear of it.
    struct LeaseView: Hashable {
        var id: UInt8
        var holder: UInt8
        var granted: UInt8
        var left: UInt8
        var stop: UInt8
        var isSealed: Bool
    }

    private struct Call: Hashable {
        var account: Int
        var rule: Rule
    }

    private(set) var accounts: [Account] = []
    /// What is wrong with each.
    private(set) var faults: [[String]] = []
    private(set) var views: [[LeaseView]] = []
    private var viewNames: [Names] = []
    private(set) var lots: [Lots] = []
    private var places: [Account: Int] = [:]
    private var viewOf: [Int] = []
    private var viewPlaces: [[LeaseView]: Int] = [:]
    private var known: [Call: Outcome] = [:]
    private(set) var start = 0

    init() {
        var account = Account()
        guard let one = Amount(1), let two = Amount(2),
            (try? account.grant(one, for: "a", due: 0, expires: 10, at: 0)) != nil,
            (try? account.grant(two, for: "b", due: 0, expires: nil, at: 0)) != nil
        else { preconditionFailure("the model's account takes no points") }
        start = place(account)
    }

    func view(of account: Int) -> Int { viewOf[account] }
    func names(in view: Int) -> Names { viewNames[view] }
    func leases(_ account: Int) -> [LeaseView] { views[viewOf[account]] }
    func lease(_ id: UInt8, in account: Int) -> LeaseView? {
        leases(account).first { $0.id == id }
    }

    /// Devices' holders are replica ids; of a store's, the high bit is set.
    static func holder(_ code: UInt8) -> Lease.Holder {
        code & 0x80 == 0
            ? .device(ReplicaID(UInt64(code) + 1))
            : .store("\(code >> 4 & 7)", incarnation: UInt64(code & 0xF))
    }

    static func holder(ofStore store: Int, incarnation: UInt64) -> UInt8 {
        0x80 | UInt8(store) << 4 | UInt8(incarnation)
    }

    private static func code(_ holder: Lease.Holder) -> UInt8 {
        switch holder {
        case .device(let replica): UInt8(replica.rawValue - 1)
        case .store(let name, let incarnation):
            self.holder(ofStore: Int(name) ?? 0, incarnation: incarnation)
        }
    }

    private static func closed(_ lease: Lease) -> UInt8 {
        UInt8(lease.granted) | UInt8(lease.redeemed) << 4
    }

    private func place(_ account: Account) -> Int {
        if let place = places[account] { return place }
        accounts.append(account)
        faults.append(account.faults)
        places[account] = accounts.count - 1
        let view = account.leases.map {
            LeaseView(
                id: UInt8($0.id.text.suffix(2), radix: 16) ?? 0, holder: Self.code($0.holder),
                granted: UInt8($0.granted), left: UInt8($0.rest.total), stop: UInt8($0.stopAt),
                isSealed: $0.isSealed)
        }
        if viewPlaces[view] == nil {
            viewPlaces[view] = views.count
            views.append(view)
            var names = Names()
            for lease in view { names.insert(lease.id) }
            viewNames.append(names)
        }
        viewOf.append(viewPlaces[view] ?? 0)
        return accounts.count - 1
    }

    private func place(_ parts: Lots) -> UInt8 {
        if let index = lots.firstIndex(of: parts) { return UInt8(index) }
        lots.append(parts)
        return UInt8(lots.count - 1)
    }

    func apply(_ rule: Rule, to place: Int) -> Outcome {
        let call = Call(account: place, rule: rule)
        if let outcome = known[call] { return outcome }
        var account = accounts[place]
        var outcome = Outcome(account: place)
        do throws(LedgerRefusal) {
            try run(rule, on: &account, &outcome)
            outcome.account = self.place(account)
        } catch {
            outcome.isDone = false
        }
        known[call] = outcome
        return outcome
    }

    private func amount(_ units: UInt8) -> Amount {
        guard let amount = Amount(Int64(units)) else { preconditionFailure("no amount: \(units)") }
        return amount
    }

    private func run(
        _ rule: Rule, on account: inout Account, _ outcome: inout Outcome
    ) throws(LedgerRefusal) {
        switch rule {
        case .lease(let id, let holder, let units, let now):
            _ = try account.lease(
                LeaseModel.id(id), to: Self.holder(holder), amount(units),
                terms: LeaseModel.terms, at: UInt64(now))
        case .spend(let units):
            outcome.parts = place(try account.spend(amount(units)))
        case .spendBy(let id, let units):
            outcome.parts = place(try account.spend(amount(units), by: LeaseModel.id(id)).parts)
        case .spendGiven(let id, let units, let closed):
            var gone = Lease(
                id: LeaseModel.id(id), holder: .store("", incarnation: 0),
                granted: Int64(closed & 0xF), rest: Lots(), stopAt: 0)
            gone.redeemed = Int64(closed >> 4)
            let given = account.spendGiven(amount(units), by: gone.id, closed: gone)
            outcome.units = UInt8(given.parts.total)
            outcome.loss = UInt8(given.loss)
            outcome.closed = Self.closed(given.lease)
        case .close(let id):
            guard let lease = account.close(LeaseModel.id(id)) else { return }
            outcome.rest = UInt8(lease.rest.total)
            outcome.closed = Self.closed(lease)
        case .seal(let replica):
            _ = account.seal { $0 == Self.holder(replica) }
        case .refund(let parts):
            // The production code stops the process here; a plant must live to be judged.
            guard lots[Int(parts)].total <= account.totals.spent else { throw .balanceTooLow }
            account.refund(lots[Int(parts)])
        case .settle(let now): _ = account.settle(at: UInt64(now))
        default: plant(rule, on: &account)
        }
    }

    /// Changes an account in ways in which it never may be changed.
    private func plant(_ rule: Rule, on account: inout Account) {
        var leases = account.leases
        var available = account.available
        func edit(_ id: UInt8, _ body: (inout Lease) -> Void) {
            guard let index = leases.firstIndex(where: { $0.id == LeaseModel.id(id) }) else {
                return
            }
            body(&leases[index])
        }
        switch rule {
        case .lowered(let id, let units):
            edit(id) { lease in
                let surplus = lease.rest.take(max(0, lease.rest.total - Int64(units)))
                lease.granted -= surplus.total
                available.add(surplus)
            }
        case .raisedFromNothing(let id, let units):
            edit(id) { lease in
                lease.granted += Int64(units)
                lease.rest.add(Lot(expires: nil, units: Int64(units)))
            }
        case .creditedReturn(let id, let units):
            leases.removeAll { $0.id == LeaseModel.id(id) }
            available.add(Lot(expires: nil, units: Int64(units)))
        case .renewedThoughSealed(let id, let units, let now):
            edit(id) { lease in
                let more = available.take(
                    max(0, Int64(units) - lease.rest.total), expiringFrom: UInt64(now))
                lease.rest.add(more)
                lease.granted += more.total
            }
        default: break
        }
        account = Account(
            totals: account.totals, debt: account.debt, available: available, pending: [],
            leases: leases)
    }
}
