/// What is to happen, by time; what has the same time happens in the order in which it was
/// planned. A binary heap.
struct Timeline<Step> {
    private var entries: [(at: UInt64, order: UInt64, step: Step)] = []
    private var planned: UInt64 = 0

    var isEmpty: Bool { entries.isEmpty }
    /// When the next step is.
    var next: UInt64? { entries.first?.at }

    mutating func plan(_ step: Step, at time: UInt64) {
        planned += 1
        entries.append((time, planned, step))
        var index = entries.count - 1
        while index > 0, isBefore(index, (index - 1) / 2) {
            entries.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func take() -> (at: UInt64, step: Step)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        guard !entries.isEmpty else { return (first.at, first.step) }
        entries[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < entries.count && isBefore(child, least) {
                least = child
            }
            guard least != index else { break }
            entries.swapAt(index, least)
            index = least
        }
        return (first.at, first.step)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (entries[left].at, entries[left].order) < (entries[right].at, entries[right].order)
    }
}
