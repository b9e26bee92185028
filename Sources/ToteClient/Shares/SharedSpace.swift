public import ToteCore

/// A share as this device knows it.
public struct ShareSummary: Hashable, Sendable, Identifiable {
    /// The space: `list:…` or `tote:…`.
    public let id: String
    public let kind: Share.Kind
    /// `nil` before the server has said so: it was made here, without a network.
    public let role: Share.Role?
    /// When it ends by itself; milliseconds of the server's clock, `nil` before that has said so.
    public let until: UInt64?
}

/// A share that ended on this device: everything of it is gone.
public struct EndedShare: Hashable, Sendable, Identifiable {
    public let id: String
    /// Changes that were made here and that the server did not get: they are gone with the rest.
    public let lostCount: Int
}

/// What somebody joins a share with.
public struct ShareInvitation: Hashable, Sendable {
    /// For a message, or a QR code.
    public let link: String
    /// Six characters to be typed; of those that last for an hour at most.
    public let code: String?
    public let role: Share.Role
    /// Milliseconds of the server's clock.
    public let until: UInt64
}

/// Somebody who shares a space, as the others know them.
public struct ShareMember: Hashable, Sendable, Identifiable {
    public let id: String
    public let role: Share.Role
    public let isSelf: Bool
}

/// A list or tote that is open on this device: its lines are those of a cart, durable when they
/// are written, with or without a network.
public struct SharedSpace: Sendable {
    public let id: String
    let parent: Tote
    let tote: Tote
    let access: ShareAccess

    /// The lines, the title, what is ticked off, what is gathered.
    public var cart: CartReference { tote.cart() }

    /// The catalogue that is here for it; `nil` before one has come.
    public var catalog: Catalog? { get async { await tote.catalog } }

    /// Fetches the catalogue, for a store's device that has none.
    ///
    /// - Throws: as `Tote.refreshCatalog`.
    public func refreshCatalog() async throws(ToteError) { try await tote.refreshCatalog() }

    /// How it stands to the server.
    public var status: SyncStatus { get async { await tote.status } }

    /// Keeps it in sync from now on, while it is open.
    public func start() async { await tote.start() }

    public func stop() async { await tote.stop() }

    /// Sends and receives what there is, see `Tote.syncOnce`.
    ///
    /// - Throws: `notFound` for one that ended: nothing of it is here any more; what
    ///   `Tote.syncOnce` throws.
    public func syncOnce(
        deadline: Duration = .seconds(25)
    ) async throws(ToteError) -> SyncReport {
        let report: SyncReport
        do throws(ToteError) { report = try await tote.syncOnce(deadline: deadline) } catch {
            try await checkIsHere()
            throw error
        }
        try await checkIsHere()
        return report
    }

    private func checkIsHere() async throws(ToteError) {
        guard await parent.shareRecord(id, of: access.account) == nil else { return }
        throw ToteError(.notFound, "this is shared with this device no more, and is gone from it")
    }

    /// Who shares it, as of the last sync.
    public var members: [ShareMember] {
        get async {
            let own = await parent.shareRecord(id, of: access.account)?.member
            return await tote.read { documents in
                documents.items(Reserved.shares).keys.sorted().compactMap { item in
                    let value = Fold.register(documents.cells(Share.key(item)))?.value
                    guard
                        let role = value?["role"]?.textValue.flatMap(Share.Role.init(rawValue:))
                    else { return nil }
                    return ShareMember(id: item.text, role: role, isSelf: item.text == own)
                }
            }
        }
    }

    /// Invites one more: an owner does.
    ///
    /// - Throws: `signedOut`, `server`, `shareRefused` with `owner_only`…
    public func invite(
        as role: Share.Role, for duration: Duration = .seconds(600)
    ) async throws(ToteError) -> ShareInvitation {
        try await parent.invite(to: id, as: role, for: duration, by: access)
    }

    /// Gives a member another role; `nil` removes them.
    ///
    /// - Throws: as `invite`; `last_owner`.
    public func setRole(
        of member: ShareMember.ID, to role: Share.Role?
    ) async throws(ToteError) {
        try await parent.setRole(in: id, of: member, to: role, by: access)
    }

    /// Leaves it: what waits is sent, then everything of it is removed here. A store's device does
    /// so whether the server can be told or not.
    ///
    /// - Parameter discarding: leaves also when something could not be sent, which is lost then.
    /// - Returns: with what could not be sent.
    /// - Throws: `shareRefused` with `last_owner`; of a customer's `server`, `signedOut`: it stays
    ///   then, as a whole.
    @discardableResult
    public func leave(
        deadline: Duration = .seconds(10), discarding: Bool = false
    ) async throws(ToteError) -> EndedShare {
        if await tote.unsentCount > 0 { _ = try? await tote.syncOnce(deadline: deadline) }
        // It may have ended with that.
        let unsent = await tote.unsentCount
        if unsent > 0, !discarding, !access.isStores,
            await parent.shareRecord(id, of: access.account) != nil
        {
            throw ToteError(
                .server, "\(unsent) changes could not be sent, and would be lost: try again")
        }
        return try await parent.leaveShare(id, by: access)
    }

    /// Ends it for all.
    ///
    /// - Throws: as `invite`.
    public func end() async throws(ToteError) { try await parent.endShare(id, by: access) }

    /// Puts its lines into one of the customer's carts, to order them: but for those that are
    /// ticked off or missing, and what lies in an item's place instead of it. It stays as it is.
    @discardableResult
    public func add(to cart: CartReference) async throws(ToteError) -> [Receipt.ID] {
        try await cart.add(ListText(toOrder: await self.cart.value))
    }
}

/// What it takes to ask the server about a share.
struct ShareAccess: Sendable {
    let transport: any Transport
    let token: TokenProvider
    /// What spaces are made as: a customer's space, or a store's.
    let maker: String
    /// The file of the account that shares; empty for a store's device.
    let account: String

    var isStores: Bool { maker.hasPrefix("store:") }
}
