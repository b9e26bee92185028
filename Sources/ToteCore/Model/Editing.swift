// What an edit writes, given what the device sees: the rules of Protocol §2.6. A pure function of
// the view.

extension LocalView {
    /// Whether a line of a cart shows: its quantity is above 0.
    package func quantity(_ collection: Name, _ item: Name) -> Int64 {
        Fold.counter(merged.cells(Key(collection, item, Fields.quantity)))
    }

    /// Adds to a counter; to one that does not show it starts the item anew.
    ///
    /// - Parameter amount: below 0 takes away, at most what is there; at 0 it then writes nothing.
    package func adding(
        _ amount: Int64, collection: Name, item: Name, field: Name = Fields.quantity
    ) -> [Write] {
        let key = Key(collection, item, field)
        let value = Fold.counter(merged.cells(key))
        if value > 0 {
            let delta = amount < 0 ? max(amount, -value) : amount
            return delta == 0 ? [] : [Write(key: key, payload: .delta(delta))]
        }
        guard amount > 0 else { return [] }
        return erasing(collection: collection, item: item, except: field)
            + [Write(key: key, payload: .delta(amount), replaces: seen(key))]
    }

    /// Adds a line that was scanned: it says by which channel it came.
    package func adding(
        _ amount: Int64, collection: Name, item: Name, by channel: Channel?
    ) -> [Write] {
        let writes = adding(amount, collection: collection, item: item)
        guard let channel, amount > 0 else { return writes }
        let key = Key(collection, item, Fields.channel)
        return writes.filter { $0.key != key }
            + registering(.text(channel.rawValue), key)
    }

    /// Sets a counter to a value; 0 or less removes the item.
    package func setting(
        _ value: Int64, collection: Name, item: Name, field: Name = Fields.quantity
    ) -> [Write] {
        guard value > 0 else { return erasing(collection: collection, item: item) }
        let key = Key(collection, item, field)
        if isConsumed(key) {
            // A base would hide the cells of the order, should it be refused.
            let shown = max(0, Fold.counter(merged.cells(key)))
            return adding(value - shown, collection: collection, item: item, field: field)
        }
        let base = Write(key: key, payload: .base(value), replaces: seen(key))
        guard Fold.counter(merged.cells(key)) <= 0 else { return [base] }
        return erasing(collection: collection, item: item, except: field) + [base]
    }

    /// Erases every cell seen under an item, in all fields.
    package func erasing(collection: Name, item: Name, except field: Name? = nil) -> [Write] {
        seenKeys(collection, item).compactMap { key in
            if key.field == field { return nil }
            let dots = seen(key)
            return dots.isEmpty ? nil : Write(key: key, payload: nil, replaces: dots)
        }
    }

    /// Puts a value into a register.
    package func registering(_ value: Value, _ key: Key) -> [Write] {
        [Write(key: key, payload: .register(value), replaces: seen(key))]
    }

    /// Erases one key.
    package func erasing(_ key: Key) -> [Write] {
        let dots = seen(key)
        return dots.isEmpty ? [] : [Write(key: key, payload: nil, replaces: dots)]
    }

    /// Makes an item a member of a set; one that does not show starts anew.
    package func flagging(collection: Name, item: Name, field: Name = Fields.member) -> [Write] {
        let key = Key(collection, item, field)
        let flag = Write(key: key, payload: .flag, replaces: seen(key))
        guard !Fold.flag(merged.cells(key)) else { return [flag] }
        return erasing(collection: collection, item: item, except: field) + [flag]
    }

    /// Erases everything seen in a collection, in groups that each fit into one change.
    package func erasing(collection: Name) -> [[Write]] {
        var groups: [[Write]] = []
        for item in seenItems(collection) {
            let writes = erasing(collection: collection, item: item)
            if groups.isEmpty
                || groups[groups.count - 1].count + writes.count > Limits.writesPerChangeMax
            {
                groups.append([])
            }
            groups[groups.count - 1] += writes
        }
        return groups.filter { !$0.isEmpty }
    }
}

/// The names that the product's own collections use (Protocol §2.7).
package enum Fields {
    package static let quantity: Name = "quantity"
    package static let note: Name = "note"
    package static let title: Name = "title"
    /// Of a cart's line: by which code it was last added.
    package static let channel: Name = "channel"
    /// Of a cart's line: it lies in the basket already.
    package static let ticked: Name = "ticked"
    /// Of a tote's line: what whoever gathers it found.
    package static let pick: Name = "pick"
    package static let member: Name = "member"
    package static let position: Name = "position"
    package static let viewed: Name = "viewed"
    /// The item that stands for the collection itself: its note, its title, its place.
    package static let itself: Name = ""
}
