import CLinux
import Glibc
import ToteClient
import ToteConcurrency

/// Devices that edit and sync at a rate of their own, whatever the server makes of it: an open
/// model, so that a slow answer delays nothing but itself and every latency counts from when the
/// change was to be made (what Gil Tene calls coordinated omission cannot happen).
final class LoadRun {
    struct Options {
        var devices = 1_000
        var devicesPerCustomer = 2
        /// How many devices keep their state in files.
        var files = 100
        /// Changes a second, of all devices together.
        var rate = 200
        var seconds = 30
        /// How long answers may take when all changes are made.
        var grace = 30
    }

    struct Report {
        var changes = 0
        var answered = 0
        var exchanges = 0
        var seconds = 0.0
        var latencies = LatencyHistogram()
        var reconnects = 0
        /// Answers other than 200, by status.
        var refused: [Int: Int] = [:]
        /// Devices that do not show what their customer put in, once.
        var wrong = 0
        /// Bytes of memory of this process's own.
        var memory = 0
    }

    private let options: Options
    private let address: ServerAddress
    private var devices: [LoadDevice] = []
    private let epoll = clinux_epoll_create()
    private var report = Report()
    private var room = [UInt8](repeating: 0, count: 65_536)
    private var paused: Set<Int> = []
    private let progress: (String) -> Void
    private var progressDue: UInt64 = 0

    /// Makes the devices and connects them.
    ///
    /// - Parameter mint: makes a token for a space.
    init(
        _ options: Options, at address: ServerAddress, files directory: String,
        mint: (_ space: String) throws -> String, progress: @escaping (String) -> Void
    ) throws {
        (self.options, self.address, self.progress) = (options, address, progress)
        try Self.makeRoom(for: options.devices)
        let run = SystemClock.random()
        var secret = ""
        for index in 0..<options.devices {
            let space = "customer:load-\(run)-\(index / options.devicesPerCustomer)"
            if index % options.devicesPerCustomer == 0 { secret = try mint(space) }
            let file = index < options.files ? "\(directory)/device-\(index).db" : nil
            devices.append(
                try LoadDevice(
                    space: space, secret: secret, host: "\(address.host):\(address.port)",
                    file: file))
            try connect(index)
            tell("\(index + 1) of \(options.devices) devices connected")
        }
    }

    deinit {
        for device in devices { device.close() }
        close(epoll)
    }

    /// Lets this process have so many connections.
    private static func makeRoom(for count: Int) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_cur > rlim_t(count + 1_000) else {
            throw RunFailure(
                .unavailable, "\(count) connections need more open files: raise `ulimit -n`")
        }
    }

    private func tell(_ line: @autoclosure () -> String) {
        let now = MonotonicClock.nowNanos()
        guard now >= progressDue else { return }
        progressDue = now + 500_000_000
        progress(line())
    }

    private func connect(_ index: Int) throws {
        devices[index].close()
        let descriptor = try SocketAddress.connect(address.host, address.port)
        devices[index].use(descriptor)
        _ = clinux_epoll_add(epoll, descriptor, UInt32(EPOLLIN.rawValue), UInt64(index))
    }

    /// Makes changes for the time, waits for the rest, and has every device show what it has.
    func run() throws -> Report {
        let began = MonotonicClock.nowNanos()
        let end = began + UInt64(options.seconds) * 1_000_000_000
        var due = began
        while true {
            let now = MonotonicClock.nowNanos()
            while due <= now, due < end {
                try edit(dueAt: due)
                due += gap()
            }
            let open = report.changes - report.answered
            if now >= end, open == 0 { break }
            guard now < end + UInt64(options.grace) * 1_000_000_000 else {
                throw RunFailure(.expectation, "\(open) changes are not answered")
            }
            try serve(
                waitingAtMost: due < end ? min(100, Int((max(due, now) - now) / 1_000_000)) : 100)
            tell(status(since: began))
        }
        report.seconds = Double(MonotonicClock.nowNanos() - began) / 1e9
        report.memory = try BenchServer.ownMemory(of: "self")
        try look()
        report.memory = max(report.memory, try BenchServer.ownMemory(of: "self"))
        return report
    }

    /// The time to the next change: changes come as a Poisson process.
    private func gap() -> UInt64 {
        let uniform = Double(SystemClock.random() >> 11) / Double(1 << 53)
        return UInt64(-log(1 - uniform) / Double(options.rate) * 1e9)
    }

    private func edit(dueAt due: UInt64) throws {
        let index = Int(SystemClock.random() % UInt64(devices.count))
        try devices[index].edit(dueAt: due, SystemClock.random())
        report.changes += 1
        if devices[index].isIdle, !paused.contains(index) { try start(index) }
    }

    private func start(_ index: Int, pulls: Bool = false) throws {
        if try devices[index].start(pulls: pulls) {
            report.exchanges += 1
            if devices[index].hasUnsent { watch(index, forRoom: true) }
        } else if !devices[index].isIdle {
            try reconnect(index)
        }
    }

    private func watch(_ index: Int, forRoom: Bool) {
        let events = EPOLLIN.rawValue | (forRoom ? EPOLLOUT.rawValue : 0)
        _ = clinux_epoll_modify(epoll, devices[index].descriptor, UInt32(events), UInt64(index))
    }

    /// After a while: a server that cuts connections must not be asked in a loop.
    private func reconnect(_ index: Int) throws {
        report.reconnects += 1
        try connect(index)
        pause(index, seconds: 1)
    }

    private func pause(_ index: Int, seconds: Int) {
        devices[index].pausedUntil = MonotonicClock.nowNanos() + UInt64(seconds) * 1_000_000_000
        paused.insert(index)
    }

    /// Takes in what came, and goes on with whom it came for.
    private func serve(waitingAtMost milliseconds: Int, looks: Bool = false) throws {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        let count = clinux_epoll_wait(epoll, &events, 256, Int32(milliseconds))
        for slot in 0..<max(0, Int(count)) {
            let index = Int(events[slot].data.u64)
            if events[slot].events & EPOLLOUT.rawValue != 0, devices[index].hasUnsent {
                guard devices[index].send() else {
                    try reconnect(index)
                    continue
                }
                if !devices[index].hasUnsent { watch(index, forRoom: false) }
            }
            if events[slot].events & ~EPOLLOUT.rawValue != 0 { try receive(index, looks: looks) }
        }
        let now = MonotonicClock.nowNanos()
        for index in paused where devices[index].pausedUntil <= now {
            paused.remove(index)
            try start(index, pulls: looks)
        }
    }

    private func receive(_ index: Int, looks: Bool) throws {
        let now = MonotonicClock.nowNanos()
        let progress = try devices[index].receive(&room) { due in
            report.latencies.record((now - min(now, due)) / 1_000)
            report.answered += 1
        }
        switch progress {
        case .waiting: return
        case .cut: try reconnect(index)
        case .answered(.progress, _):
            // What is left to push or to pull is another exchange.
            try start(index)
        case .answered(.retry(_, let seconds), let status):
            report.refused[status, default: 0] += 1
            pause(index, seconds: seconds ?? 1)
        case .answered(let outcome, let status):
            throw RunFailure(.expectation, "a device is answered \(status): \(outcome)")
        }
    }

    /// How many devices ask at once for what is new.
    private static let looksAtOnce = 256

    /// Every device asks for what is new, and shows its customer's things.
    private func look() throws {
        var waiting = Array(devices.indices)
        var asking: Set<Int> = []
        let end = MonotonicClock.nowNanos() + UInt64(options.grace) * 1_000_000_000
        while !waiting.isEmpty || !asking.isEmpty {
            while asking.count < Self.looksAtOnce, let index = waiting.popLast() {
                try start(index, pulls: true)
                asking.insert(index)
            }
            try serve(waitingAtMost: 100, looks: true)
            asking = asking.filter { !devices[$0].isIdle || paused.contains($0) }
            let seen = devices.count - waiting.count - asking.count
            tell("\(seen) of \(devices.count) devices looked at")
            guard MonotonicClock.nowNanos() < end else {
                throw RunFailure(.expectation, "\(asking.count) devices get no answer")
            }
        }
        for first in stride(from: 0, to: devices.count, by: options.devicesPerCustomer) {
            let family = devices[first..<min(first + options.devicesPerCustomer, devices.count)]
            let edits = family.reduce(0) { $0 + $1.edits }
            report.wrong += family.count { $0.shown != edits }
        }
    }

    private func status(since began: UInt64) -> String {
        let seconds = Double(MonotonicClock.nowNanos() - began) / 1e9
        let rate = Int(Double(report.answered) / max(0.1, seconds))
        let late = report.latencies.percentile(99).map { ", p99 \($0 / 1_000) ms" } ?? ""
        return "\(Int(seconds)) of \(options.seconds) s: \(rate) changes a second\(late), "
            + "\(report.changes - report.answered) under way"
    }
}

/// Connecting to a host by name.
private enum SocketAddress {
    /// A connection that does not block.
    static func connect(_ host: String, _ port: UInt16) throws(RunFailure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let name = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        guard getaddrinfo(name, "\(port)", &hints, &found) == 0, let found else {
            throw RunFailure(.unavailable, "there is no host \(host)")
        }
        defer { freeaddrinfo(found) }
        let address = found.pointee
        let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
        guard descriptor >= 0 else {
            throw RunFailure(.unavailable, "no socket: \(String(cString: strerror(errno)))")
        }
        guard Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            let why = String(cString: strerror(errno))
            close(descriptor)
            throw RunFailure(.unavailable, "\(host):\(port) cannot be connected to: \(why)")
        }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var one: Int32 = 1
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }
}
