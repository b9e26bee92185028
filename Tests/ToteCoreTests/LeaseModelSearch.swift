import ToteCore

/// Goes through everything that can happen in a model, the shortest histories first.
struct LeaseModelSearch {
    /// Who takes part: what is found with few of them is found sooner.
    enum Part: String, CaseIterable {
        case phones, counters, all

        func has(_ action: LeaseAction) -> Bool {
            switch action {
            case .request(_, let store, _, _):
                self == .all || (store == nil) == (self == .phones)
            case .spend, .giveBack, .revoke, .refund: self != .counters
            case .take, .takeAndFail, .sync, .promise, .returnLease, .image, .restore, .writeOff:
                self != .phones
            case .send, .copy, .spendOnline, .advance: true
            }
        }
    }

    struct Result {
        var depth: Int
        var states = 0
        var steps = 0
        /// How many states were first met at each depth.
        var levels: [Int] = []
        var fault: String?
        var trace: [LeaseAction] = []

        var description: String {
            guard let fault else {
                return "depth \(depth): \(states) states, \(steps) steps, by depth \(levels)"
            }
            let lines = trace.map { "  \($0)" }.joined(separator: "\n")
            return "\(fault), after \(trace.count) steps (\(states) states seen):\n\(lines)"
        }
    }

    let shell: LeaseShell
    let part: Part

    init(plant: LeasePlant? = nil, part: Part = .all, bounds: LeaseBounds = LeaseBounds()) {
        shell = LeaseShell(plant: plant, bounds: bounds)
        self.part = part
    }

    /// What is wrong with a state; `nil` when all that was promised holds.
    func fault(_ state: LeaseModel) -> String? {
        if let fault = state.fault { return fault }
        if let fault = shell.accounts.faults[state.account].first { return fault }
        let most = Int(LeaseModel.granted) + Int(state.excused)
        if state.honoured > most { return "\(state.honoured) are honoured of \(most)" }
        if state.loss > state.excused {
            return "the retailer loses \(state.loss), and no write-off explains it"
        }
        for lease in shell.accounts.leases(state.account) {
            if lease.isSealed, let granted = state.sealed[lease.id], lease.granted > granted {
                return "sealed lease \(lease.id) is given more"
            }
            let given = state.counters.reduce(0) { $0 + Int($1.given[lease.id] ?? 0) }
            if given > lease.granted {
                return "goods for \(given) are given by lease \(lease.id) of \(lease.granted)"
            }
        }
        return nil
    }

    func run(depth: Int) -> Result {
        var result = Result(depth: depth)
        let start = LeaseModel(shell.accounts, shell.registers)
        var seen: Set<[UInt8]> = [start.key]
        var parents: [(state: Int, action: LeaseAction?)] = [(0, nil)]
        var level = [(state: start, place: 0)]
        result.levels = [1]
        for step in 1...depth {
            var next: [(state: LeaseModel, place: Int)] = []
            for (state, place) in level {
                for action in shell.actions(state) where part.has(action) {
                    guard action.canMatter(depth - step, state),
                        !action.isTrouble || state.troubles < shell.bounds.troubles,
                        var after = shell.after(action, state)
                    else { continue }
                    if action.isTrouble { after.troubles += 1 }
                    result.steps += 1
                    if let fault = fault(after) {
                        result.fault = fault
                        result.states = seen.count
                        result.trace = trace(place, parents) + [action]
                        return result
                    }
                    // Nothing follows on the last: it is judged, and not kept.
                    guard step < depth else { continue }
                    after.forget(shell.accounts)
                    guard seen.insert(after.key).inserted else { continue }
                    parents.append((place, action))
                    next.append((after, parents.count - 1))
                }
            }
            if step < depth { result.levels.append(next.count) }
            level = next
        }
        result.states = seen.count
        return result
    }

    private func trace(
        _ place: Int, _ parents: [(state: Int, action: LeaseAction?)]
    ) -> [LeaseAction] {
        var trace: [LeaseAction] = []
        var place = place
        while let action = parents[place].action {
            trace.append(action)
            place = parents[place].state
        }
        return trace.reversed()
    }
}
