internal import ToteCore

extension Tote {
    /// Whether an account's documents show; a guest's do otherwise.
    public var isSignedIn: Bool { installation.account != nil }

    /// Shows an account's documents and makes them ready to sync; call it at every launch.
    ///
    /// What a guest made on this device moves into the account, once. What waits to be sent for
    /// another account stays in that one's file until it signs in again. Goes on syncing if `start`
    /// was called before.
    ///
    /// - Parameters:
    ///   - customer: the id that your backend puts into tokens: `customer:<id>`, at most 151 bytes.
    ///   - transport: for example `URLSessionTransport(server:)`.
    ///   - policy: how a guest's carts join the account's. They show united at once; the server
    ///     decides, and `joins` tells line by line what became of them.
    ///   - token: asks your backend for a token; see `TokenProvider`.
    /// - Throws: `invalidArgument` and `storeUnusable`: the former account still shows, and nothing
    ///   moved; `storage`: call it again.
    public func signIn(
        customer: String, transport: any Transport, carts policy: CartPolicy = .union,
        token: @escaping TokenProvider
    ) throws(ToteError) {
        let space = "customer:\(customer)"
        guard !customer.isEmpty, space.utf8.count <= Limits.spaceNameBytesMax,
            customer.unicodeScalars.allSatisfy({
                $0.value > 0x20 && $0.value != 0x7F && $0 != "/"
            })
        else {
            throw ToteError(
                .invalidArgument,
                "a customer's id has 1 to \(Limits.spaceNameBytesMax - 9) bytes, no spaces, no /")
        }
        try enter(
            space: space, file: Installation.accountName(customer: customer),
            transport: transport, carts: policy, token: token)
    }

    /// Shows the documents of a space out of its file, and makes them ready to sync.
    func enter(
        space: String, file name: String, transport: any Transport,
        carts policy: CartPolicy = .union,
        token: @escaping TokenProvider
    ) throws(ToteError) {
        var replica = try replica()
        guard installation.borrowed == nil else {
            throw ToteError(.invalidArgument, "a hand-off is joined here: leave it first")
        }
        wasErased = false
        // What is left of it is removed below, before anything is written.
        eraseTasks.removeValue(forKey: name)?.cancel()
        if installation.account != name {
            closeShares()
            let former = replica
            // What was given up is not to be written to, and removed with what was written; a
            // hand-off that has ended must not be found with this account.
            try installation.removeGivenUp(name)
            try installation.eraseBorrowed()
            replica = try Replica(
                path: installation.path(account: name),
                survivesPowerCuts: installation.survivesPowerCuts, random: clock.draw)
            try replica.keepCatalog(of: former)
            handle(.stop)
            session = nil
            try installation.enter(name, carts: policy)
            show(replica, hasAccount: true)
        } else {
            handle(.stop)
            session = nil
            machine = SyncMachine(hasAccount: true, lastID: machine.lastID)
        }
        defer { announce() }
        // Never sync what was taken in by half: the rest would name changes that are gone by then.
        guestWaits = try Self.adoptGuests(installation, into: replica, random: clock.draw)
        session = Session(
            path: "/v1/spaces/\(Self.percentEncoded(space))/sync", transport: transport,
            token: token,
            store: space.hasPrefix("store:") ? String(space.dropFirst("store:".count)) : nil,
            isShared: Share.kind(of: space) != nil)
        if wantsLive { handle(.start(isLive: true)) }
    }

    /// Shows a guest's empty documents. The account's own stay on the device, with what waits to be
    /// sent.
    ///
    /// Of a hand-off that this device has joined everything is erased, see `leaveHandOff`.
    ///
    /// - Throws: `storage`; the account still shows, and syncs as it did.
    public func signOut() throws(ToteError) {
        if let borrowed = installation.borrowed {
            try endBorrowed(borrowed.joined.id, .left)
            return
        }
        let former = try replica()
        guard installation.account != nil else { return }
        let guest = try openGuest()
        try guest.keepCatalog(of: former)
        try installation.leave()
        handle(.stop)
        session = nil
        closeShares()
        guestWaits = false
        show(guest, hasAccount: false)
        announce()
    }

    private func openGuest() throws(ToteError) -> Replica {
        try Replica(
            path: installation.path(guest: installation.guest),
            survivesPowerCuts: installation.survivesPowerCuts, random: clock.draw)
    }

    /// Shows a guest's documents where none show: those that did were removed, or are being.
    func showGuest() throws(ToteError) {
        guard openReplica == nil, installation.account == nil, !installation.isClosed else {
            return
        }
        show(try openGuest(), hasAccount: false)
        announce()
    }

    /// Removes everything that this device has of the account that shows, also what waits to be
    /// sent, and shows a guest's empty documents: for a customer who wants to be forgotten.
    ///
    /// Does so by itself when the server says that the customer was erased; `wasErased` tells. What
    /// is saved elsewhere, on the server as well, stays.
    ///
    /// - Throws: `signedOut` when no account shows; `storage`: nothing of the account shows, and
    ///   what is left is removed as soon as the disk takes it.
    public func eraseAccount() async throws(ToteError) {
        if let borrowed = installation.borrowed {
            try endBorrowed(borrowed.joined.id, .left)
            return
        }
        guard let account = installation.account else {
            throw ToteError(.signedOut, "nobody is signed in: there is nothing to erase")
        }
        // Nothing is answered as saved in a file that is removed.
        await closeAllShares()
        _ = try replica()
        try giveUp(account)
    }

    /// Removes an account's file, again and again where the disk cannot be written; where it shows,
    /// a guest's documents show from then on.
    ///
    /// - Throws: `storage`: it is tried again soon.
    private func giveUp(_ account: String) throws(ToteError) {
        do throws(ToteError) {
            if installation.account == account {
                catalogTask?.cancel()
                handle(.stop)
                session = nil
                guestWaits = false
                show(nil, hasAccount: false)
            }
            defer { announce() }
            // First: whatever fails behind it, the next start goes on with it.
            try installation.giveUp(account)
            try installation.removeGivenUp(account)
            try showGuest()
        } catch {
            guard !installation.isClosed else { throw error }
            eraseTasks[account]?.cancel()
            eraseTasks[account] = Task { [clock, weak self] in
                guard (try? await clock.sleep(Self.eraseAgain)) != nil else { return }
                await self?.giveUpAgain(account)
            }
            throw error
        }
    }

    /// Legal to fail: it is tried again. Whoever signed in again meanwhile has cancelled it.
    private func giveUpAgain(_ account: String) {
        if !Task.isCancelled, !installation.isClosed { try? giveUp(account) }
    }

    /// The server says that the customer is erased; never anybody else.
    func noteErased() {
        guard let account = installation.account else { return }
        wasErased = true
        closeShares()
        guard !closing.isEmpty else {
            erase(account)
            return resumeWaiters()
        }
        eraseTasks[account]?.cancel()
        eraseTasks[account] = Task { [weak self] in
            await self?.closeAllShares()
            if !Task.isCancelled { await self?.erase(account) }
            await self?.resumeWaiters()
        }
    }

    private func erase(_ account: String) {
        guard !installation.isClosed else { return }
        if installation.account == account { wasErased = true }
        // Legal to fail: it is tried again.
        try? giveUp(account)
    }

    /// - Parameter replica: `nil` closes the file that showed, before it is removed: what it takes
    ///   of the disk is free then.
    func show(_ replica: Replica?, hasAccount: Bool) {
        openReplica = replica
        shown += 1
        machine = SyncMachine(hasAccount: hasAccount, lastID: machine.lastID)
    }

    /// Takes in what guests made, as far as it fits, and removes their files.
    ///
    /// Safe to repeat after a crash at any point: changes are known by their nonces.
    ///
    /// - Returns: whether a guest has to wait until more is sent.
    static func adoptGuests(
        _ installation: Installation, into replica: Replica, random: @escaping () -> UInt64
    ) throws(ToteError) -> Bool {
        for (number, policy) in try installation.adoptions() {
            if installation.exists(guest: number) {
                let guest = try Replica(
                    path: installation.path(guest: number),
                    survivesPowerCuts: installation.survivesPowerCuts, random: random)
                guard try replica.hasRoom(for: guest, carts: policy) else { return true }
                try replica.adopt(guest, carts: policy)
            }
            try installation.forget(guest: number)
        }
        return false
    }

    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let plain = Array("-._~:".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                encoded.append(byte)
            case _ where plain.contains(byte): encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
