/// What can go wrong in a day. Raw values name them in records, repro files and `--without`.
package enum Fault: String, CaseIterable, Sendable, Comparable {
    // The network, for one message.
    case slow
    case jitter
    case requestLost = "request-lost"
    case replyLost = "reply-lost"
    case requestCut = "request-cut"
    case replyCut = "reply-cut"
    case replyTruncated = "reply-truncated"
    case requestDuplicated = "request-duplicated"
    case replyLate = "reply-late"
    case badGateway = "bad-gateway"
    case gatewayTimeout = "gateway-timeout"
    // The network, for a while.
    case stall
    case offline
    case captivePortal = "captive-portal"
    case deafUp = "one-way-up"
    case deafDown = "one-way-down"
    case partition
    // Clocks.
    case clockDrift = "clock-drift"
    case clockJump = "clock-jump"
    case clockYears = "clock-years"
    case reboot
    // Devices.
    case killed
    case paused
    case reinstalled
    case copied
    case rolledBack = "rolled-back"
    case signedOut = "signed-out"
    // Tokens.
    case tokenExpired = "token-expired"
    case tokenUnavailable = "token-unavailable"
    // The store and its catalogue.
    case menuChanged = "menu-changed"
    case soldOut = "sold-out"
    case answerRepeated = "answer-repeated"
    // The server.
    case crashBeforeCommit = "crash-before-commit"
    case crashAfterCommit = "crash-after-commit"
    case restarted
    case overloaded
    case restored
    case swept
    // Disks, under the devices and the server.
    case powerLost = "power-lost"
    case diskFull = "disk-full"
    case diskFailed = "disk-failed"
    case serverPowerLost = "server-power-lost"
    case serverDiskFull = "server-disk-full"
    case serverDiskFailed = "server-disk-failed"
    // The server's program: the next start brings the file to a newer schema.
    case upgraded

    /// Faults that strike one message of a device.
    static let ofMessages: [Fault] = [
        .requestLost, .replyLost, .requestCut, .replyCut, .replyTruncated, .requestDuplicated,
        .replyLate, .badGateway, .gatewayTimeout,
    ]
    /// Faults that strike a device now and then.
    static let ofDevices: [Fault] = [
        .offline, .stall, .captivePortal, .deafUp, .deafDown, .clockJump, .clockYears, .reboot,
        .killed,
        .paused, .reinstalled, .copied, .rolledBack, .signedOut, .tokenExpired, .tokenUnavailable,
        .powerLost, .diskFull, .diskFailed,
    ]
    /// Faults that strike the server, the store or everybody now and then.
    static let ofTheServer: [Fault] = [
        .partition, .menuChanged, .soldOut, .restarted, .overloaded, .restored, .swept,
        .serverPowerLost, .serverDiskFull, .serverDiskFailed, .upgraded,
    ]
    /// Faults of disks: a day has simulated ones, which cost time, when it has any of these.
    static let ofDisks: Set<Fault> = [
        .powerLost, .diskFull, .diskFailed, .serverPowerLost, .serverDiskFull, .serverDiskFailed,
    ]

    package static func < (left: Fault, right: Fault) -> Bool { left.rawValue < right.rawValue }
}
