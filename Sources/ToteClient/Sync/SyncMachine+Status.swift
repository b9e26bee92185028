#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension SyncMachine {
    /// What to show to the app.
    package var status: SyncStatus {
        switch phase {
        case .fresh: .starting
        case .stopped(let since):
            .offline(since: Self.date(since), retryAt: nil, why: .stopped)
        case .awaitingToken, .exchanging: isInTouch ? .syncing : .connecting
        case .backingOff(_, let retryAt, let why):
            .offline(
                since: Self.date(offlineSince ?? retryAt), retryAt: Self.date(retryAt), why: why)
        case .resting(let at): .upToDate(at: Self.date(at))
        case .signedOut: .signedOut
        case .updateRequired: .updateRequired
        case .halted(let error): .halted(error)
        }
    }

    /// Whether the server is in touch, so that what is asked for is decided within moments.
    var isOnline: Bool {
        switch phase {
        case .resting: mode == .live
        case .exchanging: mode == .live && isInTouch
        default: false
        }
    }

    private static func date(_ milliseconds: UInt64) -> Date {
        Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
    }
}
