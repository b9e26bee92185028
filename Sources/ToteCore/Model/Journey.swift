/// Where the customer is in the shop's journey, so that another device goes on from there.
public struct Journey: Hashable, Sendable {
    public var store: String?
    /// RFC 3339, UTC.
    public var pickupTime: String?
    public var screen: String?

    package static let collection: Name = "journey"
    package static let store: Name = "store"
    package static let pickupTime: Name = "pickup_time"
    package static let screen: Name = "screen"

    package init(_ documents: Documents) {
        let item = documents.items(Self.collection)[Fields.itself]
        store = item?.text(Self.store)
        pickupTime = item?.text(Self.pickupTime)
        screen = item?.text(Self.screen)
    }

    package static func key(_ field: Name) -> Key { Key(collection, Fields.itself, field) }
}

/// The items viewed last.
package enum Recent {
    package static let collection: Name = "recent"
    /// How many are shown, and kept by the device that sees more.
    package static let countMax = 50

    /// Line names, latest viewed first.
    package static func items(_ documents: Documents) -> [Name] {
        Array(sorted(documents).prefix(countMax))
    }

    static func sorted(_ documents: Documents) -> [Name] {
        documents.items(collection).compactMap { item, fields -> (Name, Cell)? in
            let cells = fields.cells(Fields.viewed)
            return cells.max { $0.isOlder(than: $1) }.map { (item, $0) }
        }
        .sorted { $1.1.isOlder(than: $0.1) }
        .map(\.0)
    }
}

extension LocalView {
    /// Notes that an item was viewed, and erases those beyond the last 50.
    package func viewing(_ item: Name) -> [Write] {
        let surplus = Recent.sorted(merged).filter { $0 != item }
            .dropFirst(Recent.countMax - 1).prefix(Limits.writesPerChangeMax / 4)
        return registering(.bool(true), Key(Recent.collection, item, Fields.viewed))
            + surplus.flatMap { erasing(collection: Recent.collection, item: $0) }
    }
}
