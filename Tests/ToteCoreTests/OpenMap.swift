import ToteCore

/// CBOR as a tree, read without the product's reader: to tell what a decoder passed over.
indirect enum OpenMap: Hashable {
    case scalar([UInt8])
    case array([OpenMap])
    case map([[UInt8]: OpenMap])

    /// Whether what is missing in `again` are members of envelopes that this version does not know.
    static func isExplained(_ bytes: [UInt8], _ again: [UInt8]) -> Bool {
        var (one, two) = (bytes[...], again[...])
        guard let tree = parse(&one), let copy = parse(&two) else { return false }
        return tree.covers(copy)
    }

    private func covers(_ other: OpenMap) -> Bool {
        switch (self, other) {
        case (.scalar(let a), .scalar(let b)): return a == b
        case (.array(let a), .array(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { $0.covers($1) }
        case (.map(let a), .map(let b)):
            for (key, value) in b {
                guard let mine = a[key], mine.covers(value) else { return false }
            }
            return a.allSatisfy { key, value in
                b[key] != nil || Self.mayBeIgnored(key, value, in: b)
            }
        case (.map(let a), .scalar):
            // A fate that says nothing but its position is written as the position alone.
            let position: [UInt8] = [Member.position.rawValue]
            return a[position] == other
                && a.allSatisfy {
                    $0 == position || Self.mayBeIgnored($0, $1, in: [position: other])
                }
        default: return false
        }
    }

    /// An unknown name, a member that belongs to another map, or one that says what its absence
    /// says.
    private static func mayBeIgnored(
        _ key: [UInt8], _ value: OpenMap, in map: [[UInt8]: OpenMap]
    ) -> Bool {
        let zero = OpenMap.scalar([0])
        let defaults: [OpenMap] = [
            zero, .scalar([0xF4]), .array([]), .map([:]), .array([zero, zero]),
        ]
        guard let number = key.first, number < 0x20, !defaults.contains(value) else { return true }
        let member = Member(rawValue: number < 24 ? number : key[1])
        let has = { (member: Member) in
            map[member.rawValue < 24 ? [member.rawValue] : [24, member.rawValue]] != nil
        }
        let own: Set<Member>
        if has(.serverTime) {
            own = [.cursor, .ticket, .fates, .events, .snapshot, .covered, .more, .serverTime]
        } else if has(.nonce), has(.dot) {
            own = [.nonce, .time, .code, .details, .dot]
        } else if has(.code) {
            own = [.code, .details]
        } else if has(.replica) {
            // A run or a request: which of their other members belong is told by the tests by name.
            own = [.replica, .counter, .keys, .changes]
        } else if has(.position) {
            own = [.position, .documents, .rejections, .next, .sameAs, .rejected]
        } else {
            return false
        }
        return member.map { !own.contains($0) } ?? false
    }

    private static func parse(_ bytes: inout ArraySlice<UInt8>) -> OpenMap? {
        let all = bytes
        guard let first = bytes.popFirst() else { return nil }
        var argument = UInt64(first & 31)
        if argument >= 24 {
            guard argument <= 27 else { return nil }
            let size = 1 << Int(argument - 24)
            guard bytes.count >= size else { return nil }
            argument = bytes.prefix(size).reduce(0) { $0 << 8 | UInt64($1) }
            bytes = bytes.dropFirst(size)
        }
        switch first >> 5 {
        case 0, 1, 7: return .scalar(Array(all.prefix(all.count - bytes.count)))
        case 2, 3:
            guard bytes.count >= argument else { return nil }
            bytes = bytes.dropFirst(Int(argument))
            return .scalar(Array(all.prefix(all.count - bytes.count)))
        case 4:
            var items: [OpenMap] = []
            for _ in 0..<argument {
                guard let item = parse(&bytes) else { return nil }
                items.append(item)
            }
            return .array(items)
        case 5:
            var items: [[UInt8]: OpenMap] = [:]
            for _ in 0..<argument {
                guard case .scalar(let key)? = parse(&bytes), let value = parse(&bytes) else {
                    return nil
                }
                items[key] = value
            }
            return .map(items)
        default: return nil
        }
    }
}
