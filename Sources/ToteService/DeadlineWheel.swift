/// What has a deadline, by slots of time: the cost of a look depends on what is over, not on what
/// waits (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987).
package struct DeadlineWheel: Sendable {
    /// Milliseconds of a slot: how late a deadline may be found to be over.
    package static let slotMilliseconds: UInt64 = 250

    private var slots: [UInt64: [UInt64]] = [:]
    /// The first slot that has not been taken.
    private var next: UInt64 = 0

    package init() {}

    /// Puts in a number with its deadline, milliseconds since 1970.
    package mutating func insert(_ number: UInt64, deadline: UInt64) {
        let slot = deadline / Self.slotMilliseconds + 1
        if slots.isEmpty { next = slot } else { next = min(next, slot) }
        slots[slot, default: []].append(number)
    }

    /// Whether `take` would find a slot that is over.
    package func isDue(at now: UInt64) -> Bool {
        !slots.isEmpty && next <= now / Self.slotMilliseconds
    }

    /// Takes out the numbers whose deadlines are over.
    package mutating func take(at now: UInt64) -> [UInt64] {
        var numbers: [UInt64] = []
        while isDue(at: now) {
            numbers += slots.removeValue(forKey: next) ?? []
            next += 1
        }
        return numbers
    }
}
