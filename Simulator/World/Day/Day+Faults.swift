internal import ToteClient
internal import ToteCore

// What strikes a device: its network, its clocks, its disk and its app.
extension Day {
    /// How many of a million a wall clock may run too fast or too slow: what a poor one loses in a
    /// week is lost in the half hour of a day here.
    private static let driftMillionthsMax = 50_000

    /// Now and then something may strike a device.
    func look(at phone: Phone) throws {
        guard !isHealed else { return }
        timeline.plan(.look(device: phone.number), at: now + options.lookMilliseconds)
        // Two tokens in a row were refused: the app asks its user to sign in.
        if phone.isRunning, phone.isSignedOut { try launch(phone) }
        emptyDisk(phone)
        for fault in Fault.ofDevices where strikes(fault) { try strike(phone, fault) }
        if options.rates[.clockDrift] != nil, phone.drift == 0 {
            phone.drift =
                Int64(draw(.clockDrift, below: 2 * Self.driftMillionthsMax))
                - Int64(Self.driftMillionthsMax)
            note(.clockDrift, device: phone.number)
        }
    }

    private func strike(_ phone: Phone, _ fault: Fault) throws {
        let length = 1_000 + UInt64(draw(fault, below: 90_000))
        switch fault {
        case .offline, .captivePortal, .deafUp, .deafDown: cutOff(phone, fault, length)
        case .stall: phone.stalledUntil = now + length
        case .clockJump: phone.skew += Int64(draw(fault, below: 7_200_000)) - 3_600_000
        case .clockYears:
            let decade = 10 * 365 * 24 * 3_600 * 1_000
            phone.skew = Int64(draw(fault, below: 2 * decade)) - Int64(decade)
        case .reboot, .powerLost:
            phone.boot = UInt64(1 + draw(fault, below: .max))
            phone.bootedAt = now
            try kill(phone, for: length, losingPower: fault == .powerLost)
        case .diskFull, .diskFailed: fail(phone.disk, fault)
        case .killed: try kill(phone, for: length)
        case .paused:
            guard phone.isRunning else { return }
            // Timers and answers of a paused app are late; the system forgets its connections.
            phone.isRunning = false
            timeline.plan(.wake(device: phone.number, launch: phone.launch), at: now + length)
        case .reinstalled: try reinstall(phone)
        case .copied: return try copy(phone)
        case .rolledBack:
            guard let saved = phone.saved else {
                phone.saved = try? phone.drive
                return
            }
            (phone.saved, phone.guest) = (nil, nil)
            try reopen(phone, saved)
            note(fault, device: phone.number)
            return try launch(phone)
        case .signedOut: try signOutAndIn(phone)
        case .tokenExpired:
            let former = site.tokens[phone.customer]
            guard now > former.since + Site.Token.leastMilliseconds else { return }
            guard let token = try atServer({ try site.mint(phone.customer, now) }) else { return }
            site.tokens[phone.customer] = token
            _ = try ask("DELETE", "v1/admin/tokens/\(former.id)")
        case .tokenUnavailable:
            // The app asks for one as it starts: that is when it is felt.
            phone.tokenlessUntil = now + length
            try signOutAndIn(phone)
        default: return
        }
        note(fault, device: phone.number)
    }

    private func cutOff(_ phone: Phone, _ fault: Fault, _ length: UInt64) {
        switch fault {
        case .offline: phone.offlineUntil = now + length
        case .captivePortal: phone.captiveUntil = now + length
        case .deafUp: phone.deafUpUntil = now + length
        default: phone.deafDownUntil = now + length
        }
        timeline.plan(.online(device: phone.number), at: now + length + 1)
    }

    /// The process ends at once: what is in its file is all there is.
    private func kill(_ phone: Phone, for length: UInt64, losingPower: Bool = false) throws {
        try restart(phone, losingPower: losingPower)
        phone.isRunning = false
        phone.launch += 1
        timeline.plan(.wake(device: phone.number, launch: phone.launch), at: now + length)
    }

    func wake(_ phone: Phone, _ launch: Int) throws {
        guard !phone.isRunning, phone.launch == launch else { return }
        try self.launch(phone)
    }

    /// The app and its file are gone; the customer signs in again on a new one.
    private func reinstall(_ phone: Phone) throws {
        try reopen(phone, emptyDrive)
        phone.installation += 1
        phone.catalogVersion = 0
        (phone.saved, phone.guest) = (nil, nil)
        planAct(phone)
        try launch(phone)
    }

    /// The device's whole disk appears on another device; sometimes as it was before the guest
    /// there had ever signed in.
    private func copy(_ phone: Phone) throws {
        guard phones.count < options.customers * options.devicesEach + 3 else { return }
        let isGuestAlone = phone.guest != nil && draw(.copied, below: 2) == 0
        let (replica, disk) = try newReplica(isGuestAlone ? emptyDrive : phone.drive)
        let copy = Phone(
            number: phones.count, customer: phone.customer, replica: replica, disk: disk, now: now,
            latency: phone.latency)
        copy.skew = phone.skew
        copy.token = phone.token
        if !isGuestAlone { copy.unsure = phone.unsure }
        copy.guest = phone.guest
        copy.boot =
            draw(.copied, below: 2) == 0 ? phone.boot : UInt64(1 + draw(.copied, below: .max))
        phones.append(copy)
        note(.copied, device: phone.number)
        try begin(copy)
    }

    private func signOutAndIn(_ phone: Phone) throws {
        guard phone.isRunning else { return }
        try feed(phone, .stop)
        try launch(phone)
    }
}
