import ToteCore

/// Overspends that are planted on purpose: the model must find each.
enum LeasePlant: String, CaseIterable {
    /// A grant that is sent again gives again.
    case grantsTwice
    /// A return names an amount, and that is what comes back.
    case returnNamesAmount
    /// The server takes a device's lease back at `stop_at`, without grace.
    case freesDevicesAtStop
    /// The server takes a store's lease back at `stop_at`, without a watermark.
    case freesStoresAtStop
    /// The redeemer gives goods before its disk has what it took.
    case handsOverFirst
    /// What a fork sends again is not looked up by its nonce.
    case forgetsNonces
    /// A sealed lease is renewed.
    case renewsSealed
    /// A late spend is accepted although nothing pays for it.
    case paysFromNothing
    /// A redeemer whose disk was restored takes leases of before.
    case takesOlder
    /// A refund that is asked for twice comes back twice.
    case refundsTwice
    /// A phone does not count what it spent and has not sent yet.
    case ignoresQueue
    /// A watermark overtakes the redemptions before it.
    case watermarkFirst
    /// A renewal can lower what was granted.
    case renewalLowers
    /// The redeemer goes on taking a lease that it gave back.
    case takesReturned
    /// A renewed lease counts anew at the redeemer.
    case countsAnew
    /// A promise is sent and not kept.
    case breaksPromise
}

/// How often what can happen happens in one history: the search ends because of them.
struct LeaseBounds {
    var requests: UInt8 = 3
    var spends: UInt8 = 2
    var takes: UInt8 = 2
    var copies: UInt8 = 1
    /// How many replies and disks may be lost, leases revoked or written off.
    var troubles: UInt8 = 1
}

/// The tables of one search and the fault that is planted in it.
struct LeaseShell {
    let accounts = AccountTable()
    let registers = RegisterTable()
    let plant: LeasePlant?
    let bounds: LeaseBounds

    init(plant: LeasePlant?, bounds: LeaseBounds) {
        self.plant = plant
        self.bounds = bounds
    }
}

// What the server does with what streams bring: the part of `LedgerBook` and `Judge` that matters
// here, around the production rules.
extension LeaseShell {
    /// A phone sends all that it has, and hears the answer unless that is lost.
    func exchange(_ index: Int, isLost: Bool, _ state: inout LeaseModel) {
        var phone = state.phones[index]
        let queue = phone.queue
        var log = state.logs[Int(phone.replica)]
        let isForked = queue.indices.contains { place in
            let position = Int(phone.acked) + place
            return position < log.count && log[position] >> 1 != UInt16(queue[place].nonce)
        }
        if isForked {
            phone.former = phone.replica
            phone.replica = UInt8(state.logs.count)
            phone.acked = 0
            state.logs.append([])
            log = []
        }
        state.phones[index] = phone
        if let former = phone.former, log.isEmpty, !queue.isEmpty {
            state.account = accounts.apply(.seal(former), to: state.account).account
            for lease in accounts.leases(state.account) where lease.isSealed {
                if state.sealed[lease.id] == nil { state.sealed[lease.id] = lease.granted }
            }
        }
        for (place, item) in queue.enumerated() where Int(phone.acked) + place >= log.count {
            let isAccepted = judge(item, from: index, &state)
            state.logs[Int(phone.replica)].append(UInt16(item.nonce) << 1 | (isAccepted ? 1 : 0))
        }
        if plant == .grantsTwice {
            for item in queue.prefix(log.count - Int(phone.acked)) where item.kind == .lease {
                again(item, &state)
            }
        }
        guard !isLost else { return }
        state.phones[index].acked = UInt8(state.logs[Int(phone.replica)].count)
        state.phones[index].queue = []
        state.phones[index].view = accounts.view(of: state.account)
    }

    private func again(_ item: LeaseModel.Item, _ state: inout LeaseModel) {
        state.account =
            accounts.apply(
                .raisedFromNothing(item.lease, item.amount), to: state.account
            ).account
    }

    private static func isFamily(_ left: UInt8, _ right: UInt8) -> Bool {
        (left == 1) == (right == 1)
    }

    private func judge(
        _ item: LeaseModel.Item, from index: Int, _ state: inout LeaseModel
    ) -> Bool {
        let phone = state.phones[index]
        if plant != .forgetsNonces || phone.former == nil {
            for (replica, log) in state.logs.enumerated()
            where Self.isFamily(UInt8(replica), phone.replica) {
                if let entry = log.first(where: { $0 >> 1 == UInt16(item.nonce) }) {
                    return entry & 1 == 1
                }
            }
        }
        switch item.kind {
        case .lease: return lease(item, from: phone, &state)
        case .release:
            guard let lease = accounts.lease(item.lease, in: state.account) else {
                return state.rows.contains(item.lease)
            }
            guard lease.holder & 0x80 == 0 else { return false }
            let rule: AccountTable.Rule =
                plant == .returnNamesAmount
                ? .creditedReturn(item.lease, item.amount) : .close(item.lease)
            state.account = accounts.apply(rule, to: state.account).account
            return true
        case .spend: return spend(item, from: phone, &state)
        case .redeem, .watermark: return false
        }
    }

    private func lease(
        _ item: LeaseModel.Item, from phone: LeaseModel.Phone, _ state: inout LeaseModel
    ) -> Bool {
        let open = accounts.lease(item.lease, in: state.account)
        if open == nil, state.rows.contains(item.lease) { return false }
        var holder = phone.replica
        if item.extra > 0 {
            let store = Int(item.extra) - 1
            let register = registers.registers[state.counters[store].register]
            holder = AccountTable.holder(ofStore: store, incarnation: register.incarnation)
        }
        var rule = AccountTable.Rule.lease(item.lease, holder: holder, item.amount, now: state.now)
        if plant == .renewsSealed, let open, open.isSealed {
            rule = .renewedThoughSealed(item.lease, item.amount, now: state.now)
        }
        if plant == .renewalLowers, let open, open.left > item.amount {
            rule = .lowered(item.lease, item.amount)
        }
        let outcome = accounts.apply(rule, to: state.account)
        guard outcome.isDone else { return false }
        state.account = outcome.account
        if open == nil {
            state.rows.append(item.lease)
            state.rows.sort()
        }
        return true
    }

    private func spend(
        _ item: LeaseModel.Item, from phone: LeaseModel.Phone, _ state: inout LeaseModel
    ) -> Bool {
        guard state.rows.contains(item.lease) else { return false }
        if state.spends.contains(where: { $0.nonce == item.nonce }) {
            state.fault = "a spend is honoured twice"
        }
        var outcome = accounts.apply(.spendBy(item.lease, item.amount), to: state.account)
        if !outcome.isDone, plant == .paysFromNothing {
            outcome = AccountTable.Outcome(account: state.account)
        }
        let isPromised =
            !phone.isCopied && state.now <= item.extra + UInt8(LeaseModel.terms.graceMilliseconds)
            && !state.revoked.contains(item.lease)
        if !outcome.isDone, isPromised {
            state.fault = "an honest phone's spend inside its lease is refused"
        }
        guard outcome.isDone else { return false }
        state.account = outcome.account
        state.spends.append(
            LeaseModel.Spend(nonce: item.nonce, parts: outcome.parts, amount: item.amount))
        return true
    }

    /// A redeemer sends what it has.
    func sync(_ index: Int, isLost: Bool, _ state: inout LeaseModel) {
        var queue = state.counters[index].queue
        // What overtakes goes alone: else nothing comes in between.
        if plant == .watermarkFirst { queue = Array(queue.prefix(1)) }
        for item in queue where !state.booked.contains(item.nonce) {
            state.booked.append(item.nonce)
            state.booked.sort()
            let incarnation =
                registers.registers[state.counters[index].register].incarnation
            let holder = AccountTable.holder(ofStore: index, incarnation: incarnation)
            switch item.kind {
            case .redeem:
                guard state.rows.contains(item.lease) else { continue }
                let closed = state.closed[item.lease]
                let outcome = accounts.apply(
                    .spendGiven(item.lease, item.amount, closed: closed ?? 0), to: state.account)
                state.account = outcome.account
                state.loss += outcome.loss
                if closed != nil { state.closed[item.lease] = outcome.closed }
            case .release:
                guard accounts.lease(item.lease, in: state.account)?.holder == holder else {
                    continue
                }
                close([LeaseModel.id(item.lease)], &state)
            case .watermark:
                let ended = accounts.accounts[state.account].reclaimable(
                    below: UInt64(item.extra), at: "\(index)", incarnation: incarnation)
                close(ended, &state)
            case .lease, .spend: continue
            }
        }
        if !isLost { state.counters[index].queue.removeFirst(queue.count) }
    }

    private func close(_ leases: [LeaseID], _ state: inout LeaseModel) {
        for lease in accounts.leases(state.account)
        where leases.contains(LeaseModel.id(lease.id)) {
            _ = close(lease.id, &state)
        }
    }

    /// - Returns: what the lease had left.
    func close(_ lease: UInt8, _ state: inout LeaseModel) -> UInt8 {
        let isStore = accounts.lease(lease, in: state.account).map { $0.holder & 0x80 != 0 }
        let outcome = accounts.apply(.close(lease), to: state.account)
        state.account = outcome.account
        if isStore ?? false { state.closed[lease] = outcome.closed }
        return outcome.rest
    }

    /// Time moves on, and the server does what is due.
    func advance(_ state: inout LeaseModel) {
        guard let next = LeaseModel.moments.first(where: { $0 > state.now }) else { return }
        state.now = next
        let grace = plant == .freesDevicesAtStop ? 0 : LeaseModel.terms.graceMilliseconds
        let account = accounts.accounts[state.account]
        var due = account.reclaimable(at: UInt64(next), grace: grace)
        if plant == .freesDevicesAtStop {
            due = account.leases.filter { $0.stopAt <= next && $0.holder.store == nil }.map(\.id)
        }
        if plant == .freesStoresAtStop {
            due += account.leases.filter { $0.stopAt <= next && $0.holder.store != nil }.map(\.id)
        }
        close(due, &state)
        state.account = accounts.apply(.settle(next), to: state.account).account
    }
}
