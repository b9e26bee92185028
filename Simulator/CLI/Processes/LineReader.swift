import Glibc
import ToteConcurrency

/// Reads a pipe line by line, each within a time.
final class LineReader: Sendable {
    struct TookTooLong: Error {}

    private struct State {
        var bytes: [UInt8] = []
        var isAtEnd = false
    }

    private let descriptor: Int32
    private let state = Lock(State())

    /// Takes over the descriptor.
    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// The next line without its break, or what stands after the last one; `nil` at the end.
    func next(within limit: Duration) throws(TookTooLong) -> String? {
        let deadline = MonotonicClock.nowNanos() &+ limit.clampedNanos
        return try state.withLock { state throws(TookTooLong) in
            while true {
                if let index = state.bytes.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = String(decoding: state.bytes[..<index], as: UTF8.self)
                    state.bytes.removeFirst(index + 1)
                    return line
                }
                if state.isAtEnd {
                    defer { state.bytes = [] }
                    return state.bytes.isEmpty ? nil : String(decoding: state.bytes, as: UTF8.self)
                }
                let now = MonotonicClock.nowNanos()
                guard now < deadline else { throw TookTooLong() }
                fill(&state, atMostMilliseconds: (deadline - now) / 1_000_000 + 1)
            }
        }
    }

    /// Everything up to the end.
    func rest() -> String {
        state.withLock { state in
            while !state.isAtEnd { fill(&state, atMostMilliseconds: 60_000) }
            defer { state.bytes = [] }
            return String(decoding: state.bytes, as: UTF8.self)
        }
    }

    private func fill(_ state: inout State, atMostMilliseconds: UInt64) {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, Int32(clamping: atMostMilliseconds)) > 0 else { return }
        var room = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &room, room.count)
        if count > 0 {
            state.bytes += room[..<count]
        } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
            state.isAtEnd = true
        }
    }
}
