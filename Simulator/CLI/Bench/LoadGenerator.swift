import CLinux
import Glibc

/// A closed loop of clients on one thread: each connection sends, waits for its answer, sends
/// again.
///
/// It knows as little HTTP as it can: the head's end and a Content-Length.
struct LoadGenerator {
    let port: UInt16
    let connections: Int
    /// The next request of a connection: whole bytes, head and body.
    var request: (_ connection: Int) -> [UInt8]
    /// A connection's answer: status and body.
    var answered: (_ connection: Int, _ status: Int, _ body: ArraySlice<UInt8>) -> Void

    struct Report {
        var answers = 0
        var seconds = 0.0
        /// Nanoseconds from sending to answer, sorted.
        var latencies: [UInt64] = []
        /// CPU nanoseconds of the generator's own thread and of the whole process.
        var ownCPU: UInt64 = 0
        var processCPU: UInt64 = 0

        var rate: Double { Double(answers) / seconds }
        func percentile(_ share: Double) -> Double {
            guard !latencies.isEmpty else { return 0 }
            let index = min(latencies.count - 1, Int(Double(latencies.count) * share))
            return Double(latencies[index]) / 1_000
        }
        /// Microseconds of CPU per answer that are not the generator's.
        var serverCPUMicros: Double {
            Double(processCPU - min(processCPU, ownCPU)) / 1_000 / Double(max(1, answers))
        }
    }

    /// Runs until the time is over.
    func run(seconds: Double, warmUp: Double = 0.3) throws(BenchError) -> Report {
        let load = try OpenLoad(self)
        if warmUp > 0 { try load.run(seconds: warmUp) }
        load.report = Report()
        try load.run(seconds: seconds)
        load.report.latencies.sort()
        return load.report
    }

    /// Runs two loads in turns of a fraction of a second, each of them for the time: machines are
    /// twice as fast in one second as in the next, and so both have the same of it.
    static func alternate(
        _ first: LoadGenerator, _ second: LoadGenerator, seconds: Double, warmUp: Double = 0.3
    ) throws(BenchError) -> (Report, Report) {
        let loads = (try OpenLoad(first), try OpenLoad(second))
        func runTurns(_ count: Int) throws(BenchError) {
            for _ in 0..<max(1, count) {
                try loads.0.run(seconds: secondsPerTurn)
                try loads.1.run(seconds: secondsPerTurn)
            }
        }
        try runTurns(Int(warmUp / secondsPerTurn))
        loads.0.report = Report()
        loads.1.report = Report()
        try runTurns(Int(seconds / secondsPerTurn))
        loads.0.report.latencies.sort()
        loads.1.report.latencies.sort()
        return (loads.0.report, loads.1.report)
    }

    /// Shorter than a server waits before it takes itself for idle.
    private static let secondsPerTurn = 0.1

    static func connect(_ port: UInt16) throws(BenchError) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw BenchError("cannot connect to port \(port)") }
        var one: Int32 = 1
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    /// Where an answer's body lies, when the answer is whole.
    static func answer(
        _ bytes: ArraySlice<UInt8>
    ) -> (status: Int, body: Int, end: Int)? {
        bytes.withUnsafeBufferPointer { bytes in
            guard bytes.count > 12,
                let separator = memmem(bytes.baseAddress, UInt(bytes.count), "\r\n\r\n", 4),
                let field = memmem(bytes.baseAddress, UInt(bytes.count), "\nContent-Length: ", 17)
            else { return nil }
            let base = UnsafeRawPointer(bytes.baseAddress)
            guard let base else { return nil }
            let body = base.distance(to: UnsafeRawPointer(separator)) + 4
            var length = 0
            var digit = base.distance(to: UnsafeRawPointer(field)) + 17
            while digit < body, bytes[digit] >= 0x30, bytes[digit] <= 0x39 {
                length = length * 10 + Int(bytes[digit] - 0x30)
                digit += 1
            }
            let status = bytes[9..<12].reduce(0) { $0 * 10 + Int($1) - 0x30 }
            return bytes.count >= body + length ? (status, body, body + length) : nil
        }
    }
}

/// The connections of a load, and what came of it so far.
private final class OpenLoad {
    private struct Connection {
        var descriptor: Int32
        var input: [UInt8] = []
        var sentAt: UInt64 = 0
    }

    var report = LoadGenerator.Report()
    private let generator: LoadGenerator
    private let epoll: Int32
    private var clients: [Connection] = []
    private var events: [epoll_event]
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    init(_ generator: LoadGenerator) throws(BenchError) {
        self.generator = generator
        epoll = clinux_epoll_create()
        events = [epoll_event](repeating: epoll_event(), count: generator.connections)
        for index in 0..<generator.connections {
            clients.append(Connection(descriptor: try LoadGenerator.connect(generator.port)))
            _ = clinux_epoll_add(
                epoll, clients[index].descriptor, UInt32(EPOLLIN.rawValue), UInt64(index))
        }
    }

    deinit {
        for client in clients { close(client.descriptor) }
        close(epoll)
    }

    /// Each connection sends again and again until the time is over, and then waits for what is
    /// under way: that counts, and so does its time.
    func run(seconds: Double) throws(BenchError) {
        let began = BenchClock.nowNanos()
        let own = BenchClock.cpuNanos(RUSAGE_THREAD_VALUE)
        let process = BenchClock.cpuNanos(0)
        let end = began + UInt64(seconds * 1e9)
        for index in clients.indices { try send(index) }
        var underWay = clients.count
        while underWay > 0 {
            let count = clinux_epoll_wait(epoll, &events, Int32(clients.count), 1_000)
            guard count > 0 else { throw BenchError("no answer within a second") }
            let isOver = BenchClock.nowNanos() >= end
            for slot in 0..<Int(count) {
                let index = Int(events[slot].data.u64)
                guard try receive(index) else { continue }
                report.answers += 1
                report.latencies.append(BenchClock.nowNanos() - clients[index].sentAt)
                if isOver { underWay -= 1 } else { try send(index) }
            }
        }
        report.seconds += Double(BenchClock.nowNanos() - began) / 1e9
        report.ownCPU += BenchClock.cpuNanos(RUSAGE_THREAD_VALUE) - own
        report.processCPU += BenchClock.cpuNanos(0) - process
    }

    private func send(_ index: Int) throws(BenchError) {
        let bytes = generator.request(index)
        clients[index].sentAt = BenchClock.nowNanos()
        let sent = bytes.withUnsafeBytes {
            clinux_send(clients[index].descriptor, $0.baseAddress, $0.count)
        }
        guard sent == bytes.count else { throw BenchError("a request was not taken whole") }
    }

    /// Reads what is there; true when an answer is whole.
    private func receive(_ index: Int) throws(BenchError) -> Bool {
        let count = buffer.withUnsafeMutableBytes {
            clinux_receive(clients[index].descriptor, $0.baseAddress, $0.count)
        }
        guard count > 0 else { throw BenchError("a connection was closed") }
        let isFirst = clients[index].input.isEmpty
        if isFirst, let whole = LoadGenerator.answer(buffer[..<count]), whole.end == count {
            generator.answered(index, whole.status, buffer[whole.body..<whole.end])
            return true
        }
        clients[index].input.append(contentsOf: buffer[..<count])
        guard let whole = LoadGenerator.answer(clients[index].input[...]) else { return false }
        generator.answered(index, whole.status, clients[index].input[whole.body..<whole.end])
        clients[index].input.removeAll(keepingCapacity: true)
        return true
    }
}

/// RUSAGE_THREAD: Glibc's module does not export the macro.
let RUSAGE_THREAD_VALUE: Int32 = 1

/// Why a benchmark could not be run.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The clocks of the benchmarks.
enum BenchClock {
    static func nowNanos() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// User and system time of the process (0) or of this thread (1).
    static func cpuNanos(_ who: Int32) -> UInt64 {
        var usage = rusage()
        getrusage(who, &usage)
        func nanos(_ time: timeval) -> UInt64 {
            UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1_000
        }
        return nanos(usage.ru_utime) + nanos(usage.ru_stime)
    }
}
