import ToteConcurrency
import ToteCore
import ToteSQLite
import ToteSimulation

// What befalls networks, clocks, devices, tokens and the server.
extension Floor {
    /// Those that strike here: all but a sweep, which the whole service does by itself.
    static let faults = Fault.allCases.filter { $0 != .swept }
    private static let copiesMax = 2
    private static let calmPercent = 3

    /// Strikes again and again while there are faults.
    func strike() {
        var weather = SeededGenerator(seed: seed ^ 0xC10D)
        let faults = rates.sorted()
        while !isHealed {
            SystemClock.pause(.milliseconds(1_000 + weather.below(7_000)))
            if weather.chance(Self.calmPercent) { beCalm() }
            guard !isHealed, let fault = weather.one(of: faults),
                let device = weather.one(of: devices)
            else { continue }
            do {
                for device in devices where weather.chance(20) { try device.mend() }
                if try strike(fault, device, &weather) {
                    book.change { $0.struck[fault.rawValue, default: 0] += 1 }
                    book.note("\(device.name)  FAULT \(fault.rawValue)")
                }
            } catch {
                book.fail("fault_failed", "\(fault.rawValue) on \(device.name): \(error)")
            }
        }
    }

    private func strike(
        _ fault: Fault, _ device: FloorDevice, _ weather: inout SeededGenerator
    ) throws -> Bool {
        switch fault {
        case .slow: try device.use(.preset(weather.chance(50) ? "very-bad" : "edge") ?? .presets[0])
        case .jitter: try device.use(.jittery)
        case .offline: try device.use(.presets[0])
        case .captivePortal: try device.use(.preset("captive") ?? .presets[0])
        case .partition: for device in devices { try device.use(.presets[0]) }
        case .requestLost: device.meet(.lostRequest)
        case .replyLost: device.meet(.lostReply)
        case .requestCut: device.meet(.cutRequest(bytes: weather.below(400)))
        case .replyCut: device.meet(.cutReply(bytes: 1 + weather.below(400)))
        case .replyTruncated: device.meet(.truncatedReply)
        case .replyLate: device.meet(.lateReply)
        case .requestDuplicated: device.meet(.twice)
        case .badGateway: device.meet(.badGateway)
        case .gatewayTimeout: device.meet(.gatewayTimeout)
        case .deafUp: device.meet(.lostRequest, times: 10)
        case .deafDown: device.meet(.lostReply, times: 10)
        case .answerRepeated: book.change { $0.repeatsHandOver = true }
        case .overloaded: device.meet(.overloaded, times: 1 + weather.below(5))
        case .stall: try device.use(.stalled)
        case .menuChanged, .soldOut: return try changeStore(fault, &weather)
        case .restored: return try restoreOrBackUp(&weather)
        case .restarted, .crashBeforeCommit, .crashAfterCommit, .serverPowerLost, .serverDiskFull,
            .serverDiskFailed, .upgraded:
            return try strikeServer(fault, &weather)
        case .tokenExpired, .tokenUnavailable:
            guard case .customer(let customer) = device.owner else { return false }
            try replaceToken(of: device, customer, isLate: fault == .tokenUnavailable)
        default: return try strikeProcess(fault, device, &weather)
        }
        // Some of the time it is over soon.
        if weather.chance(60) {
            SystemClock.pause(.milliseconds(weather.below(20_000)))
            for device in devices where !isHealed { try device.turnGood() }
        }
        return true
    }

    /// Nothing strikes for as long as it takes a device to be in touch with the server for sure:
    /// what it lost by then it must not hold.
    private func beCalm() {
        do {
            for device in devices {
                try device.mend()
                try device.turnGood()
            }
        } catch {
            book.fail("fault_failed", "calm: \(error)")
        }
        book.note("calm")
        SystemClock.pause(.milliseconds(Int64(Self.contactMilliseconds) + 30_000))
    }

    /// What strikes the process, its clocks and its directory.
    private func strikeProcess(
        _ fault: Fault, _ device: FloorDevice, _ weather: inout SeededGenerator
    ) throws -> Bool {
        guard let session = device.session else { return false }
        switch fault {
        case .diskFull, .diskFailed:
            device.fail(fault == .diskFull, &weather)
            return true
        case .clockDrift:
            let drift = Int64(weather.below(100_000)) - 50_000
            try Blocking.wait {
                await Result.of { try await session.change { $0.driftMillionths = drift } }
            }.get()
            return true
        case .signedOut:
            guard case .customer = device.owner, weather.chance(30) else { return false }
            let out = Blocking.wait { await Result.of { try await session.signOut() } }
            // Legal to fail, on a full disk.
            guard case .success = out else { return false }
            device.closeShares()
            return true
        case .clockJump, .clockYears:
            let span = fault == .clockJump ? 3_600_000 : 10 * 365 * 86_400_000
            let skew = Int64(weather.below(2 * span) - span)
            try Blocking.wait {
                await Result.of { try await session.change { $0.skewMilliseconds = skew } }
            }.get()
            return true
        case .paused:
            Blocking.wait { await session.setLive(false) }
            device.turnBad()
            SystemClock.pause(.milliseconds(weather.below(30_000)))
            Blocking.wait { await session.setLive(true) }
            return true
        case .copied:
            guard !device.isRetired, case .customer = device.owner, copyCount < Self.copiesMax
            else { return false }
        case .rolledBack, .reinstalled:
            guard case .customer = device.owner, weather.chance(30) else { return false }
        case .reboot, .powerLost:
            _ = try Blocking.wait { await Result.of { try await session.run("reboot") } }.get()
            // Nobody knows for how long it was off: the time of what has one is over.
            for space in book.snapshot.names.keys where Share.kind(of: space) == .tote {
                book.forgot(device, in: space)
            }
        default: break
        }
        try device.end(losing: fault == .powerLost ? weather.next() : nil)
        defer { SystemClock.pause(.milliseconds(weather.below(10_000))) }
        switch fault {
        case .copied: try copy(device)
        case .reinstalled:
            device.reinstall()
            book.forgot(device)
        case .rolledBack:
            if try device.saveOrRollBack() {
                book.forgot(device)
                book.note("\(device.name)  goes back")
            }
        default: SystemClock.pause(.milliseconds(weather.below(30_000)))
        }
        try device.start()
        return true
    }

    /// Tea costs something else, or is sold out for a while.
    private func changeStore(_ fault: Fault, _ weather: inout SeededGenerator) throws -> Bool {
        guard server.isRunning else { return false }
        if fault == .menuChanged {
            let catalog = try Self.catalog(teaPrice: 300 + weather.below(4) * 10)
            _ = try administrator.importCatalog(catalog)
            return true
        }
        _ = try administrator.call(
            "POST", "/v1/stores/\(Self.store)/availability",
            .map(["sku": .text("tea"), "available": .bool(weather.chance(60))]),
            token: secret("counter-\(Self.store)"), key: "sold-out \(weather.next())")
        return true
    }

    private func copy(_ device: FloorDevice) throws {
        guard case .customer(let customer) = device.owner else { return }
        let number = devices.count
        book.copied(device)
        try mint(customer, device: number)
        try begin(try device.copied(as: number, tokenFile: tokenFile(of: number)))
    }

    private func replaceToken(
        of device: FloorDevice, _ customer: Int, isLate: Bool
    ) throws {
        guard !book.snapshot.erased.contains(customer) else { return }
        let old = takeTokens(of: device.number)
        if !isLate { try mint(customer, device: device.number) }
        // Legal to fail: a restored server may not know them.
        for id in old { try? administrator.revoke(id) }
        if isLate {
            SystemClock.pause(.seconds(8))
            // Legal to fail: they may be forgotten meanwhile.
            do { try mint(customer, device: device.number) } catch {
                guard book.snapshot.erased.contains(customer) else { throw error }
            }
        }
    }

    private func restoreOrBackUp(_ weather: inout SeededGenerator) throws -> Bool {
        guard Files.exists(server.files.backup("b")) else {
            try server.makeBackup("b")
            return false
        }
        guard weather.chance(50) else { return false }
        try server.restore("b")
        server.disk?.unsynced = [:]
        serverSince = book.now
        let moment = book.now
        book.change { $0.restores += 1 }
        book.note("the server goes back, at \(moment)")
        for device in devices {
            guard case .customer(let customer) = device.owner else { continue }
            // Nobody mints one for who was forgotten, and it may not know the former.
            let isErased = book.snapshot.erased.contains(customer)
            if isErased {
                _ = takeTokens(of: device.number)
            } else {
                try mint(customer, device: device.number)
            }
        }
        Files.remove(server.files.backup("b"))
        return true
    }
}

extension FloorDevice {
    func meet(_ fault: NetworkFault, times: Int = 1) {
        turnBad()
        session?.link.add(fault, times: times)
    }
}

extension NetworkProfile {
    /// Nothing moves for a while, and then all of it does.
    fileprivate static let stalled = NetworkProfile(
        name: "stalled", latency: 20_000, jitter: 0, down: 0, up: 0, loss: 0, summary: "20 s")
    /// One overtakes the other.
    fileprivate static let jittery = NetworkProfile(
        name: "jittery", latency: 20, jitter: 5_000, down: 0, up: 0, loss: 0, summary: "to 5 s")
}

extension Result where Failure == any Error {
    static func of(_ body: () async throws -> Success) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
