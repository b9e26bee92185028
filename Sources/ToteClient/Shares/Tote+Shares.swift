internal import ToteCore

// Lists and totes that several share (Protocol/shares.md): each is a `Tote` of its own within this
// one's directory, in sync with the token of whoever shares it.
extension Tote {
    /// What this device has of shares: those it made or joined, and of a customer those that their
    /// other devices did.
    public var shares: [ShareSummary] {
        let account = installation.account ?? ""
        let reading = clock.reading()
        let records = ((try? installation.shares(of: account)) ?? []).filter {
            $0.rest(at: reading) != 0
        }
        var summaries = records.compactMap { record in
            Share.kind(of: record.space).map {
                // What the server last said of a role: it may have changed since it was asked.
                let role = ownDocument(of: Name(record.space))?.role ?? record.role
                return ShareSummary(id: record.space, kind: $0, role: role, until: record.until)
            }
        }
        let known = Set(records.map { Name($0.space) })
        for item in documents.items(Reserved.shares).keys.sorted() where !known.contains(item) {
            guard let kind = Share.kind(of: item.text), let own = ownDocument(of: item) else {
                continue
            }
            summaries.append(
                ShareSummary(id: item.text, kind: kind, role: own.role, until: own.until))
        }
        return summaries.sorted { Name($0.id) < Name($1.id) }
    }

    /// What a customer's own documents say of a share.
    private func ownDocument(of item: Name) -> (role: Share.Role?, until: UInt64?)? {
        guard let value = Fold.register(documents.cells(Share.key(item)))?.value else { return nil }
        return (
            value["role"]?.textValue.flatMap(Share.Role.init(rawValue:)),
            value["until"]?.intValue.flatMap { UInt64(exactly: $0) }
        )
    }

    /// The shares now, and again whenever that changes.
    public nonisolated var sharesUpdates: Updates<[ShareSummary]> { Updates(self) { $0.shares } }

    /// Shares that ended on this device since it was opened, the first one first.
    public var endedShares: [EndedShare] { endedShareList }

    /// Makes a list, of which the customer is the owner. Needs no network: what is written into it
    /// is sent when there is one.
    ///
    /// - Throws: `signedOut`, `storage`.
    public func makeList(title: String? = nil) async throws(ToteError) -> SharedSpace {
        let list = try await make(.list, try customerAccess())
        if let title { _ = try await list.cart.setTitle(title) }
        return list
    }

    /// Makes an empty tote on a store's device, for whoever stands in front of it. Needs no
    /// network.
    ///
    /// - Parameter token: asks for the device's own token, one of staff of that store.
    /// - Throws: `invalidArgument` where a customer's documents show; `storage`.
    public func makeTote(
        at store: String, transport: any Transport, token: @escaping TokenProvider
    ) async throws(ToteError) -> SharedSpace {
        try await make(.tote, try storeAccess(store, transport, token))
    }

    /// Opens a share that this device has, or that the customer's other devices have.
    ///
    /// - Throws: `signedOut`; `notFound` for one that there is not, or not any more; `storage`.
    public func openShare(_ id: String) async throws(ToteError) -> SharedSpace {
        let access = try customerAccess()
        if shareRecord(id, of: access.account) == nil {
            guard let known = shares.first(where: { $0.id == id }) else {
                throw ToteError(.notFound, "nothing that is shared here is \(id)")
            }
            var record = ShareRecord(space: id, account: access.account)
            (record.role, record.until) = (known.role, known.until)
            if known.kind == .tote {
                record.end(after: Share.toteMilliseconds, from: clock.reading())
            }
            try installation.add(record)
        }
        return try await open(id, access)
    }

    /// The same on a store's device, after the app was started anew.
    public func openShare(
        _ id: String, at store: String, transport: any Transport, token: @escaping TokenProvider
    ) async throws(ToteError) -> SharedSpace {
        try await open(id, try storeAccess(store, transport, token))
    }

    /// Joins a share by the code or the link of an invitation. Safe to call again with the same
    /// one when an answer was lost.
    ///
    /// - Throws: `signedOut`, `server`, `shareRefused` with `wrong_code`, `invitation_taken`…
    public func joinShare(_ invitation: String) async throws(ToteError) -> SharedSpace {
        try await join(invitation, try customerAccess())
    }

    /// The same as a store's device.
    public func joinShare(
        _ invitation: String, at store: String, transport: any Transport,
        token: @escaping TokenProvider
    ) async throws(ToteError) -> SharedSpace {
        try await join(invitation, try storeAccess(store, transport, token))
    }

    private func customerAccess() throws(ToteError) -> ShareAccess {
        guard let session, session.store == nil, !session.isShared, joinedHandOff == nil,
            let path = session.path.split(separator: "/").dropFirst(2).first
        else { throw ToteError(.signedOut, "no customer is signed in: call signIn first") }
        return ShareAccess(
            transport: session.transport, token: session.token,
            maker: Self.percentDecoded(String(path)), account: installation.account ?? "")
    }

    private func storeAccess(
        _ store: String, _ transport: any Transport, _ token: @escaping TokenProvider
    ) throws(ToteError) -> ShareAccess {
        guard installation.account == nil else {
            throw ToteError(.invalidArgument, "a customer's documents show here: leave first")
        }
        return ShareAccess(
            transport: transport, token: token, maker: "store:\(store)", account: "")
    }

    private static func percentDecoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func make(
        _ kind: Share.Kind, _ access: ShareAccess
    ) async throws(ToteError) -> SharedSpace {
        let seed = HandOffID(high: clock.draw(), low: clock.draw())
        let space = Share.space(kind, of: access.maker, seed: seed)
        var record = ShareRecord(space: space, account: access.account)
        record.seed = seed.text
        // By its own reckoning: the server's is told with its first answer.
        if kind == .tote { record.end(after: Share.toteMilliseconds, from: clock.reading()) }
        try installation.add(record)
        return try await open(space, access)
    }

    private func open(
        _ space: String, _ access: ShareAccess
    ) async throws(ToteError) -> SharedSpace {
        guard let record = shareRecord(space, of: access.account),
            record.rest(at: clock.reading()) != 0
        else { throw ToteError(.notFound, "nothing that is shared here is \(space)") }
        let nested = try await nested(record)
        try await nested.enter(
            space: space, file: Installation.accountName(customer: space),
            transport: access.transport
        ) { [weak self] in
            guard let self, try await self.isAdmitted(to: space, by: access) else { return nil }
            return try await access.token()
        }
        if let bytes = await knownCatalog() { await nested.takeOver(catalog: bytes) }
        if let member = record.member { await nested.setShareMember(member) }
        awaitEnd(of: record)
        announce()
        if access.isStores { lookAfterShares(by: access) }
        return SharedSpace(id: space, parent: self, tote: nested, access: access)
    }

    /// The share's own `Tote`, opened where it is not.
    private func nested(_ record: ShareRecord) async throws(ToteError) -> Tote {
        await closing[record.folder]?.value
        guard record.account == installation.account ?? "",
            shareRecord(record.space, of: record.account) != nil
        else { throw ToteError(.notFound, "nothing that is shared here is \(record.space)") }
        // Nothing is awaited from here on: there is one for whoever asks at the same time.
        if let known = openShares[record.folder] { return known }
        let opened = try Tote(
            directory: installation.path(share: record), clock: clock,
            channel: installation.account == nil ? .tablet : channel,
            catalogReader: catalogReader, survivesPowerCuts: installation.survivesPowerCuts)
        openShares[record.folder] = opened
        return opened
    }

    /// What this device has of a share of an account's; `nil` for one that ended.
    func shareRecord(_ space: String, of account: String) -> ShareRecord? {
        (try? installation.shares(of: account))?.first { $0.space == space }
    }

    // What the server says.

    private func ask(
        _ path: String, _ body: [String: Value], _ access: ShareAccess
    ) async throws(ToteError) -> TransportResponse {
        guard let token = try? await access.token() else {
            throw ToteError(.signedOut, "no token could be had")
        }
        do {
            return try await access.transport.send(
                TransportRequest(
                    method: "POST", path: path,
                    headers: [
                        "Authorization": "Bearer \(token.secret)",
                        "Content-Type": "application/json", "Accept": "application/json",
                    ], body: Encoding.json.encode(.map(body)),
                    timeout: SyncMachine.exchangeTimeout, lane: .lookup))
        } catch {
            throw ToteError(.server, "no answer: \(error)")
        }
    }

    /// What a route of shares answered.
    private static func answer(_ response: TransportResponse) throws(ToteError) -> Value {
        let value = try? Encoding.json.value(response.body)
        switch response.status {
        case 200, 201: if let value { return value }
        case 401: throw ToteError(.signedOut, "the server takes no token of this device")
        case 410 where response.isProblem: throw .customerErased
        case 400, 404, 409, 422, 429:
            if response.isProblem, let code = value?["code"]?.textValue {
                throw ToteError(
                    .shareRefused, value?["detail"]?.textValue ?? code,
                    rejection: Rejection(code: code))
            }
        default: break
        }
        throw ToteError(.server, "a share was answered with \(response.status)")
    }

    /// Gives a role, or none; ends a share, which leaves none.
    ///
    /// - Throws: `server` also when something else answered in its place.
    private func change(
        _ path: String, of space: String, to role: Share.Role?, _ access: ShareAccess
    ) async throws(ToteError) {
        let word = role?.rawValue ?? "none"
        let body: [String: Value] = path == "/end" ? [:] : ["role": .text(word)]
        let value = try Self.answer(
            try await ask("/v1/spaces/\(space)\(path)", body, access))
        guard value["role"]?.textValue == word else {
            throw ToteError(.server, "a role was answered as none is")
        }
    }

    /// Keeps what the server says of a membership, unless it was left meanwhile.
    ///
    /// - Returns: whether the share is here.
    /// - Throws: `server` for what says nothing of one: something else answered in its place.
    private func keep(
        _ value: Value, of space: String, by access: ShareAccess, invitation: String? = nil
    ) async throws(ToteError) -> Bool {
        guard value["space"]?.textValue == space,
            let role = value["role"]?.textValue.flatMap(Share.Role.init(rawValue:)),
            let member = value["member"]?.textValue, Hex.id(member) != nil
        else { throw ToteError(.server, "a share was answered as none is") }
        guard var record = shareRecord(space, of: access.account) else { return false }
        record.role = role
        record.member = member
        record.invitation = invitation ?? record.invitation
        if let until = value["until"]?.intValue.flatMap(UInt64.init(exactly:)),
            let now = value["server_time"]?.intValue.flatMap(UInt64.init(exactly:))
        {
            guard now < until else {
                await remove(record)
                return false
            }
            record.until = until
            record.end(after: until - now, from: clock.reading())
        }
        try installation.update(record)
        await openShares[record.folder]?.setShareMember(member)
        awaitEnd(of: record)
        announce()
        return true
    }

    /// Makes sure that one is a member, before anything is synced.
    ///
    /// A share is removed only where the server says that it was left or ended. One that it does
    /// not know may be what a restored server lost, or another token may be asking: it is kept, and
    /// asked for again.
    ///
    /// - Returns: `false` for who is not any more: nothing of it is here then.
    /// - Throws: when that cannot be found out now.
    private func isAdmitted(to space: String, by access: ShareAccess) async throws -> Bool {
        guard let record = shareRecord(space, of: access.account) else { return false }
        var asked: [String: Value] = ["space": .text(space)]
        if let seed = record.seed { asked["seed"] = .text(seed) }
        // The server may have gone back to when one had left, and know nothing of this membership.
        if let member = record.member { asked["member"] = .text(member) }
        let unknown: ToteError
        do throws(ToteError) {
            return try await keep(
                Self.answer(try await ask("/v1/shares", asked, access)), of: space, by: access)
        } catch {
            switch error.rejection?.code {
            case "share_ended", "share_left":
                await remove(record)
                return false
            case "not_found": unknown = error
            default: throw error
            }
        }
        // A code is soon over, and each try of a wrong one counts.
        guard let text = record.invitation, Share.secret(text) != nil else { throw unknown }
        // Whatever it is answered, nothing is removed.
        return try await keep(
            Self.answer(try await ask("/v1/shares", ["join": .text(text)], access)), of: space,
            by: access)
    }

    /// The catalogue in this file, or in that of a share that is open.
    private func knownCatalog() async -> [UInt8]? {
        if let catalogBytes { return catalogBytes }
        for folder in openShares.keys.sorted() {
            if let bytes = await openShares[folder]?.catalogBytes { return bytes }
        }
        return nil
    }

    private func join(
        _ invitation: String, _ access: ShareAccess
    ) async throws(ToteError) -> SharedSpace {
        let value = try Self.answer(
            try await ask("/v1/shares", ["join": .text(invitation)], access))
        guard let space = value["space"]?.textValue, Share.kind(of: space) != nil else {
            throw ToteError(.server, "the invitation was answered as none is")
        }
        let fresh = ShareRecord(space: space, account: access.account)
        // What is being removed of a former membership is gone first.
        await closing[fresh.folder]?.value
        guard installation.account ?? "" == access.account else {
            throw ToteError(.signedOut, "another account shows here by now: call it again there")
        }
        try installation.add(fresh)
        guard try await keep(value, of: space, by: access, invitation: invitation) else {
            throw ToteError(.notFound, "it was left, or is over, by now")
        }
        return try await open(space, access)
    }

    func invite(
        to space: String, as role: Share.Role, for duration: Duration, by access: ShareAccess
    ) async throws(ToteError) -> ShareInvitation {
        let secret = HandOffID(high: clock.draw(), low: clock.draw())
        let value = try Self.answer(
            try await ask(
                "/v1/spaces/\(space)/invitations",
                [
                    "secret": .text(secret.text), "role": .text(role.rawValue),
                    "for_s": .int(duration.components.seconds),
                ], access))
        guard let until = value["until"]?.intValue.flatMap(UInt64.init(exactly:)) else {
            throw ToteError(.server, "the invitation was answered as none is")
        }
        return ShareInvitation(
            link: Share.link(secret), code: value["code"]?.textValue, role: role, until: until)
    }

    func setRole(
        in space: String, of member: String, to role: Share.Role?, by access: ShareAccess
    ) async throws(ToteError) {
        guard Hex.id(member) != nil else {
            throw ToteError(.invalidArgument, "a member has 16 hex digits")
        }
        try await change("/members/\(member)", of: space, to: role, access)
        if role == nil, let record = shareRecord(space, of: access.account),
            record.member == member
        {
            await remove(record)
        }
    }

    /// - Returns: what was lost with it.
    func leaveShare(_ space: String, by access: ShareAccess) async throws(ToteError) -> EndedShare {
        guard let record = shareRecord(space, of: access.account) else {
            return endedShareList.last { $0.id == space } ?? EndedShare(id: space, lostCount: 0)
        }
        do throws(ToteError) {
            try await tellLeft(record, access)
        } catch {
            // A store's device keeps nothing, whether the server can be told or not. A customer
            // would be a member still, and find the list again.
            guard access.isStores, error.rejection?.code != "last_owner" else { throw error }
        }
        await remove(record)
        return endedShareList.last { $0.id == space } ?? EndedShare(id: space, lostCount: 0)
    }

    private func tellLeft(_ record: ShareRecord, _ access: ShareAccess) async throws(ToteError) {
        var member = record.member
        if member == nil {
            // Made, or opened, here, and never told of: the server may know of it all the same.
            var asked: [String: Value] = ["space": .text(record.space)]
            if let seed = record.seed { asked["seed"] = .text(seed) }
            do throws(ToteError) {
                let value = try Self.answer(try await ask("/v1/shares", asked, access))
                guard try await keep(value, of: record.space, by: access) else { return }
            } catch {
                guard ["share_left", "share_ended"].contains(error.rejection?.code) else {
                    throw error
                }
                return
            }
            member = shareRecord(record.space, of: access.account)?.member
        }
        guard let member else { return }
        do throws(ToteError) {
            try await change("/members/\(member)", of: record.space, to: nil, access)
        } catch {
            // Nobody is a member there who could leave.
            guard error.rejection?.code == "not_found" else { throw error }
        }
    }

    func endShare(_ space: String, by access: ShareAccess) async throws(ToteError) {
        try await change("/end", of: space, to: nil, access)
        if let record = shareRecord(space, of: access.account) { await remove(record) }
    }

    // The end.

    /// Removes all that is here of a share; what cannot be removed now is tried again, also at the
    /// next start.
    private func remove(_ record: ShareRecord) async {
        shareTasks.removeValue(forKey: record.folder)?.cancel()
        guard shareRecord(record.space, of: record.account) != nil else {
            await closing[record.folder]?.value
            return
        }
        // Whoever asks for it from here on is told that it is not there.
        try? installation.end(record)
        let nested = openShares[record.folder]
        let task = closed(record.folder) { [weak self] lost in
            await nested?.noteEnded()
            await self?.noteRemoved(record, lost: lost)
        }
        announce()
        await task.value
    }

    /// Closes a share that is open, and then goes on.
    private func closed(
        _ folder: String, _ goOn: @escaping @Sendable (_ unsent: Int?) async -> Void
    ) -> Task<Void, Never> {
        let (nested, before) = (openShares.removeValue(forKey: folder), closing[folder])
        let task = Task {
            await before?.value
            let unsent = await nested?.unsentCount
            // It is the same for everybody, and the next share may begin without a network.
            if let bytes = await nested?.catalogBytes { takeOver(catalog: bytes) }
            await nested?.close()
            await goOn(unsent)
        }
        closing[folder] = task
        return task
    }

    private func noteRemoved(_ record: ShareRecord, lost: Int?) {
        let lost = lost ?? Self.unsentCount(of: record, installation, clock)
        removeForSure(record)
        endedShareList.append(EndedShare(id: record.space, lostCount: lost))
        announce()
    }

    /// Removes what is marked as ended, again and again where the disk cannot be written.
    private func removeForSure(_ record: ShareRecord) {
        guard !installation.isClosed, (try? installation.remove(record)) == nil else { return }
        shareTasks[record.folder] = Task { [clock, weak self] in
            guard (try? await clock.sleep(Self.eraseAgain)) != nil else { return }
            await self?.removeForSure(record)
        }
    }

    /// What was not sent of a share that is not open.
    private static func unsentCount(
        of record: ShareRecord, _ installation: Installation, _ clock: DeviceClock
    ) -> Int {
        let path = installation.documents(of: record)
        guard installation.hasFile(path) else { return 0 }
        // A file that cannot be read is removed all the same.
        return
            (try? Replica(
                path: path, survivesPowerCuts: installation.survivesPowerCuts, random: clock.draw))?
            .unsentCount ?? 0
    }

    /// Asks about shares of which the customer's own documents say nothing any more: another device
    /// has left or ended them, or somebody has removed the customer.
    func checkShares() {
        guard installation.hasShares, checkTask == nil, let access = try? customerAccess(),
            let account = installation.account
        else { return }
        let gone = ((try? installation.shares(of: account)) ?? []).filter { record in
            record.role != nil && documents.cells(Share.key(Name(record.space))).isEmpty
        }
        guard !gone.isEmpty else { return }
        checkTask = Task { [weak self] in
            for record in gone {
                // Legal to fail: it is asked again with the next answer.
                _ = try? await self?.isAdmitted(to: record.space, by: access)
            }
            await self?.checkEnded()
        }
    }

    /// How long a store's device may hold something that nobody opens and it shares no more.
    private static let lookAgain: Duration = .seconds(300)

    /// Asks now and then, as a store's device, about what it shares and nobody has opened, also
    /// while a hand-off is joined: no documents of its own tell it.
    func lookAfterShares(by access: ShareAccess) {
        storeShareAccess = access
        guard lookTask == nil else { return }
        lookTask = Task { [clock, weak self] in
            repeat {
                await self?.askAboutClosedShares()
            } while (try? await clock.sleep(Self.lookAgain)) != nil
        }
    }

    private func askAboutClosedShares() async {
        guard let access = storeShareAccess, !installation.isClosed else { return }
        let records = (try? installation.shares(of: access.account)) ?? []
        for record in records where record.role != nil && openShares[record.folder] == nil {
            // Legal to fail: it is asked again.
            _ = try? await isAdmitted(to: record.space, by: access)
        }
    }

    private func checkEnded() {
        checkTask = nil
        if isIdle { resumeWaiters() }
    }

    /// Removes each share when its time is over, whoever is signed in by then, and whether it was
    /// opened or not.
    func awaitEndsOfShares() {
        for record in (try? installation.shares()) ?? [] { awaitEnd(of: record) }
    }

    private func awaitEnd(of record: ShareRecord) {
        guard let rest = record.rest(at: clock.reading()) else { return }
        shareTasks[record.folder]?.cancel()
        shareTasks[record.folder] = Task { [clock, weak self] in
            guard (try? await clock.sleep(.milliseconds(Int64(rest)))) != nil else { return }
            await self?.remove(record)
        }
    }

    /// Removes, at the start, those whose time was over before it, and what an end left.
    static func removeOldShares(
        _ installation: Installation, _ clock: DeviceClock
    ) throws(ToteError) -> [EndedShare] {
        let over = try installation.shares().filter { $0.rest(at: clock.reading()) == 0 }
        return try (over + installation.endedShares()).map { record throws(ToteError) in
            let lost = unsentCount(of: record, installation, clock)
            try installation.remove(record)
            return EndedShare(id: record.space, lostCount: lost)
        }
    }

    /// Closes the shares that are open; they stay on the device.
    func closeShares() {
        checkTask?.cancel()
        for folder in openShares.keys.sorted() {
            _ = closed(folder) { _ in }
        }
    }

    /// The same, and waits until they are.
    func closeAllShares() async {
        closeShares()
        for task in closing.values { await task.value }
    }
}
