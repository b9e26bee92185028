internal import ToteCore

// A store's replica behind `Redeemer`.
extension Tote {
    /// How often a redeemer that is in touch frees what has ended.
    static let promiseMilliseconds: UInt64 = 3_600_000

    /// Opens the file of a store's redeemer, and the record that is kept outside of it.
    func openRedeemer(store: String, record path: String) throws(ToteError) {
        let name = Installation.accountName(store: store)
        if installation.account != name {
            let replica = try Replica(
                path: installation.path(account: name), random: clock.draw)
            try installation.enter(name)
            openReplica = replica
            machine = SyncMachine(hasAccount: true, lastID: machine.lastID)
        }
        let record = try RedeemerRecord(path: path)
        let mark = try replica().openRedeemer(outside: record.mark)
        try record.set(mark)
        redeemerRecord = record
    }

    var isEnrolled: Bool { openReplica?.redeemer?.key != nil }

    var incarnation: UInt64? { openReplica?.redeemerMark?.incarnation }

    func connectRedeemer(
        store: String, transport: any Transport, token: @escaping TokenProvider
    ) throws(ToteError) {
        try enter(
            space: "store:\(store)", file: Installation.accountName(store: store),
            transport: transport, token: token)
    }

    /// Fetches the key of this incarnation.
    func enrol(store: String) async throws(ToteError) {
        guard let mark = try replica().redeemerMark else { return }
        let incarnation = Hex.string(mark.incarnation)
        let response = try await lookUp(
            "/v1/stores/\(Self.percentEncoded(store))/redeemer", [:],
            body: Encoding.json.encode(.map(["incarnation": .text(incarnation)])))
        guard response.status == 200, let value = try? Encoding.json.value(response.body),
            value["incarnation"]?.textValue == incarnation,
            let key = value["key"]?.textValue.flatMap(Hex.bytes)
        else {
            guard response.status == 404 else {
                throw ToteError(.server, "the key was answered with \(response.status)")
            }
            throw .ledger(
                "not_redeemer", "the store's redeemer is another device, or none is named",
                .map(["store": .text(store)]))
        }
        let replica = try replica()
        try replica.enrol(mark.incarnation, key: key)
        enrolledEpoch = replica.cursor?.epoch
        announce()
    }

    func redeem(
        _ code: String, _ what: RedeemedFor, at store: String
    ) throws(ToteError) -> Redemption {
        let replica = try replica()
        guard let redeemerRecord else {
            throw ToteError(.storage, "this redeemer was closed: open the directory again")
        }
        let redemption = try replica.redeem(code, what, at: store, reading: clock.reading())
        do {
            if let mark = replica.redeemerMark { try redeemerRecord.set(mark) }
        } catch {
            // Without the note a restored file would not be noticed: nothing goes over the counter.
            try replica.takeBack(redemption, of: code)
            throw error
        }
        handle(.localChange)
        return redemption
    }

    func promiseWatermark() throws(ToteError) -> Receipt.ID? {
        let receipt = try replica().promiseWatermark(at: clock.reading())
        if receipt != nil {
            // Before it can be sent: a file of before the promise is noticed then.
            noteRedeemer()
            handle(.localChange)
        }
        return receipt
    }

    func releaseAtStore(_ lease: LeaseID) throws(ToteError) -> Receipt.ID {
        let receipt = try replica().releaseAtStore(lease, at: clock.reading())
        noteRedeemer()
        handle(.localChange)
        return receipt
    }

    /// Keeps the record outside in step: a fork that a reply told of is a new incarnation.
    func noteRedeemer() {
        guard let redeemerRecord, let mark = openReplica?.redeemerMark else { return }
        // Legal to fail: at the next start the two differ, which is a new incarnation again.
        try? redeemerRecord.set(mark)
    }

    /// Fetches a key that is missing, and promises from time to time.
    func keepRedeeming() {
        guard machine.mode == .live, let replica = openReplica, redeemerRecord != nil,
            let store = session?.store
        else { return }
        // A server that was restored may not know the incarnation any more: it is told at each
        // start, too.
        if replica.lacksKey || enrolledEpoch != replica.cursor?.epoch, enrolTask == nil {
            enrolTask = Task { [weak self] in
                try? await self?.enrol(store: store)
                await self?.enrolTaskEnded()
            }
        }
        guard !replica.lacksKey else { return }
        let now = clock.reading().uptimeMilliseconds
        if let promised, now >= promised, now - promised < Self.promiseMilliseconds { return }
        promised = now
        _ = try? promiseWatermark()
    }

    private func enrolTaskEnded() { enrolTask = nil }
}
