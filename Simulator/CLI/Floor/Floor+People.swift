import ToteClient
import ToteConcurrency
import ToteCore
import ToteSimulation

// What customers, associates and whoever stands at a store's tablet do.
extension Floor {
    /// The life of a device: its user does something now and then.
    func live(_ device: FloorDevice) {
        var people = SeededGenerator(seed: seed ^ UInt64(device.number + 1) &* 0x5851_F42D)
        while !isHealed, !device.isRetired {
            SystemClock.pause(.milliseconds(500 + people.below(Int(2 * Self.actMilliseconds))))
            let draw = SeededGenerator(seed: people.next())
            guard !isHealed, !device.isRetired, let session = device.session else { continue }
            let said = Blocking.wait { [self] in await act(device, session, draw) }
            book.note("\(device.name)  \(said)")
        }
    }

    private func act(
        _ device: FloorDevice, _ session: DeviceSession, _ start: SeededGenerator
    ) async -> String {
        var draw = start
        var name = ""
        do {
            switch device.owner {
            case .customer(let customer):
                name = try await actAsCustomer(device, session, customer, &draw)
            case .store:
                name = try await actInStore(device, session, &draw)
            }
            let kind = name.split(separator: " ").filter {
                !$0.hasPrefix(FloorDevice.sign) && Int($0) == nil
            }
            book.change { $0.acts[kind.joined(separator: " "), default: 0] += 1 }
            return name
        } catch let failure as FloorFailure {
            book.fail(failure.code, failure.message)
            return failure.message
        } catch let error as ToteError {
            let code = error.rejection?.code ?? error.code.rawValue
            // Legal: no network, no right, a code that is over: what it may be is judged elsewhere.
            book.change { $0.refusals[code, default: 0] += 1 }
            return "refused \(code): \(error.message)"
        } catch {
            return "\(error)"
        }
    }

    private func actAsCustomer(
        _ device: FloorDevice, _ session: DeviceSession, _ customer: Int,
        _ draw: inout SeededGenerator
    ) async throws -> String {
        let tote = session.tote
        let space = FloorBook.space(ofCustomer: customer)
        guard await tote.isSignedIn else {
            return try await actAsGuest(device, session, customer, &draw)
        }
        if await device.isOut(tote) {
            device.closeShares()
            try await device.signIn(session, carts: Self.policy(of: customer))
            return "sign-in again"
        }
        switch draw.below(24) {
        case 0..<3: return try await edit(tote.cart(), space, device, &draw)
        case 3: return try await sync(space, device) { try await tote.syncOnce(deadline: $0) }
        case 4..<6: return try await handOff(tote, customer, &draw)
        case 6: return try await endHandOff(tote, customer, &draw)
        case 7:
            try await session.signOut()
            device.closeShares()
            return "sign-out"
        case 8..<10: return try await order(tote, &draw)
        case 10: return try await speak(tote, device, &draw)
        case 11:
            let list = try await tote.makeList()
            book.took(.owner, of: list.id, device.owner)
            await device.use(list, in: session)
            return "list \(book.prefix(list.id))"
        case 12..<14: return try await join(device, session, .list, &draw)
        default: return try await actOnShare(device, session, &draw)
        }
    }

    private func actAsGuest(
        _ device: FloorDevice, _ session: DeviceSession, _ customer: Int,
        _ draw: inout SeededGenerator
    ) async throws -> String {
        if draw.chance(60) {
            let said = try await edit(
                session.tote.cart(), FloorBook.space(ofCustomer: customer), device, &draw,
                isGuest: true)
            return "guest \(said)"
        }
        try await device.signIn(session, carts: Self.policy(of: customer))
        return "sign-in"
    }

    /// The same on all devices of a customer: a copy of a guest's cart counts by each policy that
    /// it joins by.
    static func policy(of customer: Int) -> CartPolicy {
        customer.isMultiple(of: 2) ? .union : .max
    }

    private func actInStore(
        _ device: FloorDevice, _ session: DeviceSession, _ draw: inout SeededGenerator
    ) async throws -> String {
        let tote = session.tote
        if let joined = await tote.joinedHandOff, let customer = facts(of: joined.id)?.customer {
            let space = FloorBook.space(ofCustomer: customer)
            switch draw.below(10) {
            case 0..<5: return try await edit(tote.cart(), space, device, &draw)
            case 5..<7:
                return try await sync(space, device) { try await tote.syncOnce(deadline: $0) }
            case 7: return try await orderAsTablet(tote, joined)
            case 8: return try await leave(tote, device)
            default: return "nothing"
            }
        }
        switch draw.below(10) {
        case 0..<4:
            let codes = book.snapshot.codes.filter {
                if case .handOff = $0.kind { true } else { false }
            }
            guard let code = draw.one(of: codes), case .handOff(let customer) = code.kind else {
                return "nothing"
            }
            try await session.join(code.text)
            if let id = await tote.joinedHandOff?.id { note(id, isOf: customer) }
            book.forgot(device, in: FloorBook.space(ofCustomer: customer))
            return "join"
        case 4:
            let made = try await tote.makeTote(
                at: Self.store, transport: session.transport, token: session.token)
            book.took(.owner, of: made.id, device.owner)
            await device.use(made, in: session)
            return "tote \(book.prefix(made.id))"
        case 5: return try await join(device, session, .tote, &draw)
        default: return try await actOnShare(device, session, &draw)
        }
    }

    // Carts.

    /// Adds something, or takes something off that shows.
    private func edit(
        _ cart: CartReference, _ space: String, _ device: FloorDevice,
        _ draw: inout SeededGenerator, isGuest: Bool = false
    ) async throws -> String {
        let lines = await cart.value.lines.filter { $0.options["n"] != nil }
        if draw.chance(25), let line = draw.one(of: lines), let mark = line.options["n"] {
            do {
                let receipt = try await cart.remove(line.sku, options: line.options)
                if receipt != nil { book.removed(mark, by: device) }
            } catch {
                // Legal: a disk that failed may have it all the same.
                book.change { $0.lines[mark]?.mayBeLost = true }
                throw error
            }
            return "remove \(mark)"
        }
        if draw.chance(25), let line = draw.one(of: lines) {
            try await cart.setTicked(draw.chance(60), of: line.sku, options: line.options)
            return "tick"
        }
        // A guest's are nobody's yet: they stay when the customer is forgotten.
        let mark = book.newMark(isGuest ? "guest" : space)
        let receipt = try await cart.add("tea", options: ["n": mark])
        if receipt != nil { book.added(mark, to: space, by: device) }
        return "add \(mark)"
    }

    private func sync(
        _ space: String, _ device: FloorDevice, _ once: (Duration) async throws -> SyncReport
    ) async throws -> String {
        let began = book.now
        let report = try await once(.seconds(20))
        if report.isComplete, report.unsentCount == 0 {
            book.sent(space, by: device, until: began)
        }
        return "sync"
    }

    // Hand-offs.

    private func handOff(
        _ tote: Tote, _ customer: Int, _ draw: inout SeededGenerator
    ) async throws -> String {
        let offer = try await tote.offerHandOff(for: .seconds(60 + draw.below(1_800)))
        note(offer.id, isOf: customer)
        book.change {
            $0.codes.append(.init(kind: .handOff(customer: customer), text: offer.text))
        }
        return "hand-off"
    }

    private func endHandOff(
        _ tote: Tote, _ customer: Int, _ draw: inout SeededGenerator
    ) async throws -> String {
        let open = await tote.handOffs.filter { $0.state == .joined }
        guard let handOff = draw.one(of: open) else { return "nothing" }
        if draw.chance(40) {
            // Before: the answer may be lost.
            note(allowed: handOff.id)
            try await tote.allowPoints(in: handOff.id)
            return "allow points"
        }
        try await tote.endHandOff(handOff.id)
        note(ended: handOff.id)
        return "end hand-off"
    }

    private func leave(_ tote: Tote, _ device: FloorDevice) async throws -> String {
        let end = try await tote.leaveHandOff(deadline: .seconds(5))
        return "leave, lost \(end.lostCount)"
    }

    /// Tries to order as a device that may not, unless points are allowed: the server judges.
    private func orderAsTablet(_ tote: Tote, _ joined: JoinedHandOff) async throws -> String {
        let cart = tote.cart("order")
        try await cart.add("tea")
        guard await tote.joinedHandOff?.id == joined.id else { return "nothing" }
        let queued = try await cart.place(OrderRequest(store: Self.store))
        book.change { $0.tabletOrders[queued.order] = joined.id }
        return "order as tablet"
    }

    // Orders.

    private func order(_ tote: Tote, _ draw: inout SeededGenerator) async throws -> String {
        if await tote.catalog == nil { try await tote.refreshCatalog() }
        let cart = tote.cart("order")
        try await cart.add("tea")
        _ = try await cart.place(OrderRequest(store: Self.store))
        return "order"
    }

    private func speak(
        _ tote: Tote, _ device: FloorDevice, _ draw: inout SeededGenerator
    ) async throws -> String {
        let orders = await tote.orders.filter { $0.state != .queued }
        guard let order = draw.one(of: orders) else { return "nothing" }
        if draw.chance(40) {
            try await tote.rate(order.id, 1 + draw.below(5), comment: "fine")
            return "rate"
        }
        let text = "where is it, \(draw.next())?"
        let receipt = try await tote.ask(order.id, text)
        book.change {
            $0.asked[text] = .init(
                receipt: receipt, order: order.id, device: device.number)
        }
        return "ask"
    }

    // What is shared.

    private func join(
        _ device: FloorDevice, _ session: DeviceSession, _ kind: Share.Kind,
        _ draw: inout SeededGenerator
    ) async throws -> String {
        let codes = book.snapshot.codes.filter { code in
            guard case .share(let space, _) = code.kind else { return false }
            // A list is for customers, a tote for everybody.
            return kind == .list || Share.kind(of: space) == kind
        }
        guard let code = draw.one(of: codes), case .share(let space, let role) = code.kind else {
            return "nothing"
        }
        let wasHere = await session.tote.shares.contains { $0.id == space }
        book.joining(space, device.owner)
        book.took(role, of: space, device.owner)
        let share =
            if let store = session.options.store {
                try await session.tote.joinShare(
                    code.text, at: store, transport: session.transport, token: session.token)
            } else {
                try await session.tote.joinShare(code.text)
            }
        book.joining(space, device.owner)
        if !wasHere { book.forgot(device, in: space) }
        await device.use(share, in: session)
        return "join \(Share.kind(of: space)?.rawValue ?? "") \(book.prefix(space))"
    }

    private func actOnShare(
        _ device: FloorDevice, _ session: DeviceSession, _ draw: inout SeededGenerator
    ) async throws -> String {
        let shares = await session.tote.shares
        guard let summary = draw.one(of: shares) else { return "nothing" }
        let space = summary.id
        if let role = summary.role { book.took(role, of: space, device.owner) }
        let share = try await device.open(space, in: session)
        let members = await share.members
        if let own = members.first(where: \.isSelf) {
            book.learned(own.id, is: device.owner, in: space)
        }
        return try await "\(book.prefix(space)) "
            + act(on: share, summary.kind, members, device, &draw)
    }

    private func act(
        on share: SharedSpace, _ kind: Share.Kind, _ members: [ShareMember],
        _ device: FloorDevice, _ draw: inout SeededGenerator
    ) async throws -> String {
        let space = share.id
        switch draw.below(14) {
        case 0..<6: return "share " + (try await edit(share.cart, space, device, &draw))
        case 6..<8:
            return "share "
                + (try await sync(space, device) { try await share.syncOnce(deadline: $0) })
        case 8..<11:
            let role = draw.one(of: Share.Role.allCases) ?? .viewer
            let invitation = try await share.invite(
                as: role, for: .seconds(draw.chance(50) ? 600 : 7_200))
            book.change { book in
                for text in [invitation.code, invitation.link].compactMap({ $0 }) {
                    book.codes.append(.init(kind: .share(space, role), text: text))
                }
            }
            return "invite \(role.rawValue)"
        case 11:
            guard let member = draw.one(of: members.filter { !$0.isSelf }) else {
                return "nothing"
            }
            let role = draw.chance(40) ? nil : draw.one(of: Share.Role.allCases)
            return try await give(role, to: member, in: share)
        case 12:
            guard draw.chance(50) else { return "nothing" }
            let began = book.now
            let left = try await share.leave(deadline: .seconds(5))
            if left.lostCount == 0, kind == .list {
                book.sent(space, by: device, until: began)
            }
            book.lost(space, device.owner, byLeaving: true)
            return "leave share, lost \(left.lostCount)"
        default:
            guard draw.chance(20) else { return "nothing" }
            try await share.end()
            book.lost(space, nil)
            return "end share"
        }
    }

    private func give(
        _ role: Share.Role?, to member: ShareMember, in share: SharedSpace
    ) async throws -> String {
        let owner = book.snapshot.members[member.id]
        if let role, let owner { book.took(role, of: share.id, owner) }
        if let role, owner == nil {
            book.change { _ = $0.given[member.id, default: []].insert(role) }
        }
        try await share.setRole(of: member.id, to: role)
        if role == nil, let owner { book.lost(share.id, owner) }
        return "role \(role?.rawValue ?? "none")"
    }
}

extension SeededGenerator {
    /// One of some, if there is one.
    mutating func one<Element>(of all: [Element]) -> Element? {
        all.isEmpty ? nil : all[below(all.count)]
    }
}
