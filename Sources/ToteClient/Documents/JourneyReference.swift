internal import ToteCore

/// Where the customer is in the shop's journey, for going on from there on another device.
///
/// Edits are durable when they return, and return the receipt's id. All throw what `Tote.edit`
/// throws.
public struct JourneyReference: Sendable {
    let tote: Tote

    public var value: Journey {
        get async { await tote.read { Journey($0) } }
    }

    /// The journey now, and again whenever it changes.
    public var updates: Updates<Journey> { Updates(tote) { Journey($0.documents) } }

    /// Sets or erases the chosen store.
    @discardableResult
    public func setStore(_ store: String?) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setting(.store, to: store.map { .text($0) }, "choose store"))
    }

    /// Sets or erases the chosen pickup time: RFC 3339, UTC.
    @discardableResult
    public func setPickupTime(_ time: String?) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(
            .setting(.pickupTime, to: time.map { .text($0) }, "choose pickup time"))
    }

    /// Sets or erases the screen that is open, in the app's own words.
    @discardableResult
    public func setScreen(_ screen: String?) async throws(ToteError) -> Receipt.ID? {
        try await tote.edit(.setting(.screen, to: screen.map { .text($0) }, "open screen"))
    }
}

/// The items that the customer viewed last, 50 at most.
public struct RecentReference: Sendable {
    let tote: Tote

    /// Latest first.
    public var value: [LineName] {
        get async { await tote.read { Self.read($0) } }
    }

    /// The items now, and again whenever they change.
    public var updates: Updates<[LineName]> { Updates(tote) { Self.read($0.documents) } }

    /// Notes that an item was viewed. Durable when this returns; throws what `Tote.edit` throws.
    @discardableResult
    public func viewed(
        _ sku: String, options: [String: String] = [:]
    ) async throws(ToteError) -> Receipt.ID? {
        let line = LineName(sku, options: options)
        return try await tote.edit(
            Edit("view \(line.item.text)", refusal: line.refusal) { view, _ in
                view.viewing(line.item)
            })
    }

    private static func read(_ documents: Documents) -> [LineName] {
        Recent.items(documents).map { LineName(item: $0) }
    }
}

extension Tote {
    public nonisolated var journey: JourneyReference { JourneyReference(tote: self) }
    public nonisolated var recent: RecentReference { RecentReference(tote: self) }
}
