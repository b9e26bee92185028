public import ToteCore

/// A customer's documents on this device, which is a store's: until when, and what it may do.
public struct JoinedHandOff: Hashable, Sendable, Identifiable {
    public var id: HandOff.ID
    /// Milliseconds of the server's clock.
    public var until: UInt64
    /// Whether it may spend points and place orders.
    public var allowsPoints: Bool
}

/// How a hand-off ended on this device.
public struct EndedHandOff: Hashable, Sendable, Identifiable {
    public enum Reason: String, Hashable, Sendable {
        /// This device gave it back.
        case left
        /// The customer, or the server, ended it.
        case revoked
        /// Its time is over.
        case over
    }

    public var id: HandOff.ID
    public var reason: Reason
    /// Changes that were made here and that the server did not get: they are gone with the rest.
    public var lostCount: Int

    package init(id: HandOff.ID, reason: Reason, lostCount: Int) {
        self.id = id
        self.reason = reason
        self.lostCount = lostCount
    }
}

/// What this device keeps of a hand-off, to go on after it was started anew.
struct Borrowed: Hashable {
    var joined: JoinedHandOff
    /// Names the file of the customer's documents.
    var file: String
    var space: String
    /// The token.
    var secret: String
    /// When it is over, by the uptime of this start of the device: no clock that somebody can set
    /// decides it.
    var bootID: UInt64
    var since: UInt64
    var deadline: UInt64

    /// Milliseconds until it is over; 0 when it is.
    func rest(at reading: ClockReading) -> UInt64 {
        guard reading.bootID == bootID,
            (since..<deadline).contains(reading.uptimeMilliseconds)
        else { return 0 }
        return deadline - reading.uptimeMilliseconds
    }
}
