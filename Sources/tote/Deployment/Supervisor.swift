import Glibc
import ToteCommandLine
import ToteConcurrency
import ToteService

/// The service manager that started the server: it is told when the server is ready, when it stops,
/// and now and then that it still works.
///
/// The protocol of sd_notify(3): a datagram to the socket that `NOTIFY_SOCKET` names. Without one
/// everything here does nothing.
struct Supervisor {
    private let path: String?
    /// How often it wants to hear; `nil` when it does not watch.
    private let interval: Duration?
    private var next: UInt64 = 0
    /// Whether the thread that owns the data has answered since it was asked last.
    private let hasAnswered = Lock(true)

    init() {
        let environment = ProcessEnvironment.read(["NOTIFY_SOCKET", "WATCHDOG_USEC"])
        path = environment["NOTIFY_SOCKET"]
        // Twice in the time that is given, as sd_watchdog_enabled(3) advises.
        interval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0 / 2) }
    }

    func tellReady() { tell("READY=1") }
    func tellStopping() { tell("STOPPING=1") }

    /// Tells that the server works, when it is time to, and only if what carries out requests has
    /// answered since the last time.
    mutating func keepAlive(_ service: Service) {
        guard let interval, path != nil else { return }
        let now = MonotonicClock.nowNanos()
        guard now >= next, hasAnswered.withLock({ $0 }) else { return }
        next = now + UInt64(interval / .nanoseconds(1))
        tell("WATCHDOG=1")
        hasAnswered.withLock { $0 = false }
        let answered = hasAnswered
        _ = service.inGroup({ _, _ in }, done: { _ in answered.withLock { $0 = true } })
    }

    private func tell(_ state: String) {
        guard let path else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // An @ stands for the null byte of an abstract name.
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let text = Array(state.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
