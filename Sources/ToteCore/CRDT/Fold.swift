/// The three readings of the cells at one key. Each ignores cells of another kind.
package enum Fold {
    /// The register's winner, greatest by (time, replica, counter), and the values it won against.
    ///
    /// - Returns: `nil` when no register cell lives. `conflict` is latest first.
    package static func register(_ cells: [Cell]) -> (value: Value, conflict: [Value])? {
        var values: [(cell: Cell, value: Value)] = []
        for cell in cells {
            if case .register(let value) = cell.payload { values.append((cell, value)) }
        }
        guard values.count > 1 else { return values.first.map { ($0.value, []) } }
        values.sort { $1.cell.isOlder(than: $0.cell) }
        return (values[0].value, values.dropFirst().map(\.value))
    }

    /// The counter's exact value: the greatest base, or 0, plus all deltas. It may be below 0.
    package static func counter(_ cells: [Cell]) -> Int64 {
        var base: (cell: Cell, value: Int64)?
        var sum: Int64 = 0
        for cell in cells {
            switch cell.payload {
            case .base(let value):
                if base.map({ $0.cell.isOlder(than: cell) }) ?? true { base = (cell, value) }
            case .delta(let value): sum += value
            case .register, .flag, .other: break
            }
        }
        return (base?.value ?? 0) + sum
    }

    /// Whether any flag lives.
    package static func flag(_ cells: [Cell]) -> Bool {
        cells.contains { $0.payload == .flag }
    }
}
