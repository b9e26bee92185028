internal import ToteCore

/// How far `syncOnce` came.
public struct SyncReport: Hashable, Sendable {
    /// Whether everything was sent and received.
    public var isComplete: Bool
    /// Changes that still wait for their fate.
    public var unsentCount: Int
    public var status: SyncStatus
}

extension Tote {
    public var status: SyncStatus { machine.status }

    /// Keeps the documents in sync from now on, across sign-ins, until `stop`.
    public func start() {
        wantsLive = true
        if session != nil { handle(.start(isLive: true)) }
    }

    /// Stops syncing; edits are saved on.
    public func stop() {
        wantsLive = false
        handle(.stop)
    }

    /// Tells that the device may have a network again, as the system reports it: retries at once.
    public func networkMayBeBack() { handle(.networkMayBeBack) }

    /// Sends and receives what there is, for a slot that the system gives in the background.
    ///
    /// Idempotent: it may be killed at any point and called again. Live sync, if started, goes on.
    ///
    /// - Parameter deadline: when to return with what was done; what is under way is dropped, and
    ///   sent again later.
    /// - Throws: `signedOut`, `updateRequired`, or what halted syncing. Nothing is lost.
    public func syncOnce(
        deadline: Duration = .seconds(25)
    ) async throws(ToteError) -> SyncReport {
        _ = try replica()
        guard session != nil else {
            throw ToteError(.signedOut, "nobody is signed in: call signIn first")
        }
        // Live sync that was started goes on from here, where a refused token had ended it.
        handle(.start(isLive: wantsLive))
        let asked = shown
        await settle(within: deadline)
        if wasErased, shown != asked || session == nil { throw .customerErased }
        let report = SyncReport(
            isComplete: machine.isUpToDate && unsentCount == 0, unsentCount: unsentCount,
            status: status)
        if machine.mode == .once, waiters.isEmpty { handle(.stop) }
        switch report.status {
        case .signedOut:
            throw ToteError(.signedOut, "the server takes no token of this customer: sign in again")
        case .updateRequired:
            throw ToteError(.updateRequired, "the server speaks a newer protocol: update the app")
        case .halted(let error): throw error
        case .starting, .offline, .connecting, .syncing, .upToDate: return report
        }
    }

    /// Whether the machine has nothing to do, and what its last answer led to is done.
    var isIdle: Bool { machine.isSettled && checkTask == nil }

    /// Waits until there is nothing to do, or the time is over, or the task is cancelled.
    private func settle(within deadline: Duration) async {
        guard !isIdle else { return }
        nextObserver += 1
        let id = nextObserver
        let timer = Task { [clock, weak self] in
            // A cancelled timer resumes nothing: whoever cancelled it was resumed already.
            guard (try? await clock.sleep(deadline)) != nil else { return }
            await self?.resumeWaiter(id)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled { continuation.resume() } else { waiters[id] = continuation }
            }
        } onCancel: {
            Task { [weak self] in await self?.resumeWaiter(id) }
        }
        timer.cancel()
    }

    private func resumeWaiter(_ id: UInt64) { waiters.removeValue(forKey: id)?.resume() }

    func resumeWaiters() {
        for id in waiters.keys.sorted() { resumeWaiter(id) }
    }

    /// Feeds the machine and does what it decides. What that leads to at once is fed in turn.
    func handle(_ event: SyncMachine.Event) {
        inbox.append(event)
        guard !isHandling else { return }
        isHandling = true
        while !inbox.isEmpty {
            let reading = clock.reading()
            let now = SyncMachine.Moment(
                wallMilliseconds: reading.wallMilliseconds,
                uptimeMilliseconds: reading.uptimeMilliseconds, random: clock.draw())
            for action in machine.handle(inbox.removeFirst(), at: now) { perform(action) }
        }
        isHandling = false
        announce()
        if isIdle { resumeWaiters() }
    }

    private func perform(_ action: SyncMachine.Action) {
        switch action {
        case .fetchToken(let id): fetchToken(id)
        case .send(let id, let lane): send(id, lane)
        case .wakeUp(let id, let delay):
            tasks[id] = Task { [clock, weak self] in
                guard (try? await clock.sleep(delay)) != nil else { return }
                await self?.finish(id, .timerFired(id))
            }
        case .forget(let id):
            tasks.removeValue(forKey: id)?.cancel()
            underWay[id] = nil
        }
    }

    private func finish(_ id: SyncMachine.ID, _ event: SyncMachine.Event) {
        tasks[id] = nil
        handle(event)
    }

    private func fetchToken(_ id: SyncMachine.ID) {
        guard let provider = session?.token else { return handle(.tokenDenied(id)) }
        tasks[id] = Task { [weak self] in
            do {
                let token = try await provider()
                await self?.receive(token, id)
            } catch let error as ToteError where error.code == .customerErased {
                await self?.noteErased(id)
            } catch {
                await self?.finish(id, .tokenFailed(id, "\(error)"))
            }
        }
    }

    /// The app's backend says that the customer is erased.
    private func noteErased(_ id: SyncMachine.ID) {
        // Legal: the answer of a former account's provider, which nobody waits for.
        guard tasks[id] != nil else { return }
        if installation.borrowed != nil { noteRefused() } else { noteErased() }
    }

    private func receive(_ token: AccessToken?, _ id: SyncMachine.ID) {
        // Legal: the answer of a former account's provider, which nobody waits for.
        guard tasks[id] != nil else { return }
        guard let token else { return finish(id, .tokenDenied(id)) }
        session?.secret = token.secret
        if let account = installation.account, installation.borrowed == nil, session?.store == nil {
            // Legal to fail: it is kept with the next token; without it no code is made offline.
            try? installation.keepHandOffKey(CarriedHandOff.key(of: token.secret), of: account)
        }
        let reading = clock.reading()
        // The server's idea of the time: the device's own may be years off.
        let now =
            openReplica?.anchor.map { $0.serverMilliseconds(at: reading) }
            ?? reading.wallMilliseconds
        let lifetime = token.expiresMilliseconds.map { $0 > now ? $0 - now : 0 }
        finish(id, .tokenArrived(id, lifetimeMilliseconds: lifetime))
    }

    private func send(_ id: SyncMachine.ID, _ lane: TransportRequest.Lane) {
        guard let session, let replica = openReplica else { return }
        let outgoing: Outgoing
        do throws(ToteError) {
            if guestWaits {
                guestWaits = try Self.adoptGuests(
                    installation, into: replica, random: clock.draw)
            }
            switch lane {
            case .exchange: outgoing = try replica.exchangeRequest(at: clock.reading())
            case .parked:
                outgoing = try replica.pullRequest(waitSeconds: SyncMachine.waitSeconds)
            case .lookup: outgoing = try replica.pullRequest()
            }
        } catch {
            return handle(failure(id, error))
        }
        let request = TransportRequest(
            method: "POST", path: session.path,
            headers: [
                "Authorization": "Bearer \(session.secret)", "Content-Type": "application/cbor",
                "Accept": "application/cbor",
            ], body: outgoing.body,
            timeout: lane == .parked
                ? SyncMachine.parkedTimeout : SyncMachine.exchangeTimeout,
            lane: lane)
        underWay[id] = outgoing
        replica.noteNetwork("sent \(lane)")
        tasks[id] = Task { [transport = session.transport, weak self] in
            do {
                let response = try await transport.send(request)
                await self?.receive(response, id)
            } catch {
                await self?.lose(id, "\(error)")
            }
        }
    }

    /// No answer came to a request.
    private func lose(_ id: SyncMachine.ID, _ why: String) {
        openReplica?.noteNetwork("no answer")
        finish(id, .failed(id, .noConnection(why)))
    }

    private func receive(_ response: TransportResponse, _ id: SyncMachine.ID) {
        // Legal: late, of a former account, or given up: the replica asks again for what it missed.
        guard let outgoing = underWay.removeValue(forKey: id), let replica = openReplica else {
            return
        }
        replica.noteNetwork("answered \(response.status)")
        guard response.body.count <= TransportResponse.bodyBytesMax else {
            let why = "an answer of \(response.body.count) bytes"
            return finish(id, .failed(id, .noConnection(why)))
        }
        do {
            var outcome = try replica.receive(
                status: response.status, body: response.body, isProblem: response.isProblem,
                to: outgoing, at: clock.reading())
            if session?.isShared == true, response.isNotFound {
                // No member any more, as far as that goes: the token's provider finds out.
                outcome = .tokenRefused
            }
            if case .retry(let code, let seconds) = outcome,
                let asked = response.retryAfterSeconds
            {
                outcome = .retry(code: code, afterSeconds: max(seconds ?? 0, asked))
            }
            // There may be room for the guest's changes now: the next exchange takes them in.
            if installation.borrowed != nil, outcome.endsAll { return noteRefused() }
            if outcome.isErased { return noteErased() }
            if guestWaits || noteRights(), case .progress = outcome {
                outcome = .progress(isCurrent: false)
            }
            noteRedeemer()
            // First: who waits for this sync waits for it, too.
            if case .progress(isCurrent: true) = outcome { checkShares() }
            finish(id, .answered(id, outcome))
            if case .progress(isCurrent: true) = outcome {
                refreshCatalogIfDue()
                keepPoints()
                keepRedeeming()
            }
        } catch {
            finish(id, failure(id, error))
        }
    }

    /// A full disk may be emptied; a file that cannot be read stays so.
    private func failure(_ id: SyncMachine.ID, _ error: ToteError) -> SyncMachine.Event {
        error.code == .storage
            ? .failed(id, .notSaved(error)) : .answered(id, .halted(error))
    }
}

extension ReplyOutcome {
    /// Whether the customer is erased.
    fileprivate var isErased: Bool {
        if case .halted(let error) = self { error.code == .customerErased } else { false }
    }

    /// Whether the only token that there will be is void.
    fileprivate var endsAll: Bool {
        if case .tokenRefused = self { true } else { isErased }
    }
}

extension SyncMachine {
    var isUpToDate: Bool { if case .resting = phase { true } else { false } }
}
