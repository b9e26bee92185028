import ToteClient
import ToteConcurrency
import ToteCore

// Who looks into devices' directories: what a device has no right to is not there.
extension Floor {
    /// Milliseconds within which a device on a good network is in touch with the server for sure:
    /// its longest wait between two tries, and the longest exchange.
    static let contactMilliseconds: UInt64 = 100_000
    /// How long a device takes to give something back, the server's answer with it.
    private static let partingMilliseconds: UInt64 = 40_000
    private static let lateMilliseconds: UInt64 = 5_000

    /// Since when a device holds what it says that it has not.
    typealias Leftovers = [String: (since: UInt64, starts: Int)]

    func inspect() {
        var leftovers: Leftovers = [:]
        while !isHealed {
            SystemClock.pause(.seconds(12))
            for device in devices where !isHealed { inspect(device, &leftovers) }
        }
    }

    /// What a device says that it holds.
    struct Belief: Sendable {
        var isSignedIn = false
        /// Whether no token is taken of it: it is not in touch, and its user is to sign in.
        var isRefused = false
        var shares: [ShareSummary] = []
        var joined: JoinedHandOff?
    }

    func belief(_ session: DeviceSession) -> Belief {
        Blocking.wait {
            Belief(
                isSignedIn: await session.tote.isSignedIn,
                isRefused: await session.tote.status == .signedOut,
                shares: await session.tote.shares,
                joined: await session.tote.joinedHandOff)
        }
    }

    private func inspect(_ device: FloorDevice, _ leftovers: inout Leftovers) {
        guard let session = device.session else { return }
        let belief = belief(session)
        let names = book.snapshot.names
        let held = device.marks()
        let now = book.now
        guard device.session === session else { return }
        // Legal: it can erase nothing now.
        guard !device.isDiskBad else {
            leftovers = leftovers.filter { !$0.key.hasPrefix("\(device.number) ") }
            return
        }
        let allowed = allowed(device, belief)
        for (space, name) in names.sorted(by: { $0.key < $1.key }) where held.contains(name) {
            let key = "\(device.number) \(space)"
            if allowed?.contains(space) ?? true {
                leftovers[key] = nil
                let isHidden = belief.joined != nil && Share.kind(of: space) != nil
                if !belief.isRefused, !isHidden { judgeLoss(device, space, at: now) }
            } else if let former = leftovers[key], former.starts == device.starts {
                guard now < former.since + Self.partingMilliseconds else {
                    book.fail(
                        "kept", "\(device.name) says that it has nothing of \(space), and holds it")
                    return
                }
            } else {
                leftovers[key] = (now, device.starts)
            }
        }
        for (space, name) in names where !held.contains(name) {
            leftovers["\(device.number) \(space)"] = nil
        }
        if let joined = belief.joined { judge(joined, on: device, at: now) }
    }

    /// The spaces that a device may hold something of by what it says itself; `nil` for all.
    func allowed(_ device: FloorDevice, _ belief: Belief) -> Set<String>? {
        // What is an account's stays on the device while a guest's documents show.
        guard belief.isSignedIn || { if case .store = device.owner { true } else { false } }()
        else { return nil }
        var allowed = Set(belief.shares.map(\.id))
        allowed.insert("guest")
        switch device.owner {
        case .customer(let customer): allowed.insert(FloorBook.space(ofCustomer: customer))
        case .store:
            guard let joined = belief.joined else { break }
            if let facts = facts(of: joined.id) {
                allowed.insert(FloorBook.space(ofCustomer: facts.customer))
            }
            // The device's own totes are there, and do not show meanwhile.
            allowed.formUnion(book.snapshot.names.keys.filter { Share.kind(of: $0) == .tote })
        }
        return allowed
    }

    /// Somebody was told that this device's right is gone: it holds nothing once it has been in
    /// touch with the server.
    private func judgeLoss(_ device: FloorDevice, _ space: String, at now: UInt64) {
        let good = max(device.goodSince, serverSince)
        for loss in book.snapshot.losses where loss.space == space && loss.isSure {
            guard loss.owner == nil || loss.owner == device.owner, !hasJoinedSince(loss, device),
                good < .max, now > max(good, loss.at) + Self.contactMilliseconds
            else { continue }
            book.fail(
                "outlived_contact",
                "\(device.name) holds \(space), which it lost \((now - loss.at) / 1_000) s ago")
        }
    }

    func hasJoinedSince(_ loss: FloorBook.Loss, _ device: FloorDevice) -> Bool {
        let book = book.snapshot
        if let joined = book.joined[loss.space]?[device.owner], joined >= loss.at { return true }
        return false
    }

    private func judge(_ joined: JoinedHandOff, on device: FloorDevice, at now: UInt64) {
        if now > joined.until + Self.lateMilliseconds {
            book.fail(
                "outlived_timeout",
                "\(device.name) holds a hand-off that is over for \(now - joined.until) ms")
        }
        // What was asked since the end was answered: that is the contact.
        guard let facts = facts(of: joined.id), let ended = facts.endedAt,
            book.snapshot.restores == 0,
            let answered = device.session?.link.answered[
                FloorBook.space(ofCustomer: facts.customer)],
            answered.asked > ended, now > answered.at + Self.lateMilliseconds
        else { return }
        book.fail("outlived_contact", "\(device.name) holds a hand-off that was ended")
    }
}
