internal import ToteCore

extension Tote {
    /// What became of the changes of the documents that show, oldest first.
    ///
    /// - Throws: `storage`.
    public func receipts() throws(ToteError) -> [Receipt] { try replica().receipts() }

    /// The receipt with this id; `nil` when it was dismissed, or is another account's.
    ///
    /// - Throws: `storage`.
    public func receipt(_ id: Receipt.ID) throws(ToteError) -> Receipt? {
        try replica().receipts().first { $0.id == id }
    }

    /// Dismisses a receipt that will not change any more.
    ///
    /// - Throws: `notFound` when no final receipt has this id; `storage`.
    public func dismiss(_ id: Receipt.ID) throws(ToteError) {
        try replica().dismiss(Self.nonce(id))
        announce()
    }

    /// Takes back a change that was not sent yet; its receipt says `withdrawn`.
    ///
    /// - Throws: `notFound` when there is none, or it may be on its way already; `storage`.
    public func withdraw(_ id: Receipt.ID) throws(ToteError) {
        try replica().withdraw(Self.nonce(id))
        handle(.localChange)
    }

    /// Waits until a change has its fate, and returns the receipt.
    ///
    /// - Throws: `notFound` when there is no such receipt, also after the account was switched;
    ///   `CancellationError`.
    public nonisolated func settled(_ id: Receipt.ID) async throws -> Receipt {
        let updates = Updates(self) { tote in
            try? tote.openReplica?.receipts().first { $0.id == id }
        }
        for await receipt in updates {
            guard let receipt else {
                throw ToteError(.notFound, "no receipt has the id \(id)")
            }
            if receipt.state.isFinal { return receipt }
        }
        try Task.checkCancellation()
        throw ToteError(.storage, "this Tote was closed")
    }

    /// The receipts now, and again whenever one changes.
    public nonisolated var receiptUpdates: Updates<[Receipt]> {
        Updates(self) { (try? $0.openReplica?.receipts()) ?? [] }
    }

    /// The status now, and again whenever it changes.
    public nonisolated var statusUpdates: Updates<SyncStatus> {
        Updates(self, followsStatus: true) { $0.machine.status }
    }

    private static func nonce(_ id: Receipt.ID) throws(ToteError) -> Nonce {
        guard let nonce = Hex.id(id) else {
            throw ToteError(.notFound, "no receipt has the id \(id.prefix(32))")
        }
        return nonce
    }
}
