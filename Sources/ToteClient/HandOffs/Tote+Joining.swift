internal import ToteCore

// The store's side: a device that is nobody's joins a customer's cart, and forgets it again.
extension Tote {
    /// The hand-off that this device has joined; `nil` when it holds nothing of a customer.
    public var joinedHandOff: JoinedHandOff? { installation.borrowed?.joined }

    /// The hand-off that this device has joined now, and again whenever that changes.
    public nonisolated var joinedHandOffUpdates: Updates<JoinedHandOff?> {
        Updates(self) { $0.joinedHandOff }
    }

    /// Takes the code that a customer's phone shows, and shows the customer's carts and wishlists
    /// until the time is over or somebody ends it; then everything of the customer's is erased.
    ///
    /// What a guest has on this device stays as it is. Safe to call again with the same code when
    /// an answer was lost.
    ///
    /// - Parameters:
    ///   - code: six characters as they were typed, or what was scanned.
    ///   - store: the store whose device this is.
    ///   - token: asks for the device's own token, one of staff of that store.
    /// - Throws: `invalidArgument` when an account or a hand-off shows here, `signedOut`, `server`,
    ///   `handOffRefused` with `wrong_code`, `handoff_taken`, `handoff_ended`, `code_expired`,
    ///   `locked`…; `storage`.
    @discardableResult
    public func joinHandOff(
        _ code: String, at store: String, transport: any Transport, token: @escaping TokenProvider
    ) async throws(ToteError) -> JoinedHandOff {
        guard installation.account == nil else {
            throw ToteError(
                .invalidArgument, "a customer's documents show here: sign out, or leave, first")
        }
        guard !isJoining else {
            throw ToteError(.invalidArgument, "a code is being taken already: wait for its answer")
        }
        isJoining = true
        defer { isJoining = false }
        // Also of an end that could not be brought to its end.
        try installation.eraseBorrowed()
        // It is the replica's id, too, and those are odd.
        let device = try installation.claim(code, or: clock.draw() | 1)
        guard let access = try? await token() else {
            throw ToteError(.signedOut, "no token could be had for this device")
        }
        let asked = clock.reading()
        let response: TransportResponse
        do {
            response = try await transport.send(
                TransportRequest(
                    method: "POST",
                    path: "/v1/stores/\(Self.percentEncoded(store))/handoffs",
                    headers: [
                        "Authorization": "Bearer \(access.secret)",
                        "Content-Type": "application/json", "Accept": "application/json",
                    ],
                    body: Encoding.json.encode(
                        .map(["code": .text(code), "device": .text(Hex.string(device))])),
                    timeout: SyncMachine.exchangeTimeout, lane: .lookup))
        } catch {
            throw ToteError(.server, "no answer: \(error)")
        }
        guard response.status != 401 else {
            throw ToteError(.signedOut, "the server does not take this device's token")
        }
        let borrowed = try Self.borrowed(Self.handOffAnswer(response), asked: asked)
        // Legal: somebody signed in while this was under way.
        guard installation.account == nil else {
            throw ToteError(.invalidArgument, "a customer's documents show here by now")
        }
        try open(borrowed, as: device, transport: transport)
        if installation.hasShares {
            lookAfterShares(
                by: ShareAccess(
                    transport: transport, token: token, maker: "store:\(store)", account: ""))
        }
        return borrowed.joined
    }

    /// Goes on with a hand-off after the app was started anew.
    ///
    /// - Throws: `notFound` when there is none, or it is over: nothing of the customer is here.
    public func resumeHandOff(transport: any Transport) throws(ToteError) {
        guard let borrowed = installation.borrowed, borrowed.rest(at: clock.reading()) > 0 else {
            throw ToteError(.notFound, "no hand-off goes on here: ask for a new code")
        }
        handle(.stop)
        machine = SyncMachine(hasAccount: true, lastID: machine.lastID)
        connect(borrowed, transport)
        if wantsLive { handle(.start(isLive: true)) }
    }

    /// Gives the customer's documents back: sends what waits, tells the server, and erases them
    /// here, whether the server can be reached or not.
    ///
    /// - Parameter deadline: how long to wait for the server.
    /// - Returns: how it ended, with what could not be sent.
    /// - Throws: `notFound` when none was joined; `storage` when the files cannot be removed: it is
    ///   tried again at the next call, and at the next start.
    @discardableResult
    public func leaveHandOff(
        deadline: Duration = .seconds(10)
    ) async throws(ToteError) -> EndedHandOff {
        guard let borrowed = installation.borrowed else {
            guard let ended else { throw ToteError(.notFound, "no hand-off is joined here") }
            // What could not be removed then.
            try eraseBorrowed()
            return ended
        }
        // Legal to fail, on a full disk: it is erased all the same.
        try? installation.markLeaving()
        if unsentCount > 0, session != nil { _ = try? await syncOnce(deadline: deadline) }
        // What waits at the server is answered with the end: it would be taken for the customer's.
        handle(.stop)
        if installation.borrowed?.joined.id == borrowed.joined.id, session != nil {
            let path = "/v1/spaces/\(Self.percentEncoded(borrowed.space))/handoffs"
            _ = try? await lookUp(
                "\(path)/\(borrowed.joined.id.text)/end", [:], body: Array("{}".utf8),
                timeout: deadline)
        }
        // Legal: its time was over meanwhile, or the customer ended it.
        if let ended, ended.id == borrowed.joined.id { return ended }
        return try endBorrowed(borrowed.joined.id, .left)
    }

    /// How the last hand-off ended on this device since it was opened.
    public var endedHandOff: EndedHandOff? { ended }

    /// The ends of hand-offs from now on.
    public nonisolated var endedHandOffUpdates: Updates<EndedHandOff?> {
        Updates(self) { $0.ended }
    }

    private static func borrowed(
        _ value: Value, asked: ClockReading
    ) throws(ToteError) -> Borrowed {
        guard let id = value["id"]?.textValue.flatMap({ HandOffID($0) }),
            let space = value["space"]?.textValue, let secret = value["token"]?.textValue,
            let until = value["until"]?.intValue.flatMap(UInt64.init(exactly:)),
            let now = value["server_time"]?.intValue.flatMap(UInt64.init(exactly:)), now < until
        else { throw ToteError(.server, "the hand-off was answered as none is") }
        // From when it was asked for: the answer may have been on its way for long.
        return Borrowed(
            joined: JoinedHandOff(
                id: id, until: until, allowsPoints: value["points"] == .bool(true)),
            file: Installation.accountName(handOff: id), space: space, secret: secret,
            bootID: asked.bootID, since: asked.uptimeMilliseconds,
            deadline: asked.uptimeMilliseconds + (until - now))
    }

    private func open(
        _ borrowed: Borrowed, as device: UInt64, transport: any Transport
    ) throws(ToteError) {
        let former = try replica()
        catalogTask?.cancel()
        // The server takes it for this hand-off's under this id alone.
        var first: UInt64? = device
        let replica = try Replica(
            path: installation.path(account: borrowed.file),
            survivesPowerCuts: installation.survivesPowerCuts
        ) { [clock] in
            defer { first = nil }
            return first ?? clock.draw()
        }
        try replica.keepCatalog(of: former)
        handle(.stop)
        try installation.borrow(borrowed)
        ended = nil
        openReplica = replica
        shown += 1
        machine = SyncMachine(hasAccount: true, lastID: machine.lastID)
        connect(borrowed, transport)
        announce()
        if wantsLive { handle(.start(isLive: true)) }
    }

    private func connect(_ borrowed: Borrowed, _ transport: any Transport) {
        let secret = borrowed.secret
        session = Session(
            path: "/v1/spaces/\(Self.percentEncoded(borrowed.space))/sync", transport: transport,
            token: { AccessToken(secret) }, store: nil)
        awaitEndOfHandOff()
    }

    /// Erases what was borrowed when its time is over.
    func awaitEndOfHandOff() {
        handOffTask?.cancel()
        guard let rest = installation.borrowed?.rest(at: clock.reading()) else { return }
        handOffTask = Task { [clock, weak self] in
            guard (try? await clock.sleep(.milliseconds(Int64(rest)))) != nil else { return }
            await self?.endIfOver()
        }
    }

    /// Erases, at the start, what was borrowed until before it.
    static func endIfOver(
        _ installation: Installation, _ clock: DeviceClock
    ) throws(ToteError) -> EndedHandOff? {
        // Of an end that the process did not outlive.
        try installation.eraseBorrowed()
        guard let borrowed = installation.borrowed, borrowed.rest(at: clock.reading()) == 0 else {
            return nil
        }
        // A file that cannot be read is erased all the same.
        let lost = try? Replica(
            path: installation.path, survivesPowerCuts: installation.survivesPowerCuts,
            random: clock.draw
        ).unsentCount
        installation.giveBack()
        try installation.eraseBorrowed()
        return EndedHandOff(id: borrowed.joined.id, reason: .over, lostCount: lost ?? 0)
    }

    private func endIfOver() {
        guard let borrowed = installation.borrowed else { return }
        guard borrowed.rest(at: clock.reading()) == 0 else { return awaitEndOfHandOff() }
        _ = try? endBorrowed(borrowed.joined.id, .over)
    }

    /// Ends the hand-off here when the server does not know it any more: its token is the only one
    /// that there will be.
    func noteRefused() {
        if let borrowed = installation.borrowed {
            _ = try? endBorrowed(borrowed.joined.id, .revoked)
        }
    }

    /// When what could not be erased is tried again.
    static let eraseAgain: Duration = .seconds(10)

    /// Removes what was given back, again and again where the disk cannot be written, and shows the
    /// guest's documents.
    ///
    /// - Throws: `storage`: it is tried again soon.
    private func eraseBorrowed() throws(ToteError) {
        do throws(ToteError) {
            try installation.eraseBorrowed()
            try showGuest()
        } catch {
            guard !installation.isClosed else { throw error }
            handOffTask?.cancel()
            handOffTask = Task { [clock, weak self] in
                guard (try? await clock.sleep(Self.eraseAgain)) != nil else { return }
                try? await self?.eraseBorrowed()
            }
            throw error
        }
    }

    /// Whether the customer has allowed more since: what may be seen by now lies behind the cursor,
    /// and is fetched with the next exchange.
    func noteRights() -> Bool {
        guard var borrowed = installation.borrowed, !borrowed.joined.allowsPoints,
            let replica = openReplica,
            replica.handOffs.contains(where: { $0.id == borrowed.joined.id && $0.allowsPoints })
        else { return false }
        borrowed.joined.allowsPoints = true
        // Legal to fail: it is looked at again with the next answer.
        return (try? replica.refetch()) != nil && (try? installation.borrow(borrowed)) != nil
    }

    /// Erases all that is here of the customer, and shows the guest's documents.
    ///
    /// - Parameter id: the hand-off that is over; nothing happens to another one.
    /// - Throws: `storage`: nothing of the customer shows, and what is left is removed as soon as
    ///   the disk takes it.
    @discardableResult
    func endBorrowed(
        _ id: HandOff.ID, _ reason: EndedHandOff.Reason
    ) throws(ToteError) -> EndedHandOff {
        guard let borrowed = installation.borrowed, borrowed.joined.id == id else {
            if let ended, ended.id == id { return ended }
            throw ToteError(.notFound, "no hand-off is joined here")
        }
        handOffTask?.cancel()
        catalogTask?.cancel()
        handle(.stop)
        session = nil
        let end = EndedHandOff(id: id, reason: reason, lostCount: openReplica?.unsentCount ?? 0)
        ended = end
        installation.giveBack()
        show(nil, hasAccount: false)
        defer { announce() }
        try eraseBorrowed()
        return end
    }
}
