import ToteClient
import ToteConcurrency
import ToteCore

// The end of the hour: nothing fails any more, everybody settles, and what they show is judged.
extension Floor {
    private static let settleRounds = 40

    func judge() throws {
        server.takeCrash()
        if !server.isRunning { try server.start() }
        for device in devices {
            try device.mend()
            try device.use(.preset(NetworkProfile.usual) ?? .presets[0])
        }
        try settle()
        SystemClock.pause(.seconds(15))
        judgeHoldings()
        judgeLines()
        judgeOrders()
        try judgeAudit()
        try judgeTimeOut()
        for device in devices { try device.end(keepsNothing: true) }
        try server.verify()
        judgeErased()
    }

    private func isErased(_ device: FloorDevice) -> Bool {
        if case .customer(let customer) = device.owner {
            return book.snapshot.erased.contains(customer)
        }
        return false
    }

    // Settling.

    private func settle() throws {
        var waiting: [String] = []
        for _ in 0..<Self.settleRounds {
            waiting = devices.compactMap { device in
                guard let session = device.session else { return nil }
                if isErased(device) {
                    Blocking.wait { await Self.askOnce(device, session) }
                    return nil
                }
                return Blocking.wait { [self] in await settle(device, session) }
                    .map { "\(device.name) \($0)" }
            }
            if waiting.isEmpty { return }
            SystemClock.pause(.seconds(5))
        }
        throw FloorFailure(code: "not_settled", message: waiting.joined(separator: "; "))
    }

    /// The device of a customer who was forgotten asks once more, and is told so.
    private static func askOnce(_ device: FloorDevice, _ session: DeviceSession) async {
        try? await device.signIn(session, carts: .union)
        _ = try? await session.tote.syncOnce(deadline: .seconds(20))
    }

    /// - Returns: what is not settled yet.
    private func settle(_ device: FloorDevice, _ session: DeviceSession) async -> String? {
        do {
            let tote = session.tote
            if case .customer(let customer) = device.owner {
                let isOut = await device.isOut(tote)
                if await !tote.isSignedIn || isOut {
                    device.closeShares()
                    try await device.signIn(session, carts: Self.policy(of: customer))
                }
            }
            let isJoined = await tote.joinedHandOff != nil
            if await tote.isSignedIn || isJoined {
                let report = try await tote.syncOnce(deadline: .seconds(20))
                guard report.isComplete, report.unsentCount == 0 else {
                    return "\(report.status), \(report.unsentCount) to send"
                }
            }
            for summary in await tote.shares {
                if let why = await settle(summary.id, device, session) { return why }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func settle(
        _ space: String, _ device: FloorDevice, _ session: DeviceSession
    ) async -> String? {
        do {
            let share = try await device.open(space, in: session)
            let report = try await share.syncOnce(deadline: .seconds(20))
            if report.isComplete, report.unsentCount == 0 { return nil }
            // What a restored server does not know is kept.
            guard book.snapshot.restores == 0 else { return nil }
            return "\(space): \(report.status), \(report.unsentCount) to send"
        } catch let error as ToteError where error.code == .notFound {
            return nil
        } catch {
            return "\(space): \(error)"
        }
    }

    // What is held.

    /// A device holds what it shows, and nothing else; and shows nothing that it lost. While a
    /// tablet has joined a cart it asks nobody about its own totes: those go with their day.
    private func judgeHoldings() {
        let snapshot = book.snapshot
        for device in devices {
            guard let session = device.session else { continue }
            let held = device.marks()
            let belief = belief(session)
            var allowed = allowed(device, belief) ?? []
            if isErased(device) {
                // Without a token it is in touch with nobody.
                guard hasToken(device) else { continue }
                allowed = ["guest"]
            }
            for (space, name) in snapshot.names where held.contains(name) {
                guard allowed.contains(space) else {
                    book.fail("kept", "\(device.name) still holds \(space), and shows it not")
                    return
                }
                for loss in snapshot.losses
                where loss.space == space && loss.isSure
                    && (loss.owner ?? device.owner) == device.owner
                    && !hasJoinedSince(loss, device)
                    && !(belief.joined != nil && Share.kind(of: space) != nil)
                {
                    book.fail("outlived_contact", "\(device.name) still holds \(space)")
                    return
                }
            }
        }
    }

    /// What a device shows of a space: how many of each mark.
    private func shown(_ space: String, on device: FloorDevice) -> [String: Int64]? {
        guard let session = device.session, !isErased(device) else { return nil }
        let cart: Cart? = Blocking.wait {
            if Share.kind(of: space) != nil {
                guard await session.tote.shares.contains(where: { $0.id == space }),
                    let share = try? await device.open(space, in: session),
                    case .upToDate = await share.status
                else { return nil }
                return await share.cart.value
            }
            return await session.tote.cart().value
        }
        guard let cart else { return nil }
        return cart.lines.reduce(into: [:]) { shown, line in
            if let mark = line.options["n"] { shown[mark, default: 0] += line.quantity }
        }
    }

    private func holders(_ space: String) -> [(device: FloorDevice, lines: [String: Int64])] {
        devices.compactMap { device in
            if Share.kind(of: space) == nil {
                guard case .customer(let customer) = device.owner,
                    FloorBook.space(ofCustomer: customer) == space
                else { return nil }
            }
            return shown(space, on: device).map { (device, $0) }
        }
    }

    /// All show the same; nothing is doubled, nothing is lost, nothing comes back.
    private func judgeLines() {
        let snapshot = book.snapshot
        for space in snapshot.names.keys.sorted() where space != "guest" {
            let holders = holders(space)
            guard let first = holders.first else { continue }
            if let other = holders.first(where: { $0.lines != first.lines }) {
                let differs = Set(first.lines.map { "\($0)" })
                    .symmetricDifference(other.lines.map { "\($0)" })
                return book.fail(
                    "diverged",
                    "\(other.device.name) shows \(space) otherwise than \(first.device.name): "
                        + differs.sorted().joined(separator: ", "))
            }
            for (mark, quantity) in first.lines where quantity != 1 {
                return book.fail("doubled", "\(mark) is there \(quantity) times in \(space)")
            }
            for (mark, line) in snapshot.lines where line.space == space {
                let shows = first.lines[mark] != nil
                let roles = snapshot.roles[space]?[line.owner] ?? [.owner]
                if shows, roles == [.viewer] {
                    return book.fail("viewer_wrote", "\(mark) is of a viewer, and in \(space)")
                }
                if !shows, mustShow(line, snapshot, holders.map(\.device)) {
                    return book.fail(
                        "lost",
                        "\(mark) of \(space) is gone, which "
                            + holders.map(\.device.name).joined(separator: ", ") + " show")
                }
                if shows, mustBeGone(line, snapshot) {
                    return book.fail("resurrected", "\(mark) of \(space) was taken off")
                }
            }
        }
    }

    /// Whether nothing explains that a line is not there: the server had it, or its device still
    /// has the right, and has forgotten nothing.
    private func mustShow(
        _ line: FloorBook.Line, _ book: FloorBook.State, _ holders: [FloorDevice]
    ) -> Bool {
        guard line.removedBy.isEmpty, !line.mayBeLost else { return false }
        if Share.kind(of: line.space) != nil {
            guard book.roles[line.space]?[line.owner]?.contains(.viewer) == false else {
                return false
            }
        }
        if line.isSent, book.restores == 0 { return true }
        let wasLost = book.losses.contains { loss in
            loss.space == line.space && (loss.owner ?? line.owner) == line.owner
                // A device may write on until it is told.
                && (loss.at >= line.at
                    || (book.joined[line.space]?[line.owner] ?? 0) < loss.at)
        }
        guard !wasLost else { return false }
        let isFresh = (book.joined[line.space]?[line.owner] ?? 0) < line.at
        return isFresh && holders.contains { $0.number == line.device }
            && !book.hasForgotten(line.device, line.space, since: line.at)
    }

    /// Whether somebody took it off who may, and the server knows.
    private func mustBeGone(_ line: FloorBook.Line, _ book: FloorBook.State) -> Bool {
        guard book.restores == 0, !line.isCopied else { return false }
        return line.removedBy.contains { removal in
            removal.isSent
                && !(book.roles[line.space]?[removal.owner]?.contains(.viewer) ?? false)
        }
    }

    // After the sale, visits.

    /// What a customer asked about an order is there once, on each of their devices; and a tablet
    /// ordered nothing without the right to.
    private func judgeOrders() {
        let snapshot = book.snapshot
        for device in devices where !isErased(device) {
            guard case .customer = device.owner, let session = device.session else { continue }
            let orders = Blocking.wait { await session.tote.orders }
            for order in orders {
                guard let id = snapshot.tabletOrders[order.id], !mayAllowPoints(id) else {
                    continue
                }
                book.fail("ordered_without_right", "\(order.id.text) is of a tablet that may not")
            }
            let texts = orders.flatMap { $0.thread.map(\.text) }
            let counts = texts.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            for (text, asked) in snapshot.asked {
                let count = counts[text] ?? 0
                if count > 1 { book.fail("asked_twice", "'\(text)' is there \(count) times") }
                // Orders that ended long ago are not on the device.
                guard asked.device == device.number, snapshot.restores == 0,
                    !snapshot.hasForgotten(device.number), count == 0,
                    orders.contains(where: { $0.id == asked.order })
                else { continue }
                let receipt = Blocking.wait { try? await session.tote.receipt(asked.receipt) }
                if case .accepted? = receipt?.state {
                    book.fail("question_lost", "'\(text)' was accepted, and is nowhere")
                }
            }
        }
    }

    /// Each look at a visitor is in the audit.
    private func judgeAudit() throws {
        let snapshot = book.snapshot
        guard snapshot.restores == 0, snapshot.erased.isEmpty else { return }
        var (looks, before) = (0, "")
        while true {
            let page = try administrator.call("GET", "/v1/admin/audit\(before)", nil)
            guard case .array(let entries)? = page["entries"] else { break }
            looks += entries.count { $0["what"]?.textValue == "visit looked at" }
            guard page["more"] == .bool(true), let last = entries.last?["id"]?.intValue else {
                break
            }
            before = "?before=\(last)"
        }
        if looks < snapshot.looks || looks > snapshot.looksTried {
            book.fail("unaudited", "\(snapshot.looks) looks, \(looks) of them in the audit")
        }
    }

    // Time-outs and erasures.

    /// A day later, without any network, totes and hand-offs are gone from every device.
    private func judgeTimeOut() throws {
        guard book.snapshot.failure == nil else { return }
        for device in devices {
            try device.use(.presets[0])
            // An app that is started anew, and whose user opens nothing, forgets as well.
            if device.number.isMultiple(of: 2) {
                try device.end()
                try device.start()
            }
            guard let session = device.session else { continue }
            Blocking.wait { await session.setLive(false) }
            device.closeShares()
        }
        try server.stop()
        SystemClock.pause(.seconds(26 * 3_600))
        let snapshot = book.snapshot
        for device in devices {
            let held = device.marks()
            for (space, name) in snapshot.names where held.contains(name) {
                let isTote = Share.kind(of: space) == .tote
                var isForeign = false
                if case .store = device.owner { isForeign = true }
                if isTote || isForeign {
                    book.fail("outlived_timeout", "\(device.name) holds \(space) for a day")
                    return
                }
            }
        }
    }

    /// Of an erased customer nothing is left on the server's disk.
    private func judgeErased() {
        let snapshot = book.snapshot
        for customer in snapshot.erased.sorted() {
            let texts =
                [FloorBook.customerID(customer)]
                + [snapshot.names[FloorBook.space(ofCustomer: customer)]].compactMap { $0 }
            let found = FloorDevice.marks(in: server.files.data).intersection(texts)
            if let text = found.sorted().first {
                book.fail("unforgotten", "the server's files hold '\(text)' of who was erased")
            }
        }
    }
}
