internal import ToteCore

/// Who is refused again and again: devices as a whole, and customers' changes.
///
/// In memory only: after a restart of the server it begins anew, and so do the devices' tries.
struct RefusalWatch {
    private struct Device {
        var label: String
        var space: String
        var code: String
        var since: UInt64
        var last: UInt64
        var count: Int
    }

    private struct Rejected: Hashable {
        let space: String
        let code: String
    }

    private struct Tally {
        var since: UInt64
        var last: UInt64
        var count: Int
    }

    private var devices: [String: Device] = [:]
    private var rejected: [Rejected: Tally] = [:]

    /// So many refusals in a row, without a push that was taken.
    static let stuckCount = 5
    /// So many rejections of one customer for one reason, none of them an hour after another.
    static let rejectedCount = 5
    static let windowMilliseconds: UInt64 = 3_600_000
    /// Of each kind; of more the oldest are forgotten.
    static let entriesMax = 1_000

    /// An exchange of a token's device was refused.
    mutating func noteRefusal(_ token: Token, space: String, code: String, at now: UInt64) {
        var device =
            devices[token.id]
            ?? Device(
                label: token.label, space: space, code: code, since: now, last: now, count: 0)
        if now > device.last + Self.windowMilliseconds {
            (device.since, device.count) = (now, 0)
        }
        (device.space, device.code, device.last) = (space, code, now)
        device.count += 1
        devices[token.id] = device
        if devices.count > Self.entriesMax,
            let oldest = devices.min(by: { $0.value.last < $1.value.last })
        {
            devices[oldest.key] = nil
        }
    }

    /// One was answered: what the device sends is taken.
    mutating func noteTaken(_ token: String) {
        if !devices.isEmpty { devices[token] = nil }
    }

    /// Changes of a space were rejected.
    mutating func noteRejected(space: String, code: String, at now: UInt64) {
        let key = Rejected(space: space, code: code)
        var tally = rejected[key] ?? Tally(since: now, last: now, count: 0)
        if now > tally.last + Self.windowMilliseconds {
            tally = Tally(since: now, last: now, count: 0)
        }
        tally.count += 1
        tally.last = now
        rejected[key] = tally
        if rejected.count > Self.entriesMax,
            let oldest = rejected.min(by: { $0.value.last < $1.value.last })
        {
            rejected[oldest.key] = nil
        }
    }

    /// What is known of a customer who was erased is forgotten.
    mutating func forget(space: String) {
        devices = devices.filter { $0.value.space != space }
        rejected = rejected.filter { $0.key.space != space }
    }

    /// - Parameter space: those of this space alone.
    func alerts(of space: String? = nil, at now: UInt64) -> [Alert] {
        let stuck = devices.compactMap { token, device -> Alert? in
            guard device.count >= Self.stuckCount, now <= device.last + Self.windowMilliseconds,
                space == nil || device.space == space
            else { return nil }
            var alert = Alert(.deviceStuck, urgency: 2, since: device.since)
            (alert.token, alert.label, alert.space) = (token, device.label, device.space)
            (alert.code, alert.count) = (device.code, device.count)
            return alert
        }
        let repeated = rejected.compactMap { key, tally -> Alert? in
            guard tally.count >= Self.rejectedCount, now <= tally.last + Self.windowMilliseconds,
                space == nil || key.space == space
            else { return nil }
            var alert = Alert(.changesRejected, urgency: 3, since: tally.since)
            (alert.space, alert.code, alert.count) = (key.space, key.code, tally.count)
            return alert
        }
        return stuck + repeated
    }
}
