public import ToteCore

/// A store's counter that accepts its customers' reservations while the store is cut off.
///
/// It embeds the client core as a replica of the store's space. One device of a store is named its
/// redeemer (`tote store redeemer STORE TOKEN`); others send the customer there. What it has taken
/// of each reservation is durable before `redeem` returns, and is sent when there is a network, in
/// order. Its *incarnation* is kept both in its directory and in a record outside of it: when they
/// differ, the directory was restored or copied, and all reservations of before are refused: nobody
/// knows any more what was taken of them.
public actor Redeemer {
    public nonisolated let store: String
    private let tote: Tote

    /// Opens a redeemer where it was left.
    ///
    /// - Parameters:
    ///   - directory: made when it is not there; nothing else may write into it.
    ///   - record: a small file that must not be backed up or restored together with the directory.
    ///     By default beside it: `<directory>.incarnation`.
    /// - Throws: `invalidArgument`, `storage`, `storeUnusable`, `storeTooNew`.
    public init(
        directory: String, store: String, record: String? = nil
    ) async throws(ToteError) {
        try await self.init(directory: directory, store: store, record: record, clock: .system)
    }

    package init(
        directory: String, store: String, record: String? = nil, clock: DeviceClock
    ) async throws(ToteError) {
        guard (1...64).contains(store.utf8.count),
            store.unicodeScalars.allSatisfy({
                $0.value > 0x20 && $0.value != 0x7F && $0 != "/"
            })
        else {
            throw ToteError(.invalidArgument, "a store's id has 1 to 64 bytes, no spaces, no /")
        }
        self.store = store
        tote = try Tote(directory: directory, clock: clock)
        do throws(ToteError) {
            try await tote.openRedeemer(
                store: store, record: record ?? "\(directory).incarnation")
        } catch {
            await tote.close()
            throw error
        }
    }

    /// Makes it ready to sync, with a staff token of the store; call it at every launch.
    ///
    /// - Throws: `storage`.
    public func connect(
        transport: any Transport, token: @escaping TokenProvider
    ) async throws(ToteError) {
        try await tote.connectRedeemer(store: store, transport: transport, token: token)
    }

    /// Keeps in sync from now on: sends what was taken, fetches the key and the catalogue, and
    /// promises every hour, so that what has ended comes back to its customers.
    public func start() async { await tote.start() }

    /// Stops syncing; what is redeemed is kept.
    public func stop() async { await tote.stop() }

    /// Closes the files.
    public func close() async { await tote.close() }

    /// Tells that there may be a network again.
    public func networkMayBeBack() async { await tote.networkMayBeBack() }

    /// Sends and receives what there is; as `Tote.syncOnce`.
    @discardableResult
    public func syncOnce(
        deadline: Duration = .seconds(25)
    ) async throws(ToteError) -> SyncReport {
        try await tote.syncOnce(deadline: deadline)
    }

    /// Fetches the key that reservations of this store are known by. Live sync does it by itself.
    ///
    /// - Throws: `ledgerRefused` with `not_redeemer` when this device is not the store's redeemer;
    ///   `signedOut`, `server`.
    public func enrol() async throws(ToteError) { try await tote.enrol(store: store) }

    /// Fetches the catalogue, which says what rewards cost; as `Tote.refreshCatalog`.
    public func refreshCatalog() async throws(ToteError) { try await tote.refreshCatalog() }

    /// Spends by the reservation whose code a phone shows, without a network.
    ///
    /// Durable when it returns: goods may go over the counter then, and not before.
    ///
    /// - Parameter code: what the scanner read.
    /// - Throws: `ledgerRefused` with `not_redeemer`, `code_unknown`, `code_expired`,
    ///   `lease_not_held`, `lease_expired`, `balance_too_low`, `reward_unknown` or
    ///   `currency_mismatch`; `orderRefused` without a catalogue; `outboxFull`, `storage`. Nothing
    ///   was taken then.
    public func redeem(
        _ code: String, for what: RedeemedFor
    ) async throws(ToteError) -> Redemption {
        try await tote.redeem(code, what, at: store)
    }

    /// Promises to take nothing any more of what had ended at the server's last reply, so that its
    /// customers get it back. Live sync does it by itself.
    ///
    /// - Returns: the receipt; `nil` when there is nothing new to promise.
    @discardableResult
    public func promiseWatermark() async throws(ToteError) -> Receipt.ID? {
        try await tote.promiseWatermark()
    }

    /// Gives a reservation back to its customer before it ends; nothing is taken of it any more.
    @discardableResult
    public func release(_ lease: LeaseID) async throws(ToteError) -> Receipt.ID {
        try await tote.releaseAtStore(lease)
    }

    /// Whether it has the key, and accepts reservations.
    public var isEnrolled: Bool {
        get async { await tote.isEnrolled }
    }

    public var status: SyncStatus { get async { await tote.status } }
    /// How many changes the server has not judged yet.
    public var unsentCount: Int { get async { await tote.unsentCount } }
    /// What became of what was redeemed, promised and given back, oldest first.
    public var receipts: [Receipt] { get async { (try? await tote.receipts()) ?? [] } }

    /// Waits until a change has its fate; as `Tote.settled`.
    public nonisolated func settled(_ id: Receipt.ID) async throws -> Receipt {
        try await tote.settled(id)
    }

    /// What names this incarnation; tells nothing of its key.
    package var incarnation: UInt64? {
        get async { await tote.incarnation }
    }
}
