/// What is to happen, by time; what has the same time happens in the order in which it was
/// planned. A binary heap of small entries: what is to happen stays where it is.
struct Timeline<Step> {
    private struct Entry {
        var at: UInt64
        var order: UInt64
        var place: Int

        static func < (left: Entry, right: Entry) -> Bool {
            (left.at, left.order) < (right.at, right.order)
        }
    }

    private var heap: [Entry] = []
    private var steps: [Step?] = []
    /// Where no step is.
    private var free: [Int] = []
    private var planned: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }
    /// When the next step is.
    var next: UInt64? { heap.first?.at }

    mutating func plan(_ step: Step, at time: UInt64) {
        planned += 1
        let place = free.popLast() ?? steps.count
        if place == steps.count { steps.append(step) } else { steps[place] = step }
        heap.append(Entry(at: time, order: planned, place: place))
        var index = heap.count - 1
        while index > 0, heap[index] < heap[(index - 1) / 2] {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func take() -> (at: UInt64, step: Step)? {
        guard let first = heap.first else { return nil }
        guard let step = steps[first.place] else {
            preconditionFailure("nothing is planned at \(first.place)")
        }
        steps[first.place] = nil
        free.append(first.place)
        let last = heap.removeLast()
        guard !heap.isEmpty else { return (first.at, step) }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != index else { break }
            heap.swapAt(index, least)
            index = least
        }
        return (first.at, step)
    }
}
