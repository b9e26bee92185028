// What a change must keep to be accepted, whoever judges: the device before it saves, the server
// for good.

extension Change {
    /// Why the change cannot be accepted for its own shape, or `nil`. Rules in the order of
    /// Protocol §6.2.
    package func refusal() -> Rejection? {
        if let intent {
            if let refusal = Intent.refusal(intent) { return refusal }
            if !writes.isEmpty, !isJoin {
                return IntentError.malformed("a change with an intent has no writes").rejection
            }
        }
        if writes.count > Limits.writesPerChangeMax {
            return .limit("too_many_writes", Limits.writesPerChangeMax, writes.count)
        }
        if extensions.count > Limits.extensionsPerChangeMax {
            return .limit("too_many_members", Limits.extensionsPerChangeMax, extensions.count)
        }
        for entry in extensions {
            let bytes = entry.name.utf8.count + entry.value.weightBytes
            if bytes > Limits.valueBytesMax {
                return .limit("value_too_large", Limits.valueBytesMax, bytes)
            }
        }
        if let said = extensions.first(where: { $0.name == Self.channelMember }),
            Channel(said.value) == nil
        {
            return Rejection(code: "channel_malformed")
        }
        var keys = Set<Key>()
        // By index, here and below: a loop over elements copies each, and every push comes by.
        for index in writes.indices {
            if let refusal = writes[index].refusal() { return refusal }
            if writes.count > 1, !keys.insert(writes[index].key).inserted {
                return Rejection(code: "duplicate_write", details: writes[index].key.details)
            }
        }
        return nil
    }
}

extension Change {
    /// Whether it is a guest's cart that joins, and writes no more than that may: as it was judged
    /// it may write less.
    private var isJoin: Bool {
        guard case .join(let join)? = readableIntent else { return false }
        let whole = join.writes
        return writes.allSatisfy { write in
            guard write.replaces.isEmpty, let asked = whole.first(where: { $0.key == write.key })
            else { return false }
            if case (.delta, .delta) = (write.payload, asked.payload) { return true }
            return write.payload == asked.payload
        }
    }

    /// Whether it does nothing: withdrawn, or as a rejected one is logged.
    package var isEmpty: Bool { writes.isEmpty && intent == nil }

    /// Its intent, when it has one that this version knows.
    package var readableIntent: Intent? { intent.flatMap { try? Intent($0) } }

    /// Whether it writes to a collection that the server alone writes.
    package var writesReserved: Bool {
        writes.indices.contains {
            Reserved.isReserved(writes[$0].key.collection)
        }
    }
}

/// Collections that the server alone writes.
package enum Reserved {
    package static let orders: Name = "orders"
    package static let ledger: Name = "ledger"
    package static let handOffs: Name = "handoffs"
    package static let joins: Name = "joins"
    package static let shares: Name = "shares"

    package static func isReserved(_ collection: Name) -> Bool {
        collection == orders || collection == ledger || collection == handOffs
            || collection == joins || collection == shares
    }
}

extension Write {
    fileprivate func refusal() -> Rejection? {
        if key.collection.byteCount > Limits.collectionBytesMax {
            return .limit("key_too_long", Limits.collectionBytesMax, key.collection.byteCount)
        }
        if key.item.byteCount > Limits.itemBytesMax {
            return .limit("key_too_long", Limits.itemBytesMax, key.item.byteCount)
        }
        if key.field.byteCount > Limits.fieldBytesMax {
            return .limit("key_too_long", Limits.fieldBytesMax, key.field.byteCount)
        }
        if key.collection.byteCount == 0 || key.field.byteCount == 0 {
            return Rejection(code: "key_empty", details: key.details)
        }
        if replaces.count > Limits.replacesPerWriteMax {
            return .limit("too_many_replaces", Limits.replacesPerWriteMax, replaces.count)
        }
        switch payload {
        case .register(let value), .other(_, let value): return value.refusal()
        case .base(let amount):
            return (0...Limits.counterMax).contains(amount)
                ? nil : .limit("counter_out_of_range", Int(Limits.counterMax), Int(amount))
        case .delta(let amount):
            return amount != 0 && (-Limits.counterMax...Limits.counterMax).contains(amount)
                ? nil : .limit("counter_out_of_range", Int(Limits.counterMax), Int(amount))
        case .flag, nil: return nil
        }
    }
}

extension Value {
    fileprivate func refusal() -> Rejection? {
        if weightBytes > Limits.valueBytesMax {
            return .limit("value_too_large", Limits.valueBytesMax, weightBytes)
        }
        if depth > Limits.valueDepthMax {
            return .limit("value_too_deep", Limits.valueDepthMax, depth)
        }
        return nil
    }
}

extension Key {
    /// Names the key in a rejection's details.
    package var details: Value {
        .map([
            Value.Entry("collection", .text(collection.text)),
            Value.Entry("field", .text(field.text)), Value.Entry("item", .text(item.text)),
        ])
    }
}

extension Rejection {
    package static func limit(_ code: String, _ limit: Int, _ actual: Int) -> Rejection {
        Rejection(
            code: code,
            details: .map([
                Value.Entry("actual", .int(Int64(actual))),
                Value.Entry("limit", .int(Int64(limit))),
            ]))
    }
}
