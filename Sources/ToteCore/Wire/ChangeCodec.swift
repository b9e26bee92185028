/// The keys that a run's writes name, in the order of their first use, and each write's place among
/// them.
struct KeyTable {
    private(set) var keys: [Key] = []
    private var indexOfWrite: [Int] = []
    private var nextWrite = 0

    init(_ events: [Event]) {
        var indices: [Key: Int] = [:]
        for event in events {
            for write in event.change.writes {
                // The write before mostly has the same key, and hashing is the cost of this.
                if let last = keys.last, last == write.key {
                    indexOfWrite.append(keys.count - 1)
                    continue
                }
                let index = Self.index(of: write.key, in: keys, indices) ?? keys.count
                if index == keys.count {
                    keys.append(write.key)
                    if keys.count == Self.searchedMax {
                        for (place, key) in keys.enumerated() { indices[key] = place }
                    } else if keys.count > Self.searchedMax {
                        indices[write.key] = index
                    }
                }
                indexOfWrite.append(index)
            }
        }
    }

    /// Up to here comparing beats hashing.
    private static let searchedMax = 8

    private static func index(of key: Key, in keys: [Key], _ indices: [Key: Int]) -> Int? {
        guard keys.count < searchedMax else { return indices[key] }
        for index in keys.indices where keys[index] == key { return index }
        return nil
    }

    /// The place of the next write's key; writes are asked for in their order, once.
    mutating func nextIndex() -> Int {
        defer { nextWrite += 1 }
        return indexOfWrite[nextWrite]
    }
}

extension [Key] {
    /// Whether no key stands twice. Few are compared, many are hashed.
    fileprivate var areDistinct: Bool {
        guard count <= 12 else { return Set(self).count == count }
        for (index, key) in enumerated() {
            for other in self[..<index] where other == key { return false }
        }
        return true
    }
}

extension WireWriter {
    mutating func dot(_ dot: Dot) {
        beginArray(2)
        id(dot.replica.rawValue)
        unsigned(dot.counter)
        endArray()
    }

    mutating func time(_ time: Timestamp) {
        beginArray(2)
        unsigned(time.milliseconds)
        unsigned(UInt64(time.count))
        endArray()
    }

    mutating func key(_ key: Key) {
        beginArray(3)
        text(key.collection.text)
        text(key.item.text)
        text(key.field.text)
        endArray()
    }

    mutating func value(_ value: Value) {
        switch value {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .int(let int): signed(int)
        case .text(let string): text(string)
        case .array(let values):
            beginArray(values.count)
            for element in values { self.value(element) }
            endArray()
        case .map(let entries):
            beginMap(entries.count)
            for entry in canonical(entries) {
                name(entry.name)
                self.value(entry.value)
            }
            endMap()
        }
    }

    /// CBOR orders text keys by length first, since the length is in their first byte.
    func canonical(_ entries: [Value.Entry]) -> [Value.Entry] {
        guard entries.count > 1 else { return entries }
        return entries.sorted {
            let (left, right) = (Name($0.name), Name($1.name))
            return left.byteCount == right.byteCount
                ? left < right : left.byteCount < right.byteCount
        }
    }

    mutating func payload(_ payload: Payload) {
        beginArray(2)
        switch payload {
        case .register(let value):
            unsigned(0)
            self.value(value)
        case .base(let amount):
            unsigned(1)
            signed(amount)
        case .delta(let amount):
            unsigned(2)
            signed(amount)
        case .flag:
            unsigned(3)
            bool(true)
        case .other(let kind, let value):
            unsigned(kind)
            self.value(value)
        }
        endArray()
    }

    mutating func write(_ write: Write, keys: inout KeyTable) {
        beginMap(1 + (write.payload == nil ? 0 : 1) + (write.replaces.isEmpty ? 0 : 1))
        member(.key)
        unsigned(UInt64(keys.nextIndex()))
        if let payload = write.payload {
            member(.payload)
            self.payload(payload)
        }
        if !write.replaces.isEmpty {
            member(.replaces)
            beginArray(write.replaces.count)
            for dot in write.replaces { self.dot(dot) }
            endArray()
        }
        endMap()
    }

    mutating func rejection(_ rejection: Rejection) {
        let hasDetails = rejection.details != .map([])
        beginMap(hasDetails ? 2 : 1)
        member(.code)
        text(rejection.code)
        if hasDetails {
            member(.details)
            value(rejection.details)
        }
        endMap()
    }

    mutating func event(_ event: Event, keys: inout KeyTable) {
        let change = event.change
        var sameAs: Dot?
        if case .sameAs(let dot, _) = event.outcome { sameAs = dot }
        beginMap(
            1 + (change.time == .zero ? 0 : 1) + (change.writes.isEmpty ? 0 : 1)
                + (change.intent == nil ? 0 : 1) + (sameAs == nil ? 0 : 1)
                + (event.rejection == nil ? 0 : 1) + change.extensions.count)
        member(.nonce)
        id(change.nonce)
        if change.time != .zero {
            member(.time)
            time(change.time)
        }
        if !change.writes.isEmpty {
            member(.writes)
            beginArray(change.writes.count)
            for write in change.writes { self.write(write, keys: &keys) }
            endArray()
        }
        if let intent = change.intent {
            member(.intent)
            value(intent)
        }
        if let sameAs {
            member(.sameAs)
            dot(sameAs)
        }
        if let rejection = event.rejection {
            member(.rejected)
            self.rejection(rejection)
        }
        for entry in canonical(change.extensions) {
            name(entry.name)
            value(entry.value)
        }
        endMap()
    }

    /// The members `keys` and `changes`.
    mutating func changes(_ events: [Event], _ keys: inout KeyTable) {
        if !keys.keys.isEmpty {
            member(.keys)
            beginArray(keys.keys.count)
            for key in keys.keys { self.key(key) }
            endArray()
        }
        member(.changes)
        beginArray(events.count)
        for event in events { self.event(event, keys: &keys) }
        endArray()
    }

    /// A run without what its author knows: the nonces, and the refusals.
    mutating func acknowledgement(
        _ judgements: [Judgement], first: Dot, position: UInt64, digest: UInt64
    ) {
        beginMap(5)
        member(.position)
        unsigned(position)
        member(.replica)
        id(first.replica.rawValue)
        member(.counter)
        unsigned(first.counter)
        member(.changes)
        beginArray(judgements.count)
        for judgement in judgements {
            if judgement.outcome == .accepted {
                beginMap(1)
                member(.nonce)
                id(judgement.nonce)
                endMap()
            } else {
                var keys = KeyTable([])
                let bare = Change(nonce: judgement.nonce, time: .zero)
                event(Event(dot: first, change: bare, outcome: judgement.outcome), keys: &keys)
            }
        }
        endArray()
        member(.digest)
        id(digest)
        endMap()
    }

    mutating func run(_ run: Run) {
        var keys = KeyTable(run.events)
        beginMap(
            3 + (run.position == 0 ? 0 : 1) + (keys.keys.isEmpty ? 0 : 1)
                + (run.digest == nil ? 0 : 1))
        if run.position != 0 {
            member(.position)
            unsigned(run.position)
        }
        member(.replica)
        id(run.replica.rawValue)
        member(.counter)
        unsigned(run.counter)
        changes(run.events, &keys)
        if let digest = run.digest {
            member(.digest)
            id(digest)
        }
        endMap()
    }
}

extension WireReader {
    mutating func dot() throws(WireError) -> Dot {
        try beginArray()
        try requireElement("a dot's replica")
        let replica = ReplicaID(try id())
        try requireElement("a dot's counter")
        let counter = try unsigned()
        try endArray("a dot")
        guard counter > 0 else { throw fail(.outOfRange, "counters begin with 1") }
        return Dot(replica, counter)
    }

    mutating func time() throws(WireError) -> Timestamp {
        try beginArray()
        try requireElement("a time's milliseconds")
        let milliseconds = try unsigned(upTo: Timestamp.millisecondsMax, "a time's milliseconds")
        try requireElement("a time's count")
        let count = try unsigned(upTo: UInt64(UInt16.max), "a time's count")
        try endArray("a time")
        return Timestamp(milliseconds: milliseconds, count: UInt16(count))
    }

    mutating func key() throws(WireError) -> Key {
        try beginArray()
        try requireElement("a key's collection")
        let collection = Name(try text())
        try requireElement("a key's item")
        let item = Name(try text())
        try requireElement("a key's field")
        let field = Name(try text())
        try endArray("a key")
        return Key(collection, item, field)
    }

    mutating func payload() throws(WireError) -> Payload {
        try beginArray()
        try requireElement("a payload's kind")
        let kind = try unsigned()
        try requireElement("a payload's value")
        let payload: Payload
        switch kind {
        case 0: payload = .register(try value())
        case 1: payload = .base(try signed())
        case 2: payload = .delta(try signed())
        case 3:
            guard try bool() else { throw fail(.outOfRange, "a flag's value is true") }
            payload = .flag
        default: payload = .other(kind: kind, try value())
        }
        try endArray("a payload")
        return payload
    }

    /// A write of a run whose keys are known; `used` counts the keys named so far.
    mutating func write(_ keys: [Key], used: inout Int) throws(WireError) -> Write {
        var index: Int?
        var payload: Payload?
        var replaces: [Dot] = []
        try beginMap()
        while let name = try nextMember() {
            switch name {
            case .known(.key):
                let start = offset
                let number = Int(try unsigned())
                // Keys stand in the order of their first use: one table for one batch.
                guard number < keys.count, number <= used else {
                    throw WireError(.outOfRange, at: start, "key \(number) is not the next in use")
                }
                used = max(used, number + 1)
                index = number
            case .known(.payload): payload = try self.payload()
            case .known(.replaces):
                try beginArray()
                while try nextElement() { replaces.append(try dot()) }
                guard !replaces.isEmpty else { throw fail(.notCanonical, "an empty replaces") }
            default: throw fail(.unknownMember, "a write has key, payload and replaces only")
            }
        }
        guard let index else { throw fail(.missingMember, "a write without key") }
        return Write(key: keys[index], payload: payload, replaces: replaces)
    }

    mutating func rejection() throws(WireError) -> Rejection {
        var rejection = Rejection(code: "")
        try beginMap()
        while let name = try nextMember() {
            switch name {
            case .known(.code): rejection.code = try text()
            case .known(.details):
                rejection.details = try value()
                if rejection.details == .map([]) { isAsWritten = false }
            default: try skip()
            }
        }
        guard !rejection.code.isEmpty else { throw fail(.missingMember, "a rejection has a code") }
        return rejection
    }

    mutating func event(
        _ dot: Dot, _ keys: [Key], used: inout Int
    ) throws(WireError) -> Event {
        var nonce: Nonce?
        var change = Change(nonce: 0, time: .zero)
        var sameAs: Dot?
        var rejection: Rejection?
        try beginMap()
        while let name = try nextMember() {
            switch name {
            case .known(.nonce): nonce = try id()
            case .known(.time):
                change.time = try time()
                if change.time == .zero { isAsWritten = false }
            case .known(.writes):
                try beginArray()
                while try nextElement() { change.writes.append(try write(keys, used: &used)) }
                guard !change.writes.isEmpty else { throw fail(.notCanonical, "empty writes") }
            case .known(.intent): change.intent = try value()
            case .known(.sameAs): sameAs = try self.dot()
            case .known(.rejected): rejection = try self.rejection()
            case .known(let member):
                throw fail(.unknownMember, "a change has no member \(member.name)")
            case .other(let name): change.extensions.append(Value.Entry(name, try value()))
            }
        }
        guard let nonce else { throw fail(.missingMember, "a change without nonce") }
        change.nonce = nonce
        if change.extensions.count > 1 {
            change.extensions.sort { Name($0.name) < Name($1.name) }
        }
        let outcome: Event.Outcome =
            sameAs.map { .sameAs($0, rejection: rejection) }
            ?? rejection.map { .rejected($0) } ?? .accepted
        return Event(dot: dot, change: change, outcome: outcome)
    }

    /// The members of a run, after its map was begun; `other` takes the members that are not a
    /// run's.
    ///
    /// - Parameter place: set to where the members from `replica` to `changes` lie.
    mutating func runMembers(
        place: inout Range<Int>, _ other: (inout Self, MemberName) throws(WireError) -> Void
    ) throws(WireError) -> (run: Run, hasReplica: Bool) {
        var run = Run(replica: ReplicaID(0), counter: 0, events: [])
        var (hasReplica, hasCounter) = (false, false)
        var keys: [Key] = []
        var used = 0
        var start = offset
        var later: Self?
        while let name = try nextMember() {
            switch name {
            case .known(.position):
                run.position = try unsigned()
                start = offset
            case .known(.replica):
                run.replica = ReplicaID(try id())
                hasReplica = true
            case .known(.counter):
                run.counter = try unsigned()
                hasCounter = true
            case .known(.keys):
                try beginArray()
                keys.reserveCapacity(min(announced, Limits.changesPerBatchMax))
                while try nextElement() { keys.append(try key()) }
                guard !keys.isEmpty, keys.areDistinct else {
                    throw fail(.duplicateKey, "keys are distinct, and not empty")
                }
            case .known(.changes):
                if Self.isOrdered || (hasReplica && hasCounter && !keys.isEmpty) {
                    run.events = try events(run, keys, used: &used)
                    place = start..<offset
                } else {
                    // In JSON what they need may still come: they are read when the map has ended.
                    later = self
                    try skip()
                }
            case .known(.digest): run.digest = try id()
            default:
                try other(&self, name)
                if !hasReplica { start = offset }
            }
        }
        if var reader = later { run.events = try reader.events(run, keys, used: &used) }
        guard used == keys.count else { throw fail(.notCanonical, "a key that no write names") }
        guard run.events.isEmpty || (hasCounter && run.counter > 0 && hasReplica) else {
            throw fail(.missingMember, "changes have a replica and a counter from 1")
        }
        let end = run.counter.addingReportingOverflow(UInt64(run.events.count))
        guard !end.overflow, end.partialValue <= UInt64(Limits.integerMax) else {
            throw fail(.integerRange, "counters end at 2^53-1")
        }
        return (run, hasReplica)
    }

    private mutating func events(
        _ run: Run, _ keys: [Key], used: inout Int
    ) throws(WireError) -> [Event] {
        var events: [Event] = []
        try beginArray()
        events.reserveCapacity(min(announced, Limits.changesPerBatchMax))
        while try nextElement() {
            guard events.count < Limits.changesPerBatchMax else {
                throw fail(.tooLong, "over \(Limits.changesPerBatchMax) changes")
            }
            let counter = run.counter.addingReportingOverflow(UInt64(events.count)).partialValue
            events.append(try event(Dot(run.replica, counter), keys, used: &used))
        }
        return events
    }

    mutating func run() throws(WireError) -> Run {
        try beginMap()
        var place = 0..<0
        let (run, hasReplica) = try runMembers(place: &place) { reader, _ throws(WireError) in
            try reader.skip()
        }
        guard hasReplica, !run.events.isEmpty else {
            throw fail(.missingMember, "a run has a replica and changes")
        }
        return run
    }
}
