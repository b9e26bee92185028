internal import ToteConcurrency
package import ToteClient

/// Time that passes only when a test says so. All devices of a `TestWorld` have their clocks and
/// their timers from it.
public final class VirtualClock: Sendable {
    private struct State {
        var milliseconds: UInt64 = 1_800_000_000_000
        var random: UInt64 = 0
        var next = 0
        var sleepers: [Int: (end: UInt64, continuation: CheckedContinuation<Void, any Error>)] = [:]
    }

    private let state = Lock(State())
    private let skew = Lock<Int64>(0)
    private let boot = Lock<(id: UInt64, at: UInt64)>((7, 1_700_000_000_000))

    /// - Parameter seed: of everything random: the same seed draws the same ids.
    public init(seed: UInt64 = 0) { state.withLock { $0.random = seed } }

    /// How many milliseconds the devices' wall clocks are off; the server's is right.
    public var wallSkewMilliseconds: Int64 {
        get { skew.withLock { $0 } }
        set { skew.withLock { $0 = newValue } }
    }

    /// Starts all devices anew: their uptime tells nothing of before.
    public func reboot() {
        let now = milliseconds
        boot.withLock { $0 = ($0.id + 1, now) }
    }

    /// Milliseconds of true time since 1970.
    public var milliseconds: UInt64 { state.withLock { $0.milliseconds } }

    /// A device's clocks; each device draws other numbers.
    package func device(_ seed: UInt64 = 1) -> DeviceClock {
        state.withLock { $0.random &+= seed &* 0x9E37_79B9_7F4A_7C15 }
        return DeviceClock(
            reading: { [self] in
                let now = milliseconds
                let boot = boot.withLock { $0 }
                return ClockReading(
                    wallMilliseconds: now, uptimeMilliseconds: now - boot.at, bootID: boot.id)
            }, draw: { [self] in draw() }, sleep: { [self] in try await sleep($0) }
        )
        .skewed { [self] in skew.withLock { $0 } }
    }

    package func draw() -> UInt64 {
        state.withLock { state in
            state.random &+= 0x9E37_79B9_7F4A_7C15
            var word = state.random
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
    }

    /// How many wait for time to pass.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Lets time pass: who waits for a moment in it goes on.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.milliseconds += UInt64(duration / .milliseconds(1))
            let due = state.sleepers.filter { $0.value.end <= state.milliseconds }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.end, $0.key) < ($1.value.end, $1.key) }
        }
        for sleeper in due { sleeper.value.continuation.resume() }
    }

    private func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { state in
                    let end = state.milliseconds + UInt64(duration / .milliseconds(1))
                    state.sleepers[id] = (end, continuation)
                }
                if Task.isCancelled { wake(id) }
            }
        } onCancel: {
            wake(id)
        }
    }

    private func wake(_ id: Int) {
        state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation
            .resume(throwing: CancellationError())
    }
}
