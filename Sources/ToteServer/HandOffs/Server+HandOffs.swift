internal import ToteCore

// Hand-offs (Protocol §24): a customer's documents on a store's device, for a while.

extension Server {
    /// For how long a phone's code is taken whose token has expired: it had no network to get
    /// another. One that was revoked is not taken at all.
    private static let expiredMilliseconds: UInt64 = 86_400_000

    /// What a customer's own device asks of its space.
    private struct Asked {
        let token: Token
        let space: Space
        /// The token opens all of it, as one of the customer's own devices does.
        let isOwn: Bool
    }

    private func asked(_ request: ServerRequest) throws -> Asked {
        let (token, name) = (try authenticate(request), request.path[2])
        guard token.role == .customer, let grant = token.grant(for: name),
            name.utf8.starts(with: "customer:".utf8)
        else { throw Problem.notFound }
        return Asked(token: token, space: try space(name), isOwn: Self.isOwn(grant))
    }

    /// Whether it opens all of a customer's space, as that of one of their own devices does.
    static func isOwn(_ grant: Grant) -> Bool {
        grant.space.utf8.starts(with: "customer:".utf8) && grant.readsAll
            && grant.write.contains("*")
    }

    /// One of the space's hand-offs.
    private func row(_ id: String, of asked: Asked) throws -> HandOffRow {
        guard let id = HandOffID(id), let row = try store.handOff(id),
            row.space == asked.space.number,
            asked.isOwn || row.token == asked.token.id
        else { throw Problem.notFound }
        return row
    }

    /// Keeps a hand-off in its table, and tells of it in the customer's documents.
    private func record(_ row: HandOffRow, in space: Space) throws {
        try store.save(row)
        let judge = judge(space, Grant(space: space.name))
        try space.writeOwn([row.handOff.write(in: space.documents)], by: judge)
        try noteWritten(space)
    }

    private func answer(_ row: HandOffRow, status: Int = 200) -> ServerResponse {
        guard case .map(let members) = row.handOff.value else { return json(.null) }
        var all = members + [Value.Entry("id", .text(row.handOff.id.text))]
        if row.handOff.state == .offered, let code = row.code {
            all.append(Value.Entry("code", .text(code)))
        }
        return json(.map(all.sorted { Name($0.name) < Name($1.name) }), status: status)
    }

    /// `POST /v1/spaces/{space}/handoffs`: offers one, with a code.
    func offerHandOff(_ request: ServerRequest) throws -> ServerResponse {
        let asked = try asked(request)
        guard asked.isOwn else { throw Problem.notFound }
        let body = try request.members(["id", "for_s"])
        guard let id = body["id"]?.textValue.flatMap({ HandOffID($0) }) else {
            throw Problem(400, "malformed", "id is 32 hex digits that the device drew")
        }
        let seconds = body["for_s"].map { $0.intValue ?? 0 } ?? HandOff.secondsUsual
        guard HandOff.secondsRange.contains(seconds) else {
            let range = HandOff.secondsRange
            throw Problem(
                400, "malformed",
                "for_s is seconds, from \(range.lowerBound) to \(range.upperBound)")
        }
        let space = asked.space
        if let row = try store.handOff(id) {
            // The same asked again, for an answer that was lost.
            guard row.space == space.number else { throw Problem.notFound }
            return answer(row)
        }
        try checkRoom(in: space)
        try space.store(in: store)
        try forgetOld(in: space)
        let until = clock + HandOff.offerMilliseconds
        let row = HandOffRow(
            handOff: HandOff(id: id, state: .offered, until: until), space: space.number,
            code: try freshCode(), codeUntil: until, seconds: seconds)
        try record(row, in: space)
        return answer(row, status: 201)
    }

    private func freshCode() throws -> String {
        for _ in 0..<64 {
            let code = HandOffCode.code(randomBits())
            if try store.handOff(code: code) == nil { return code }
        }
        throw StoreError.corrupt("no code for a hand-off is free")
    }

    /// Refuses more than may be open at once. Offers whose answers a phone has lost are in nobody's
    /// way who carries their cart over.
    private func checkRoom(in space: Space, isCarried: Bool = false) throws(Problem) {
        let open = HandOff.all(in: space.documents).count {
            $0.isOpen(at: clock) && (!isCarried || $0.state == .joined)
        }
        guard open < HandOff.openMax else {
            throw Problem(
                409, "too_many_handoffs",
                "\(open) hand-offs are offered or joined: end one first")
        }
    }

    /// Takes those out of the documents that were over long ago.
    private func forgetOld(in space: Space) throws {
        let over = HandOff.all(in: space.documents).filter { !$0.isOpen(at: clock) }
            .dropFirst(HandOff.endedMax - 1)
        guard !over.isEmpty else { return }
        try space.writeOwn(
            over.map { $0.write(in: space.documents, erasing: true) },
            by: judge(space, Grant(space: space.name)))
    }

    /// `POST /v1/stores/{store}/handoffs`: a store's device takes a code, and gets a token.
    func joinHandOff(_ counter: CounterRequest) throws -> ServerResponse {
        let body = try counter.members(["code", "device"])
        guard let text = try counter.text(body["code"], "code", 1...CarriedHandOff.textBytesMax),
            let claimant = body["device"]?.textValue.flatMap(Hex.id)
        else {
            throw Problem(
                400, "malformed", "send code, and device: 16 hex digits that the device drew")
        }
        // Apart from those for pickup codes: whoever misreads the one may still type the other.
        let tries = "handoff \(counter.token.id)"
        if let seconds = guesses.locked(tries, at: clock) {
            var problem = Problem(429, "locked", "too many wrong codes: wait")
            problem.retryAfterSeconds = seconds
            throw problem
        }
        var row: HandOffRow
        if let carried = CarriedHandOff(text) {
            row = try take(carried)
        } else if let code = HandOffCode.normal(text), let known = try store.handOff(code: code),
            clock < known.codeUntil
        {
            row = known
        } else {
            throw Problem(
                422, "wrong_code", "no customer offers this code now",
                members: [
                    Value.Entry(
                        "attempts_left", .int(Int64(guesses.miss(tries, at: clock))))
                ])
        }
        let isAgain = row.claimant != nil
        let secret = try join(&row, claimant, counter)
        let space = try space(numbered: row.space)
        if !isAgain {
            try record(row, in: space)
            try audit(
                counter.token, store: counter.store, row.handOff.id.text, "hand-off joined", "")
        }
        return json(
            .map([
                "id": .text(row.handOff.id.text), "space": .text(space.name),
                "token": .text(secret), "until": .int(Int64(row.handOff.until)),
                "points": .bool(row.handOff.allowsPoints),
                "server_time": .int(Int64(clock)),
            ]))
    }

    /// Gives a device its token; to the same one again where the answer was lost.
    private func join(
        _ row: inout HandOffRow, _ claimant: UInt64, _ counter: CounterRequest
    ) throws -> String {
        guard row.handOff.isOpen(at: clock) else {
            throw Problem(409, "handoff_ended", "this hand-off is over: ask for a new code")
        }
        if let former = row.claimant {
            guard former == claimant, row.handOff.store == counter.store, let token = row.token,
                let secret = try tokens.renew(token, randomBits: randomBits)
            else {
                throw Problem(
                    409, "handoff_taken", "another device has taken this code: ask for a new one")
            }
            return secret
        }
        row.handOff.state = .joined
        row.handOff.until = clock + UInt64(row.seconds) * 1_000
        row.handOff.store = counter.store
        row.handOff.device = counter.label
        row.claimant = claimant
        let (token, secret) = try tokens.mint(
            Token(
                id: "", label: counter.label, role: .customer, grants: try grants(row),
                created: clock, expires: row.handOff.until), randomBits: randomBits)
        row.token = token.id
        return secret
    }

    /// What a joined device may do.
    private func grants(_ row: HandOffRow) throws -> [Grant] {
        let rights = HandOff.grants(points: row.handOff.allowsPoints)
        return [
            Grant(
                space: try store.spaceName(row.space) ?? "", read: rights.read,
                write: rights.write, replica: row.claimant.map { ReplicaID($0) })
        ]
    }

    private func endToken(_ id: String) throws {
        guard let token = try tokens.revoke(id: id, at: clock) else { return }
        noteRevoked(token.id)
    }

    /// Takes in what a phone without a network carried over, and knows its hand-off from then on.
    private func take(_ carried: CarriedHandOff) throws -> HandOffRow {
        let unknown = Problem(422, "code_unknown", "no customer's phone shows this code")
        guard let (token, hash) = try tokens.token(hashBeginning: carried.keyID),
            carried.isMade(with: hash), token.role == .customer, token.revoked == nil,
            clock < token.expires.map({ $0 + Self.expiredMilliseconds }) ?? .max,
            token.grants.count == 1, let grant = token.grants.first, Self.isOwn(grant)
        else { throw unknown }
        let space = try space(grant.space)
        if let row = try store.handOff(carried.id) {
            guard row.space == space.number else { throw unknown }
            return row
        }
        guard carried.isCurrent(at: clock) else {
            throw Problem(
                422, "code_expired", "the code is too old or from a wrong clock: show a new one")
        }
        // All that can be refused is, before anything is written.
        try checkRoom(in: space, isCarried: true)
        if !carried.run.isEmpty {
            let run: Run
            do throws(WireError) { run = try Encoding.cbor.run(carried.run) } catch {
                throw Problem.malformed(error)
            }
            try judge(space, grant).carry(run)
            try noteWritten(space)
        }
        try space.store(in: store)
        try forgetOld(in: space)
        return HandOffRow(
            handOff: HandOff(id: carried.id, state: .offered, until: carried.until),
            space: space.number, code: nil, codeUntil: carried.until, seconds: carried.seconds)
    }

    /// `POST /v1/spaces/{space}/handoffs/{handoff}/points`: the customer lets the device spend
    /// points and place orders.
    func allowPoints(_ request: ServerRequest) throws -> ServerResponse {
        let asked = try asked(request)
        guard asked.isOwn else { throw Problem.notFound }
        _ = try request.members([])
        var row = try row(request.path[4], of: asked)
        guard row.handOff.state == .joined, row.handOff.isOpen(at: clock), let token = row.token
        else {
            throw Problem(409, "handoff_ended", "no device is joined: there is nothing to allow")
        }
        guard !row.handOff.allowsPoints else { return answer(row) }
        row.handOff.allowsPoints = true
        try tokens.setGrants(of: token, grants(row))
        try record(row, in: asked.space)
        try audit(asked.token, store: "", row.handOff.id.text, "hand-off: points allowed", "")
        return answer(row)
    }

    /// `POST /v1/spaces/{space}/handoffs/{handoff}/end`: by the customer, or by the device itself.
    func endHandOff(_ request: ServerRequest) throws -> ServerResponse {
        let asked = try asked(request)
        _ = try request.members([])
        var row = try row(request.path[4], of: asked)
        guard row.handOff.state != .ended else { return answer(row) }
        if let token = row.token { try endToken(token) }
        row.handOff.state = .ended
        row.handOff.end = asked.isOwn ? .revoked : .left
        row.handOff.until = min(row.handOff.until, clock)
        try record(row, in: asked.space)
        return answer(row)
    }
}
