internal import ToteCore

// The exchange (Protocol §5).
extension Server {
    /// `POST /v1/spaces/{space}/sync`.
    func sync(_ name: String, _ request: ServerRequest) throws -> Handled {
        let token = try authenticate(request)
        guard let grant = try grant(token, for: name) else { throw Problem.notFound }
        // What cannot be read counts as a push: a pull of a device that works can be.
        var isPush = true
        do {
            let prepared = try request.prepared?.get() ?? PreparedSync(request)
            let sync = prepared.request
            isPush = !sync.changes.isEmpty || !sync.resend.isEmpty
            if let replica = grant.replica {
                // A device that joined a hand-off speaks for itself: not for the customer's own,
                // and not for one that it says it was before.
                guard sync.replica == replica, sync.formerly.isEmpty, sync.resend.isEmpty else {
                    throw Problem.unauthorized
                }
            }
            let handled = try exchange(name, token, grant, prepared, request)
            if isPush { refusals.noteTaken(token.id) }
            return handled
        } catch let problem as Problem {
            if isPush {
                refusals.noteRefusal(token, space: name, code: problem.code, at: clock)
            }
            throw problem
        }
    }

    private func exchange(
        _ name: String, _ token: Token, _ grant: Grant, _ prepared: PreparedSync,
        _ request: ServerRequest
    ) throws -> Handled {
        let sync = prepared.request
        let answerEncoding = request.accept.flatMap(Encoding.init(accepted:)) ?? prepared.encoding
        let hasWork = !sync.changes.isEmpty || !sync.resend.isEmpty
        guard sync.waitSeconds == 0 || !hasWork else {
            throw Problem(400, "wait_with_changes", "a request that waits carries no changes")
        }
        if let cursor = sync.cursor, cursor.epoch != epoch {
            throw Problem(
                409, "epoch_changed",
                "the server was restored: resend what it may lack, then take a snapshot",
                members: [Value.Entry("epoch", .text(Hex.string(epoch)))])
        }
        let space = try space(name)
        if let cursor = sync.cursor, cursor.position > space.position {
            throw Problem(
                409, "cursor_ahead",
                "the cursor is \(cursor.position), the log ends at \(space.position): this server "
                    + "has lost data; its operator must restore a backup with `tote restore`")
        }
        if wasRestored, sync.resend.isEmpty, space.replicas[sync.replica] != nil {
            space.heardFrom.insert(sync.replica)
        }
        var verdict: Judge.Verdict?
        if hasWork {
            guard prepared.run.count <= Limits.batchBytesMax else {
                throw Problem(413, "batch_too_large", "at most \(Limits.batchBytesMax) bytes")
            }
            let judge = judge(space, grant, token: token.id)
            let before = space.position
            guard sync.resend.isEmpty || sync.changes.isEmpty else {
                throw Problem(400, "resend_with_changes", "resend first, then push")
            }
            if !sync.resend.isEmpty {
                try judge.resend(sync)
                store.tally.note(.resent(space.position - before))
            }
            if !sync.changes.isEmpty {
                let judged = try judge.push(prepared)
                store.tally.note(judged.fates, before: before)
                for fate in judged.fates where fate.position > before {
                    guard let code = fate.rejection?.code else { continue }
                    refusals.noteRejected(space: name, code: code, at: clock)
                }
                verdict = judged
            }
            if space.position > before {
                try noteRestore()
                try noteWritten(space)
            }
        }
        if sync.waitSeconds > 0, let cursor = sync.cursor, cursor.position == space.position {
            return .park(
                Parked(
                    space: name, tokenID: token.id, deadline: clock + sync.waitSeconds * 1_000,
                    perTokenMax: Parked.pullsPerTokenMax, question: .pull(sync, answerEncoding),
                    requestID: request.requestID))
        }
        return .answer(
            try reply(
                sync, space: space, grant: grant, verdict: verdict, encoding: answerEncoding))
    }

    func reply(
        _ request: SyncRequest, space: Space, grant: Grant, verdict: Judge.Verdict?,
        encoding: Encoding
    ) throws -> ServerResponse {
        let covered = try covered(space)
        let puller = Puller(
            space: space, store: store, grant: grant, epoch: epoch, covered: covered)
        // A device that still resends is not ready for a snapshot.
        let pulled =
            request.resend.isEmpty
            ? try puller.pull(
                request, whole: request.wantsWhole || (verdict?.needsWhole ?? false), pins: &pins)
            : Puller.Pulled(cursor: Cursor(epoch: epoch, position: space.position), hasMore: true)
        var reply = SyncReply(
            cursor: pulled.cursor, serverTime: space.clock.reading(atMilliseconds: clock))
        reply.ticket = verdict?.ticket
        reply.fates = verdict?.fates ?? []
        reply.snapshot = pulled.snapshot
        reply.hasMore = pulled.hasMore
        reply.covered = covered
        switch encoding {
        case .cbor: return ServerResponse(reply, pulled.runs)
        case .json:
            let cbor = ReplyWriter.cbor(reply, pulled.runs)
            do {
                let whole = try Encoding.cbor.reply(cbor)
                return ServerResponse(status: 200, body: Encoding.json.encode(whole))
            } catch {
                throw StoreError.corrupt("a stored run cannot be read: \(error.message)")
            }
        }
    }

    private func covered(_ space: Space) throws -> UInt64 {
        guard backupTime > 0 else { return 0 }
        if let covered = space.covered, covered.backup == backupTime { return covered.position }
        let position = try store.lastPosition(space: space.number, before: backupTime)
        space.covered = (backupTime, position)
        return position
    }
}
