// A snapshot's documents: collections → items → fields → cells, with a table of the replicas
// (§4.5).

extension Documents {
    /// All cells with their keys, in the order of keys, then of dots: the canonical form.
    package func sortedCells() -> [(key: Key, cell: Cell)] {
        var cells: [(Key, Cell)] = []
        cells.reserveCapacity(cellCount)
        for (collection, items) in collections {
            for (item, fields) in items {
                for field in fields.fields {
                    let key = Key(collection, item, field.name)
                    for cell in field.cells { cells.append((key, cell)) }
                }
            }
        }
        cells.sort { $0.0 == $1.0 ? $0.1.dot < $1.1.dot : $0.0 < $1.0 }
        return cells
    }

    /// The names of all items with their collections, in order.
    package func sortedItems() -> [(collection: Name, item: Name)] {
        collections.keys.sorted().flatMap { collection in
            items(collection).keys.sorted().map { (collection, $0) }
        }
    }
}

private func canonicallyPrecedes(_ left: Name, _ right: Name) -> Bool {
    left.byteCount == right.byteCount ? left < right : left.byteCount < right.byteCount
}

extension WireWriter {
    mutating func snapshot(_ snapshot: Snapshot) {
        let documents = snapshot.documents
        var count = 1
        count += documents.collections.isEmpty ? 0 : 2
        count += snapshot.rejections.isEmpty ? 0 : 1
        count += snapshot.next == nil ? 0 : 1
        beginMap(count)
        member(.position)
        unsigned(snapshot.position)
        let replicas = Set(documents.sortedCells().map(\.cell.dot.replica)).sorted()
        if !documents.collections.isEmpty {
            member(.documents)
            self.documents(documents, replicas)
        }
        if !snapshot.rejections.isEmpty {
            member(.rejections)
            beginArray(snapshot.rejections.count)
            for entry in snapshot.rejections { loggedRejection(entry) }
            endArray()
        }
        if let next = snapshot.next {
            member(.next)
            unsigned(next)
        }
        if !documents.collections.isEmpty {
            member(.replicas)
            beginArray(replicas.count)
            for replica in replicas { id(replica.rawValue) }
            endArray()
        }
        endMap()
    }

    private mutating func documents(_ documents: Documents, _ replicas: [ReplicaID]) {
        let indices = Dictionary(uniqueKeysWithValues: zip(replicas, 0...))
        beginMap(documents.collections.count)
        for collection in documents.collections.keys.sorted(by: canonicallyPrecedes) {
            name(collection.text)
            let items = documents.items(collection)
            beginMap(items.count)
            for item in items.keys.sorted(by: canonicallyPrecedes) {
                name(item.text)
                let fields = items[item]?.fields ?? []
                beginMap(fields.count)
                for field in fields.sorted(by: { canonicallyPrecedes($0.name, $1.name) }) {
                    name(field.name.text)
                    beginArray(field.cells.count)
                    for cell in field.sortedCells { self.cell(cell, indices) }
                    endArray()
                }
                endMap()
            }
            endMap()
        }
        endMap()
    }

    /// `[replica's place in the table, counter, payload]`, and the time where the payload has one.
    private mutating func cell(_ cell: Cell, _ indices: [ReplicaID: Int]) {
        beginArray(cell.payload.isTimed ? 4 : 3)
        unsigned(UInt64(indices[cell.dot.replica] ?? 0))
        unsigned(cell.dot.counter)
        payload(cell.payload)
        if cell.payload.isTimed { time(cell.time) }
        endArray()
    }

    private mutating func loggedRejection(_ entry: LoggedRejection) {
        let hasDetails = entry.rejection.details != .map([])
        beginMap(hasDetails ? 5 : 4)
        member(.nonce)
        id(entry.nonce)
        member(.time)
        time(entry.time)
        member(.code)
        text(entry.rejection.code)
        if hasDetails {
            member(.details)
            value(entry.rejection.details)
        }
        member(.dot)
        dot(entry.dot)
        endMap()
    }
}

extension WireReader {
    mutating func snapshot() throws(WireError) -> Snapshot {
        var snapshot = Snapshot(position: 0, documents: Documents())
        var hasPosition = false
        var replicas: [ReplicaID] = []
        var cells: [(key: Key, replica: Int, cell: Cell)] = []
        try beginMap()
        while let name = try nextMember() {
            switch name {
            case .known(.position):
                snapshot.position = try unsigned()
                hasPosition = true
            case .known(.documents): try documents(&cells)
            case .known(.rejections):
                try beginArray()
                while try nextElement() { snapshot.rejections.append(try loggedRejection()) }
            case .known(.next): snapshot.next = try unsigned()
            case .known(.replicas):
                try beginArray()
                while try nextElement() { replicas.append(ReplicaID(try id())) }
            default: try skip()
            }
        }
        guard hasPosition else { throw fail(.missingMember, "a snapshot has a position") }
        for (left, right) in zip(replicas, replicas.dropFirst()) where left >= right {
            throw fail(.notCanonical, "replicas are sorted, each once")
        }
        var last: (key: Key, dot: Dot)?
        for (key, replica, cell) in cells {
            guard cell.dot.counter > 0 else { throw fail(.outOfRange, "counters begin with 1") }
            guard replica < replicas.count else {
                throw fail(.outOfRange, "replica \(replica) is not in the table")
            }
            let dot = Dot(replicas[replica], cell.dot.counter)
            if let last, last.key == key, last.dot >= dot {
                throw fail(.notCanonical, "the cells of a key rise by dot, each dot once")
            }
            last = (key, dot)
            snapshot.documents.insert(
                Cell(dot: dot, time: cell.time, payload: cell.payload), at: key)
        }
        return snapshot
    }

    private mutating func documents(
        _ cells: inout [(key: Key, replica: Int, cell: Cell)]
    ) throws(WireError) {
        try beginMap()
        while let collection = try nextName() {
            try beginMap()
            while let item = try nextName() {
                try beginMap()
                while let field = try nextName() {
                    let key = Key(Name(collection), Name(item), Name(field))
                    try beginArray()
                    while try nextElement() {
                        let (replica, cell) = try self.cell()
                        cells.append((key, replica, cell))
                    }
                }
            }
        }
    }

    private mutating func cell() throws(WireError) -> (Int, Cell) {
        try beginArray()
        try requireElement("a cell's replica")
        let replica = Int(try unsigned())
        try requireElement("a cell's counter")
        let counter = try unsigned()
        try requireElement("a cell's payload")
        let payload = try payload()
        var time = Timestamp.zero
        if payload.isTimed {
            try requireElement("a cell's time")
            time = try self.time()
        }
        try endArray("a cell")
        return (replica, Cell(dot: Dot(ReplicaID(0), counter), time: time, payload: payload))
    }

    private mutating func loggedRejection() throws(WireError) -> LoggedRejection {
        var entry = LoggedRejection(
            dot: Dot(ReplicaID(0), 0), nonce: 0, time: .zero, rejection: Rejection(code: ""))
        var (hasNonce, hasTime) = (false, false)
        try beginMap()
        while let name = try nextMember() {
            switch name {
            case .known(.nonce):
                entry.nonce = try id()
                hasNonce = true
            case .known(.time):
                entry.time = try time()
                hasTime = true
            case .known(.code): entry.rejection.code = try text()
            case .known(.details): entry.rejection.details = try value()
            case .known(.dot): entry.dot = try dot()
            default: try skip()
            }
        }
        guard hasNonce, hasTime, !entry.rejection.code.isEmpty, entry.dot.counter > 0 else {
            throw fail(.missingMember, "a rejection has a nonce, a time, a code and a dot")
        }
        return entry
    }
}
