/// The live cells of one space: what applying changes in the order of the log leaves.
///
/// Invariants (D1): at one key no two cells carry the same dot. (D2): no empty item or collection
/// is kept. There are no tombstones: who has applied the change that wrote a cell and no longer
/// holds the cell knows that it was replaced. Source: Bieniusa et al., "An optimized conflict-free
/// replicated set", 2012.
package struct Documents: Hashable, Sendable {
    /// The fields of one item, few, each with its cells in the order in which they came.
    package struct Item: Hashable, Sendable {
        package struct Field: Hashable, Sendable {
            package let name: Name
            package fileprivate(set) var cells: [Cell]

            package init(name: Name, cells: [Cell]) {
                self.name = name
                self.cells = cells
            }

            /// Equality is of the set of cells: the order in which they came is not part of the
            /// state.
            package static func == (left: Field, right: Field) -> Bool {
                left.name == right.name && left.cells.count == right.cells.count
                    && left.sortedCells == right.sortedCells
            }

            package func hash(into hasher: inout Hasher) {
                hasher.combine(name)
                hasher.combine(sortedCells)
            }

            package var sortedCells: [Cell] { cells.sorted { $0.dot < $1.dot } }
        }

        package fileprivate(set) var fields: [Field] = []

        package init(fields: [Field] = []) { self.fields = fields }

        /// The live cells of a field.
        package func cells(_ field: Name) -> [Cell] {
            for entry in fields where entry.name == field { return entry.cells }
            return []
        }

        package static func == (left: Item, right: Item) -> Bool {
            left.fields.count == right.fields.count && left.sortedFields == right.sortedFields
        }

        package func hash(into hasher: inout Hasher) { hasher.combine(sortedFields) }

        package var sortedFields: [Field] { fields.sorted { $0.name < $1.name } }
    }

    package typealias Items = [Name: Item]

    package private(set) var collections: [Name: Items] = [:]
    /// Live cells in all.
    package private(set) var cellCount = 0

    package init() {}

    /// The items of a collection that hold a cell, by name.
    package func items(_ collection: Name) -> Items { collections[collection] ?? [:] }

    /// The live cells at a key.
    package func cells(_ key: Key) -> [Cell] {
        collections[key.collection]?[key.item]?.cells(key.field) ?? []
    }

    /// Applies an accepted change under its dot: deletes what it replaces, inserts what it writes.
    ///
    /// The caller applies every change once, in the order of the log.
    package mutating func apply(_ change: Change, dot: Dot) {
        for index in change.writes.indices {
            apply(change.writes[index], dot: dot, time: change.time)
        }
    }

    /// Puts back a cell that a snapshot holds.
    package mutating func insert(_ cell: Cell, at key: Key) {
        apply(Write(key: key, payload: cell.payload), dot: cell.dot, time: cell.time)
    }

    private mutating func apply(_ write: Write, dot: Dot, time: Timestamp) {
        if let payload = write.payload {
            let cell = Cell(dot: dot, time: time, payload: payload)
            cellCount += collections[write.key.collection, default: [:]][
                write.key.item, default: Item()
            ].replace(write.replaces, at: write.key.field, with: cell)
        } else {
            guard let index = collections.index(forKey: write.key.collection),
                let itemIndex = collections.values[index].index(forKey: write.key.item)
            else { return }
            cellCount += collections.values[index].values[itemIndex].replace(
                write.replaces, at: write.key.field, with: nil)
            if collections.values[index].values[itemIndex].fields.isEmpty {
                collections.values[index].remove(at: itemIndex)
                if collections.values[index].isEmpty { collections.remove(at: index) }
            }
        }
    }

    package func checkInvariants() {
        var count = 0
        for (collection, items) in collections {
            precondition(!items.isEmpty, "D2: collection \(collection.text) is empty")
            for (item, fields) in items {
                precondition(!fields.fields.isEmpty, "D2: item \(item.text) is empty")
                for field in fields.fields {
                    precondition(!field.cells.isEmpty, "D2: field \(field.name.text) is empty")
                    count += field.cells.count
                    guard field.cells.count > 1 else { continue }
                    let dots = Set(field.cells.map(\.dot))
                    precondition(dots.count == field.cells.count, "D1: a dot twice at \(item.text)")
                }
            }
        }
        precondition(count == cellCount, "\(cellCount) cells counted, \(count) there")
    }
}

extension Documents.Item {
    /// Deletes the named cells and inserts the new one. Returns by how many cells the field grew.
    fileprivate mutating func replace(_ dots: [Dot], at field: Name, with cell: Cell?) -> Int {
        guard let index = fields.firstIndex(where: { $0.name == field }) else {
            guard let cell else { return 0 }
            fields.append(Field(name: field, cells: [cell]))
            return 1
        }
        let before = fields[index].cells.count
        // What nearly every write does: the one cell there makes room for the new one.
        if let cell, before == 1, dots.count == 1, fields[index].cells[0].dot == dots[0] {
            fields[index].cells[0] = cell
            return 0
        }
        if dots.count > 8 {
            let named = Set(dots)
            fields[index].cells.removeAll { named.contains($0.dot) }
        } else if !dots.isEmpty {
            fields[index].cells.removeAll { dots.contains($0.dot) }
        }
        if let cell { fields[index].cells.append(cell) }
        let after = fields[index].cells.count
        if after == 0 { fields.remove(at: index) }
        return after - before
    }
}
