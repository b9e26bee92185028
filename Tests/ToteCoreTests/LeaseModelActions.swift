import ToteCore

/// What can happen in the model.
enum LeaseAction: Hashable, CustomStringConvertible {
    /// A phone asks for a lease, or for more of the one that it has; for itself or for a store.
    case request(phone: Int, store: Int?, UInt8, isLost: Bool)
    /// A phone spends by its lease without a network.
    case spend(phone: Int, lease: UInt8, UInt8)
    case send(phone: Int, isLost: Bool)
    case giveBack(phone: Int, lease: UInt8, isLost: Bool)
    /// Somebody copies the first phone.
    case copy
    /// The customer takes back a lease of a phone, with the other one.
    case revoke(lease: UInt8)
    /// Points are spent at a counter that is online.
    case spendOnline(UInt8)
    case refund(spend: Int)
    /// A redeemer that is cut off takes a phone's code.
    case take(store: Int, phone: Int, lease: UInt8, UInt8)
    /// The same, and the power fails before the goods are over the counter.
    case takeAndFail(store: Int, phone: Int, lease: UInt8, UInt8)
    case sync(store: Int, isLost: Bool)
    /// The redeemer promises to take no lease that ends by now, as the server proposed.
    case promise(store: Int)
    /// The redeemer gives a lease back that the server asks for.
    case returnLease(store: Int, lease: UInt8)
    /// Somebody makes an image of the redeemer's disk.
    case image(store: Int)
    /// The disk goes back to its image, or is empty; the redeemer notices, and enrols anew.
    case restore(store: Int)
    case writeOff(lease: UInt8)
    case advance

    /// Whether it is not the rule.
    var isTrouble: Bool {
        switch self {
        case .request(_, _, _, let isLost), .send(_, let isLost), .giveBack(_, _, let isLost),
            .sync(_, let isLost):
            isLost
        case .revoke, .takeAndFail, .restore, .writeOff: true
        case .copy, .spend, .spendOnline, .refund, .take, .promise, .returnLease, .image, .advance:
            false
        }
    }

    /// Whether anything can go wrong because of it within so many further steps. What stays on a
    /// phone or a disk is seen when it is sent; a copy does at its first step what its twin could.
    func canMatter(_ further: Int, _ state: LeaseModel) -> Bool {
        switch self {
        case .spend, .promise, .returnLease, .restore: further >= 1
        case .copy, .image: further >= 2
        case .send(let phone, _): further >= 1 || !state.phones[phone].queue.isEmpty
        default: true
        }
    }

    private static let phones = ["phone 1", "phone 2", "the copy"]

    var description: String {
        func lost(_ isLost: Bool) -> String { isLost ? ", its reply is lost" : "" }
        switch self {
        case .request(let phone, let store, let units, let isLost):
            let place = store.map { "for store \($0 + 1)" } ?? "for itself"
            return "\(Self.phones[phone]) asks for \(units) \(place)\(lost(isLost))"
        case .spend(let phone, let lease, let units):
            return "\(Self.phones[phone]) spends \(units) offline by lease \(lease)"
        case .send(let phone, let isLost): return "\(Self.phones[phone]) sends\(lost(isLost))"
        case .giveBack(let phone, let lease, let isLost):
            return "\(Self.phones[phone]) gives lease \(lease) back\(lost(isLost))"
        case .copy: return "phone 1 is copied"
        case .revoke(let lease): return "lease \(lease) is revoked"
        case .spendOnline(let units): return "\(units) are spent online"
        case .refund(let spend): return "spend \(spend + 1) is refunded"
        case .take(let store, let phone, let lease, let units):
            return "store \(store + 1) takes \(units) by lease \(lease) from \(Self.phones[phone])"
        case .takeAndFail(let store, let phone, let lease, let units):
            return "store \(store + 1) takes \(units) by lease \(lease) from "
                + "\(Self.phones[phone]); power fails"
        case .sync(let store, let isLost): return "store \(store + 1) syncs\(lost(isLost))"
        case .promise(let store): return "store \(store + 1) promises a watermark"
        case .returnLease(let store, let lease):
            return "store \(store + 1) gives lease \(lease) back"
        case .image(let store): return "store \(store + 1)'s disk is imaged"
        case .restore(let store): return "store \(store + 1)'s disk is restored"
        case .writeOff(let lease): return "the operator writes lease \(lease) off"
        case .advance: return "time moves on"
        }
    }
}

extension LeaseShell {
    /// A view of a phone's own lease that it may spend by, as far as it knows.
    private func own(_ phone: LeaseModel.Phone) -> AccountTable.LeaseView? {
        accounts.views[phone.view].first { $0.holder == phone.replica }
    }

    /// The holder's fold: what the server said was left, without what the own stream holds since.
    private func left(_ lease: AccountTable.LeaseView, _ phone: LeaseModel.Phone) -> UInt8 {
        if phone.queue.contains(where: { $0.kind == .release && $0.lease == lease.id }) {
            return 0
        }
        guard plant != .ignoresQueue else { return lease.left }
        let queued = phone.queue.reduce(UInt8(0)) {
            $0 + ($1.kind == .spend && $1.lease == lease.id ? $1.amount : 0)
        }
        return lease.left - min(lease.left, queued)
    }

    private static func store(_ lease: AccountTable.LeaseView) -> Int? {
        lease.holder & 0x80 == 0 ? nil : Int(lease.holder >> 4 & 7)
    }

    /// All that can happen in a state.
    func actions(_ state: LeaseModel) -> [LeaseAction] {
        var actions: [LeaseAction] = []
        for index in state.phones.indices { actions += phoneActions(index, state) }
        for index in state.counters.indices { actions += counterActions(index, state) }
        if state.phones.count == 2, bounds.copies > 0 { actions.append(.copy) }
        for lease in accounts.leases(state.account) {
            if lease.holder & 0x80 == 0 {
                if !state.revoked.contains(lease.id) { actions.append(.revoke(lease: lease.id)) }
            } else if state.writeOffs == 0 {
                actions.append(.writeOff(lease: lease.id))
            }
        }
        let available = accounts.accounts[state.account].available.total
        if state.spentOnline == 0, available > 0 {
            actions.append(.spendOnline(UInt8(available)))
        }
        let refundsMax = plant == .refundsTwice ? 2 : 1
        for index in state.spends.indices where state.spends[index].refunds < refundsMax {
            actions.append(.refund(spend: index))
        }
        if state.now < LeaseModel.moments[LeaseModel.moments.count - 1] {
            actions.append(.advance)
        }
        return actions
    }

    private func phoneActions(_ index: Int, _ state: LeaseModel) -> [LeaseAction] {
        let phone = state.phones[index]
        var actions: [LeaseAction] = []
        let view = accounts.views[phone.view]
        let asked = phone.queue.filter { $0.kind == .lease }
        if state.phones.reduce(0, { $0 + $1.requests }) < bounds.requests {
            if !asked.contains(where: { $0.extra == 0 }) {
                for units in own(phone) == nil ? [UInt8(2)] : [1, 3] {
                    actions.append(.request(phone: index, store: nil, units, isLost: false))
                    actions.append(.request(phone: index, store: nil, units, isLost: true))
                }
            }
            for store in state.counters.indices
            where !asked.contains(where: { Int($0.extra) == store + 1 })
                && (store == 0 || state.isFirstStoreUsed)
            {
                let open = view.contains { Self.store($0) == store }
                for units in open ? [UInt8(1), 3] : [2] {
                    actions.append(.request(phone: index, store: store, units, isLost: false))
                    actions.append(.request(phone: index, store: store, units, isLost: true))
                }
            }
        }
        if let lease = own(phone) {
            if left(lease, phone) > 0 || !phone.queue.contains(where: { $0.kind == .release }) {
                actions.append(.giveBack(phone: index, lease: lease.id, isLost: false))
                actions.append(.giveBack(phone: index, lease: lease.id, isLost: true))
            }
            let left = left(lease, phone)
            if state.phones.reduce(0, { $0 + $1.spends }) < bounds.spends, left > 0,
                state.now < lease.stop
            {
                actions.append(.spend(phone: index, lease: lease.id, 1))
                if left > 1 { actions.append(.spend(phone: index, lease: lease.id, left)) }
            }
        }
        if !phone.queue.isEmpty {
            actions.append(.send(phone: index, isLost: false))
            actions.append(.send(phone: index, isLost: true))
        } else if phone.view != accounts.view(of: state.account) {
            actions.append(.send(phone: index, isLost: false))
        }
        return actions
    }

    private func counterActions(_ store: Int, _ state: LeaseModel) -> [LeaseAction] {
        let counter = state.counters[store]
        let register = registers.registers[counter.register]
        var actions: [LeaseAction] = []
        var shown: Set<AccountTable.LeaseView> = []
        for (index, phone) in state.phones.enumerated() {
            for lease in accounts.views[phone.view] where Self.store(lease) == store {
                // Two phones that show the same certificate are one to the counter.
                var certificate = lease
                certificate.left = 0
                guard shown.insert(certificate).inserted,
                    state.counters.reduce(0, { $0 + $1.takes }) < bounds.takes
                else { continue }
                let most = register.left(of: LeaseModel.id(lease.id), granted: Int64(lease.granted))
                for units in Set([1, plant == .countsAnew ? Int64(lease.granted) : most]).sorted()
                where units > 0 {
                    actions.append(
                        .take(store: store, phone: index, lease: lease.id, UInt8(units)))
                    if plant == .handsOverFirst {
                        actions.append(
                            .takeAndFail(store: store, phone: index, lease: lease.id, UInt8(units)))
                    }
                }
                if register.taken[LeaseModel.id(lease.id)] != .max {
                    actions.append(.returnLease(store: store, lease: lease.id))
                }
            }
        }
        if !counter.queue.isEmpty {
            actions.append(.sync(store: store, isLost: false))
            actions.append(.sync(store: store, isLost: true))
        }
        let isUsed = !register.taken.isEmpty || register.watermark > 0 || !counter.queue.isEmpty
        if register.watermark < UInt64(state.now), hasLease(store, state) {
            actions.append(.promise(store: store))
        }
        if isUsed, counter.restores == 0 {
            actions.append(.restore(store: store))
            if counter.image == nil { actions.append(.image(store: store)) }
        }
        return actions
    }

    private func hasLease(_ store: Int, _ state: LeaseModel) -> Bool {
        accounts.leases(state.account).contains { Self.store($0) == store }
    }

    /// The state after something happened; `nil` when it cannot happen.
    func after(_ action: LeaseAction, _ before: LeaseModel) -> LeaseModel? {
        var state = before
        switch action {
        case .request(let phone, let store, let units, let isLost):
            request(phone, store, units, &state)
            exchange(phone, isLost: isLost, &state)
        case .spend(let phone, let lease, let units):
            guard let view = own(state.phones[phone]) else { return nil }
            queue(.spend, lease, units, extra: view.stop, phone, &state)
            state.phones[phone].spends += 1
        case .send(let phone, let isLost): exchange(phone, isLost: isLost, &state)
        case .giveBack(let phone, let lease, let isLost):
            let units = own(state.phones[phone]).map { left($0, state.phones[phone]) } ?? 0
            queue(.release, lease, units, extra: 0, phone, &state)
            exchange(phone, isLost: isLost, &state)
        case .copy:
            state.phones[0].isCopied = true
            var copy = state.phones[0]
            copy.requests = 0
            copy.spends = 0
            state.phones.append(copy)
        case .revoke(let lease):
            state.account = accounts.apply(.close(lease), to: state.account).account
            state.revoked = (state.revoked + [lease]).sorted()
        case .spendOnline(let units):
            let outcome = accounts.apply(.spend(units), to: state.account)
            guard outcome.isDone else { return nil }
            state.account = outcome.account
            state.spentOnline += units
        case .refund(let index): return refunding(index, state)
        case .writeOff(let lease):
            state.writeOffs += 1
            state.excused += close(lease, &state)
        case .advance: advance(&state)
        default: return afterCounter(action, before)
        }
        return state
    }

    private func refunding(_ index: Int, _ before: LeaseModel) -> LeaseModel? {
        var state = before
        state.spends[index].refunds += 1
        guard before.spends[index].refunds == 0 || plant == .refundsTwice else { return state }
        let outcome = accounts.apply(.refund(before.spends[index].parts), to: state.account)
        state.account = outcome.account
        if before.spends[index].refunds > 0 { state.fault = "a spend comes back twice" }
        return state
    }

    private func queue(
        _ kind: LeaseModel.Item.Kind, _ lease: UInt8, _ units: UInt8, extra: UInt8, _ index: Int,
        _ state: inout LeaseModel
    ) {
        let nonce = state.freshNonce(of: index, registers)
        state.phones[index].queue.append(
            LeaseModel.Item(nonce: nonce, kind: kind, lease: lease, amount: units, extra: extra))
    }

    private func request(_ index: Int, _ store: Int?, _ units: UInt8, _ state: inout LeaseModel) {
        let phone = state.phones[index]
        let known =
            store.map { store in
                // Of a redeemer that was restored since, a lease cannot be renewed.
                let place = state.counters[store].register
                let incarnation = registers.registers[place].incarnation
                let holder = AccountTable.holder(ofStore: store, incarnation: incarnation)
                return accounts.views[phone.view].first { $0.holder == holder }
            } ?? own(phone)
        let lease = known?.id ?? state.freshNonce(of: index, registers)
        state.phones[index].requests += 1
        if store == 0 { state.isFirstStoreUsed = true }
        queue(.lease, lease, units, extra: store.map { UInt8($0) + 1 } ?? 0, index, &state)
    }
}

// What happens at the counters.
extension LeaseShell {
    fileprivate func afterCounter(_ action: LeaseAction, _ before: LeaseModel) -> LeaseModel? {
        var state = before
        switch action {
        case .take(let store, let phone, let lease, let units):
            guard take(store, phone, lease, units, &state) else { return nil }
        case .takeAndFail(let store, let phone, let lease, let units):
            guard take(store, phone, lease, units, &state) else { return nil }
            state.counters[store].register = before.counters[store].register
            state.counters[store].queue = before.counters[store].queue
        case .sync(let store, let isLost): sync(store, isLost: isLost, &state)
        case .promise(let store):
            if plant != .breaksPromise {
                change(store, &state) { $0.promise(UInt64(before.now)) }
            }
            record(.watermark, 0, 0, extra: before.now, store, &state)
            if plant == .watermarkFirst, let last = state.counters[store].queue.popLast() {
                state.counters[store].queue.insert(last, at: 0)
            }
        case .returnLease(let store, let lease):
            if plant != .takesReturned { change(store, &state) { $0.close(LeaseModel.id(lease)) } }
            record(.release, lease, 0, extra: 0, store, &state)
        case .image(let store):
            let counter = state.counters[store]
            state.counters[store].image = LeaseModel.Image(
                register: counter.register, queue: counter.queue)
        case .restore(let store): restore(store, &state)
        default: return nil
        }
        return state
    }

    private func change(
        _ store: Int, _ state: inout LeaseModel, _ body: (inout LeaseRegister) -> Void
    ) {
        let place = state.counters[store].register
        state.counters[store].register = registers.change(place) { body(&$0) } ?? place
    }

    private func record(
        _ kind: LeaseModel.Item.Kind, _ lease: UInt8, _ units: UInt8, extra: UInt8, _ store: Int,
        _ state: inout LeaseModel
    ) {
        let nonce = state.freshNonce(of: 4 + store, registers)
        state.counters[store].queue.append(
            LeaseModel.Item(nonce: nonce, kind: kind, lease: lease, amount: units, extra: extra))
    }

    private func take(
        _ store: Int, _ phone: Int, _ lease: UInt8, _ units: UInt8, _ state: inout LeaseModel
    ) -> Bool {
        guard
            let certificate = accounts.views[state.phones[phone].view].first(where: {
                $0.id == lease
            }), let amount = Amount(Int64(units))
        else { return false }
        let place = state.counters[store].register
        let own = registers.registers[place].incarnation
        let incarnation = plant == .takesOlder ? own : UInt64(certificate.holder & 0xF)
        var granted = Int64(certificate.granted)
        if plant == .countsAnew { granted += Int64(state.counters[store].given[lease] ?? 0) }
        // The worst of all clocks stands still: the watermark alone must be enough.
        let changed = registers.change(place) { register throws(LeaseRegister.Refusal) in
            try register.take(
                amount, of: LeaseModel.id(lease), granted: granted,
                stopAt: UInt64(certificate.stop), incarnation: incarnation, at: 0)
        }
        guard let changed else { return false }
        state.counters[store].register = changed
        state.counters[store].given[lease, default: 0] += units
        state.counters[store].takes += 1
        record(.redeem, lease, units, extra: 0, store, &state)
        return true
    }

    private func restore(_ store: Int, _ state: inout LeaseModel) {
        var counter = state.counters[store]
        counter.restores += 1
        let lost = registers.registers[counter.register]
        let image = counter.image.map { registers.registers[$0.register] }
        counter.queue = counter.image?.queue ?? []
        // It knows that it was restored: what it takes from now on is of another incarnation.
        counter.register = registers.place(
            LeaseRegister(
                incarnation: lost.incarnation + 1, taken: image?.taken ?? [:]))
        counter.image = nil
        state.counters[store] = counter
    }
}
