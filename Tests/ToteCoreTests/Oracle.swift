import ToteCore

/// Operations by number, at most 64.
typealias OpSet = SmallSet

/// A set of numbers below 64.
struct SmallSet: Hashable {
    private(set) var bits: UInt64 = 0

    mutating func insert(_ number: Int) { bits |= 1 << UInt64(number) }
    mutating func remove(_ number: Int) { bits &= ~(1 << UInt64(number)) }
    func contains(_ number: Int) -> Bool { bits >> UInt64(number) & 1 == 1 }
    func union(_ other: SmallSet) -> SmallSet { SmallSet(bits: bits | other.bits) }
    init(bits: UInt64 = 0) { self.bits = bits }
}

/// What carts hold, as a plain function of the history of operations: one counts unless a clearing
/// operation saw it. It knows no cells, no `replaces` and no order of the log.
struct Oracle {
    struct Op {
        enum Clears: Hashable { case nothing, field(Name), item }

        var item: Name
        var puts: (field: Name, payload: Payload)?
        var clears = Clears.nothing
        /// The operations that its author's screen was made of.
        var saw: SmallSet
        var time = Timestamp.zero
        var dot = Dot(ReplicaID(0), 0)
        var isAccepted = true

        func clears(_ field: Name) -> Bool {
            switch clears {
            case .nothing: false
            case .field(let name): name == field
            case .item: true
            }
        }
    }

    private(set) var ops: [Op] = []

    mutating func record(_ op: Op) -> Int {
        precondition(ops.count < 64, "the oracle's sets hold 64")
        ops.append(op)
        return ops.count - 1
    }

    /// What an edit means to a customer who sees these operations; `nil` when it means nothing.
    func meaning(of edit: TestWorld.Edit, item: Name, visible: SmallSet) -> Op? {
        let shown = quantity(item, visible)
        var op = Op(item: item, saw: visible)
        switch edit {
        case .add(let amount) where shown > 0:
            let amount = max(amount, -shown)
            if amount == 0 { return nil }
            op.puts = (Fields.quantity, .delta(amount))
        case .add(let amount):
            if amount <= 0 { return nil }
            op.puts = (Fields.quantity, .delta(amount))
            op.clears = .item
        case .set(let value) where value > 0:
            op.puts = (Fields.quantity, .base(value))
            op.clears = shown > 0 ? .field(Fields.quantity) : .item
        case .set, .remove:
            op.clears = .item
        case .note(let text):
            op.puts = (Fields.note, .register(.text(text)))
            op.clears = .field(Fields.note)
        }
        return op
    }

    /// Whether anything that could be seen under an item was ever put there.
    func hasTrace(_ item: Name, _ visible: SmallSet) -> Bool {
        !live(item, Fields.quantity, visible).isEmpty || !live(item, Fields.note, visible).isEmpty
    }

    func live(_ item: Name, _ field: Name, _ visible: SmallSet) -> [Op] {
        var live: [Op] = []
        for index in ops.indices where visible.contains(index) {
            guard let put = ops[index].puts, put.field == field, ops[index].item == item else {
                continue
            }
            var isCleared = false
            for other in ops.indices where visible.contains(other) {
                if ops[other].saw.contains(index), ops[other].item == item,
                    ops[other].clears(field)
                {
                    isCleared = true
                }
            }
            if !isCleared { live.append(ops[index]) }
        }
        return live
    }

    func quantity(_ item: Name, _ visible: SmallSet) -> Int64 {
        var sum: Int64 = 0
        var base: (op: Op, value: Int64)?
        for op in live(item, Fields.quantity, visible) {
            switch op.puts?.payload {
            case .delta(let amount): sum += amount
            case .base(let value):
                if let latest = base, Self.wins(latest.op, over: op) { continue }
                base = (op, value)
            default: break
            }
        }
        return sum + (base?.value ?? 0)
    }

    func note(_ item: Name, _ visible: SmallSet) -> String? {
        var latest: Op?
        for op in live(item, Fields.note, visible) {
            if let other = latest, Self.wins(other, over: op) { continue }
            latest = op
        }
        guard case .register(.text(let text))? = latest?.puts?.payload else { return nil }
        return text
    }

    private static func wins(_ left: Op, over right: Op) -> Bool {
        (left.time.rawValue, left.dot.replica.rawValue, left.dot.counter)
            > (right.time.rawValue, right.dot.replica.rawValue, right.dot.counter)
    }
}
