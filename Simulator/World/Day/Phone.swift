internal import ToteClient
internal import ToteCore
internal import ToteSQLite

/// A customer's device: the production replica and the production sync machine, and what is around
/// them: its clocks, its disk, its token and its network.
final class Phone {
    let number: Int
    let customer: Int
    var replica: Replica
    var machine: SyncMachine
    /// Counts starts of the app: what an earlier one waited for is nobody's.
    var launch = 0
    /// Counts installations.
    var installation = 0
    var isRunning = true
    /// Whether its user has put the app away: it does not sync.
    var isAway = false
    /// Counts what its user does, and starts.
    var touches = 0
    var token = ""
    var underWay: [SyncMachine.ID: Outgoing] = [:]
    /// Milliseconds that its wall clock is off, and how many of a million it runs too fast.
    var skew: Int64 = 0
    var drift: Int64 = 0
    var boot: UInt64 = 1
    var bootedAt: UInt64
    /// Where its file is, in a day of disks that fail.
    var disk: SimulatedDisk?
    /// What its user did and was told could not be saved: it may be there nevertheless, as shows
    /// when the file is read anew, or an older one in its place.
    var unsure: [Unsure] = []
    /// An image of its disk to go back to.
    var saved: Drive?
    /// Milliseconds of true time until which it has no network, or one that lies.
    var offlineUntil: UInt64 = 0
    var captiveUntil: UInt64 = 0
    var deafUpUntil: UInt64 = 0
    var deafDownUntil: UInt64 = 0
    var tokenlessUntil: UInt64 = 0
    /// Until when nothing moves, and then all of it does.
    var stalledUntil: UInt64 = 0
    /// One way, in milliseconds.
    var latency: UInt64
    var catalogVersion = 0
    /// What its user has made while signed out.
    var guest: Guest?

    struct Unsure {
        var act: Record.Act
        var writes: [Record.Write] = []
        var order: OrderID?
    }

    init(
        number: Int, customer: Int, replica: Replica, disk: SimulatedDisk?, now: UInt64,
        latency: UInt64
    ) {
        self.number = number
        self.customer = customer
        self.replica = replica
        self.disk = disk
        machine = SyncMachine(hasAccount: true)
        bootedAt = now - 3_600_000
        self.latency = latency
    }

    func reading(_ now: UInt64) -> ClockReading {
        let gone = Int64(now - Day.start)
        let wall = Int64(now) + skew + gone / 1_000 * drift / 1_000
        return ClockReading(
            wallMilliseconds: UInt64(clamping: wall), uptimeMilliseconds: now - bootedAt,
            bootID: boot)
    }

    /// Whether all that it has is judged, and it waits for nothing but news.
    var isSettled: Bool {
        guard isRunning, guest == nil, replica.outstandingCount == 0, !replica.hasWork else {
            return false
        }
        if case .upToDate = machine.status { return true }
        return false
    }

    var isSignedOut: Bool { machine.status == .signedOut }

    var standing: String {
        "\(isRunning ? "\(machine.status)" : "not running"), \(replica.outstandingCount) to send"
    }
}

extension Day {
    func addPhone(of customer: Int) throws {
        let (replica, disk) = try newReplica(emptyDrive)
        let phone = Phone(
            number: phones.count, customer: customer, replica: replica, disk: disk, now: now,
            latency: UInt64(10 + weather.below(200)))
        phone.token = site.tokens[customer].secret
        phones.append(phone)
        try begin(phone)
    }

    /// A phone that is there from now on: it looks for faults, and its user acts.
    func begin(_ phone: Phone) throws {
        timeline.plan(
            .look(device: phone.number),
            at: now + UInt64(weather.below(Int(options.lookMilliseconds))))
        planAct(phone)
        try launch(phone)
    }

    /// The app starts: what it had in memory is gone.
    func launch(_ phone: Phone) throws {
        phone.launch += 1
        phone.isRunning = true
        phone.underWay = [:]
        phone.machine = SyncMachine(hasAccount: true, lastID: phone.machine.lastID)
        try join(phone)
        try takeOut(phone)
    }

    /// The app is in its user's hand, and syncs live.
    func takeOut(_ phone: Phone) throws {
        phone.isAway = false
        touch(phone)
        try feed(phone, .start(isLive: true))
    }

    func touch(_ phone: Phone) {
        phone.touches += 1
        guard let open = options.openMilliseconds else { return }
        timeline.plan(.putAway(device: phone.number, touches: phone.touches), at: now + open)
    }

    /// Nobody has touched it since.
    func putAway(_ phone: Phone, _ touches: Int) throws {
        guard !isHealed, phone.isRunning, phone.touches == touches else { return }
        phone.isAway = true
        try feed(phone, .stop)
    }

    /// Another file is in the place of the app's.
    func reopen(_ phone: Phone, _ drive: Drive) throws {
        (phone.replica, phone.disk) = try newReplica(drive)
        noteUnsure(phone)
    }

    func whenRunning(_ phone: Phone, _ launch: Int, _ body: (Phone) throws -> Void) rethrows {
        if phone.isRunning, phone.launch == launch { try body(phone) }
    }

    /// Gives the machine an event and does what it decides, as the app's shell does.
    func feed(_ phone: Phone, _ event: SyncMachine.Event) throws {
        let reading = phone.reading(now)
        let moment = SyncMachine.Moment(
            wallMilliseconds: reading.wallMilliseconds,
            uptimeMilliseconds: reading.uptimeMilliseconds, random: weather.next())
        let actions = phone.machine.handle(event, at: moment)
        phone.machine.checkInvariants()
        for action in actions {
            switch action {
            case .fetchToken(let id):
                timeline.plan(
                    .token(device: phone.number, launch: phone.launch, id),
                    at: now + 5 + UInt64(weather.below(200)))
            case .send(let id, let lane): try send(phone, id, lane)
            case .wakeUp(let id, let delay):
                timeline.plan(
                    .timer(device: phone.number, launch: phone.launch, id),
                    at: now + UInt64(delay / .milliseconds(1)))
            case .forget(let id): phone.underWay[id] = nil
            }
        }
    }

    /// What the app's own backend says when it is asked for a token.
    func giveToken(_ phone: Phone, _ id: SyncMachine.ID) throws {
        guard now >= phone.tokenlessUntil || isHealed else {
            return try feed(phone, .tokenFailed(id, "the backend is away"))
        }
        phone.token = site.tokens[phone.customer].secret
        try feed(phone, .tokenArrived(id, lifetimeMilliseconds: nil))
    }

    func receive(_ message: Message, _ answer: Answer) throws {
        let phone = phones[message.device]
        guard phone.isRunning, phone.launch == message.launch,
            let outgoing = phone.underWay.removeValue(forKey: message.id)
        else { return note(.dropped(device: message.device, request: message.number)) }
        noteAnswer(message, answer)
        let before = phone.replica.id
        let taken = try storing(phone, message.id) { () throws(ToteError) in
            try phone.replica.receive(
                status: answer.status, body: answer.body, isProblem: answer.isProblem,
                to: outgoing, at: phone.reading(now))
        }
        guard let outcome = taken else { return }
        phone.replica.checkInvariants()
        if phone.replica.id != before, struck[.copied] == nil, struck[.rolledBack] == nil {
            throw DayFailure(
                kind: .wrong, code: "fork_without_copy",
                message: "device \(phone.number) was told of a copy, and there is none")
        }
        if case .halted(let error) = outcome {
            throw DayFailure(
                kind: .wrong, code: "gave_up", message: "device \(phone.number): \(error)")
        }
        try feed(phone, .answered(message.id, outcome))
        if case .progress = outcome { try join(phone) }
        // A token that a restore has voided, refused late: its user signs in again, as before.
        if isHealed, phone.isSignedOut, message.number <= lastFaultyRequest { try launch(phone) }
        if case .progress(isCurrent: true) = outcome, !isHealed { try keepLeases(phone) }
    }

    private func noteAnswer(_ message: Message, _ answer: Answer) {
        var (epoch, seen, fates): (UInt64, [Record.Seen], [Nonce]) = (0, [], [])
        if answer.status == 200, let reply = try? Encoding.cbor.reply(answer.body) {
            epoch = reply.cursor.epoch
            seen = reply.events.flatMap(Record.Seen.all)
            for event in seen where event.outcome == "accepted" { nonces[event.dot] = event.nonce }
            if !reply.fates.isEmpty { fates = message.outgoing.request.changes.map(\.change.nonce) }
        }
        note(
            .answered(
                device: message.device, request: message.number, status: answer.status,
                epoch: epoch, seen, fates: fates))
    }
}

extension Record.Seen {
    /// The events of a run, each with its position.
    static func all(_ run: Run) -> [Record.Seen] {
        run.events.enumerated().map { index, event in
            Record.Seen(
                event, at: run.position + UInt64(index), isShort: run.digest != nil)
        }
    }

    /// - Parameter isShort: whether accepted changes come without what they do.
    init(_ event: Event, at position: UInt64, isShort: Bool) {
        self.init(
            position: position, dot: event.dot, nonce: event.change.nonce,
            outcome: Self.name(event, isShort: isShort), stamp: event.change.time)
    }

    private static func name(_ event: Event, isShort: Bool) -> String {
        switch event.outcome {
        case .accepted where !isShort && event.change.writes.isEmpty && event.change.intent == nil:
            "empty"
        case .accepted: "accepted"
        case .rejected(let rejection): rejection.code
        case .sameAs: "same_as"
        }
    }
}
