internal import ToteCore

/// What a device knows of the server's time at one moment.
package struct ServerTime: Hashable, Sendable {
    /// The best estimate: what a code is made for, and held against.
    package var milliseconds: UInt64
    /// Whether the device's uptime tells it: the device was not started anew since it last heard
    /// from the server.
    package var isSure: Bool

    package init(milliseconds: UInt64, isSure: Bool) {
        self.milliseconds = milliseconds
        self.isSure = isSure
    }

    /// How late a sure estimate may be wrong by: a reply is up to 40 s on its way, and an uptime
    /// that is off by 300 millionths loses 78 s in the 72 h of a lease.
    static let sureMargin: UInt64 = 120_000
    /// After a start without contact nothing tells how long the device was off: its wall clock says
    /// what the customer set. Near its end a lease is refused then.
    package static let unsureMargin: UInt64 = 12 * 3_600_000

    /// A reading that is not early, to hold the end of a lease against.
    package var cautious: UInt64 { milliseconds + (isSure ? Self.sureMargin : Self.unsureMargin) }
}

extension Replica {
    /// Replies of two lanes overtake each other by no more.
    static var overtakingMillisecondsMax: UInt64 { 60_000 }
    /// How long one reply tells the server's time better than those after it: an uptime that is off
    /// by 300 millionths has lost a fifth of a second by then.
    static var anchorMillisecondsMax: UInt64 { 600_000 }

    /// The server's time, by the reply that tells it best and what the device's own clocks counted
    /// since; `nil` before the first reply.
    ///
    /// Never before a time that something was decided by. After a start of the device the wall
    /// clock is believed only in what it says to be later.
    package func serverTime(at reading: ClockReading) -> ServerTime? {
        guard let anchor else { return nil }
        let last = anchor.reading
        if reading.bootID == last.bootID, reading.uptimeMilliseconds >= last.uptimeMilliseconds {
            let elapsed = reading.uptimeMilliseconds - last.uptimeMilliseconds
            return ServerTime(
                milliseconds: max(timeFloor, anchor.serverMilliseconds + elapsed), isSure: true)
        }
        let least = max(timeFloor, anchor.serverMilliseconds) + reading.uptimeMilliseconds
        let byWall = ClockAnchor(
            serverMilliseconds: anchor.serverMilliseconds,
            reading: ClockReading(
                wallMilliseconds: last.wallMilliseconds, uptimeMilliseconds: 0,
                bootID: ~reading.bootID)
        ).serverMilliseconds(at: reading)
        return ServerTime(
            milliseconds: min(max(least, byWall), Timestamp.millisecondsMax), isSure: false)
    }

    /// Notes that something was decided by a time: later ones are not before it. Call it within a
    /// transaction.
    func noteDecided(at time: ServerTime) throws {
        // A wall clock that was years ahead must not outlive its correction.
        guard time.isSure, time.milliseconds > timeFloor else { return }
        try setTimeFloor(time.milliseconds)
    }

    func setTimeFloor(_ milliseconds: UInt64) throws {
        guard milliseconds != timeFloor else { return }
        timeFloor = milliseconds
        try store.setFact("time_floor", milliseconds)
    }

    /// Takes the server's time from a reply. It is past by as long as the reply was on its way: of
    /// several replies the one that makes it latest tells it best, as long as the device's uptime
    /// can be held against the server's clock. (The clock filter of NTP, RFC 5905 section 10.)
    func hear(_ serverMilliseconds: UInt64, at reading: ClockReading) throws {
        heard = serverMilliseconds
        // Legal above it: replies of two lanes overtake each other. Far above it, the server's
        // clock was set back, and what the device thought is of no use.
        let latest = serverMilliseconds + Self.overtakingMillisecondsMax
        try setTimeFloor(min(timeFloor, latest))
        if let anchor, anchor.reading.bootID == reading.bootID {
            let known = anchor.serverMilliseconds(at: reading)
            // A great number where the uptime fell, which only that of a copied device does.
            let age = reading.uptimeMilliseconds &- anchor.reading.uptimeMilliseconds
            if (serverMilliseconds...latest).contains(known), age < Self.anchorMillisecondsMax {
                return try keepWallClock(anchor, known, age: age, at: reading)
            }
        }
        try setAnchor(ClockAnchor(serverMilliseconds: serverMilliseconds, reading: reading))
    }

    /// A wall clock that was set since the anchor: after the next start of the device it is all
    /// that tells how long it was off.
    private func keepWallClock(
        _ anchor: ClockAnchor, _ serverMilliseconds: UInt64, age: UInt64, at reading: ClockReading
    ) throws {
        let moved = reading.wallMilliseconds &- anchor.reading.wallMilliseconds
        let error = Int64(bitPattern: moved &- age).magnitude
        guard error > Self.overtakingMillisecondsMax else { return }
        try setAnchor(ClockAnchor(serverMilliseconds: serverMilliseconds, reading: reading))
    }

    func setAnchor(_ anchor: ClockAnchor) throws {
        self.anchor = anchor
        try store.setFact("anchor_server", anchor.serverMilliseconds)
        try store.setFact("anchor_wall", anchor.reading.wallMilliseconds)
        try store.setFact("anchor_uptime", anchor.reading.uptimeMilliseconds)
        try store.setFact("anchor_boot", anchor.reading.bootID)
    }
}
