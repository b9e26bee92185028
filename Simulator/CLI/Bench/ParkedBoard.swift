import CLinux
import Glibc
import ToteCore

/// One blocking connection that sends bytes and reads whole answers.
struct BenchLine {
    private let descriptor: Int32

    init(port: UInt16) throws(BenchError) { descriptor = try LoadGenerator.connect(port) }

    func close() { Glibc.close(descriptor) }

    func write(_ bytes: [UInt8]) throws(BenchError) {
        let sent = bytes.withUnsafeBytes { clinux_send(descriptor, $0.baseAddress, $0.count) }
        guard sent == bytes.count else { throw BenchError("a request was not taken whole") }
    }

    /// The next answer: status, body, and how many bytes it took.
    func read() throws(BenchError) -> (status: Int, body: [UInt8], bytes: Int) {
        var input: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes {
                Glibc.recv(descriptor, $0.baseAddress, $0.count, 0)
            }
            guard count > 0 else { throw BenchError("a connection was closed") }
            input.append(contentsOf: buffer[..<count])
            if let whole = ParkedBoard.whole(input[...]) {
                return (whole.status, Array(input[whole.body..<whole.end]), input.count)
            }
        }
    }

    /// Sends and waits: the answer, and how long it took.
    func send(_ bytes: [UInt8]) throws(BenchError) -> (status: Int, body: [UInt8], micros: Double) {
        let began = BenchClock.nowNanos()
        try write(bytes)
        let answer = try read()
        return (answer.status, answer.body, Double(BenchClock.nowNanos() - began) / 1_000)
    }
}

/// Counters that wait: four connections to a token, each with a poll that is held.
struct ParkedBoard {
    private let epoll = clinux_epoll_create()
    private var lines: [(descriptor: Int32, token: String)] = []
    private var cursor = ""
    /// What the server sends to a board that waited for nothing.
    let idleBytes: Int

    init(port: UInt16, tokens: [String]) throws {
        for token in tokens {
            for _ in 0..<4 {
                let descriptor = try LoadGenerator.connect(port)
                _ = clinux_epoll_add(
                    epoll, descriptor, UInt32(EPOLLIN.rawValue), UInt64(lines.count))
                lines.append((descriptor, token))
            }
        }
        let line = try BenchLine(port: port)
        defer { line.close() }
        let first = try line.send(Self.poll(tokens[0], since: nil, wait: 0, tag: nil))
        guard first.status == 200,
            let cursor = try Encoding.json.value(first.body)["cursor"]?.textValue
        else { throw BenchError("a poll was answered \(first.status)") }
        self.cursor = cursor
        try line.write(Self.poll(tokens[0], since: cursor, wait: 0, tag: cursor))
        let idle = try line.read()
        guard idle.status == 304 else { throw BenchError("an idle poll got \(idle.status)") }
        idleBytes = idle.bytes
    }

    func close() {
        for line in lines { Glibc.close(line.descriptor) }
        Glibc.close(epoll)
    }

    private static func poll(_ token: String, since: String?, wait: Int, tag: String?) -> [UInt8] {
        Array(
            ("GET /v1/stores/s-2/orders?state=preparing,ready"
                + (since.map { "&since=\($0)" } ?? "") + "&wait=\(wait) HTTP/1.1\r\n"
                + "Host: localhost\r\nAuthorization: Bearer \(token)\r\n"
                + (tag.map { "If-None-Match: \"\($0)\"\r\n" } ?? "") + "\r\n").utf8)
    }

    /// Sends every connection's poll from where the feed stands now.
    mutating func park() throws {
        let line = lines[0]
        let now = Self.poll(line.token, since: nil, wait: 0, tag: nil)
        _ = now.withUnsafeBytes { clinux_send(line.descriptor, $0.baseAddress, $0.count) }
        let answer = try collectOne()
        guard let cursor = try Encoding.json.value(answer)["cursor"]?.textValue else {
            throw BenchError("a poll has no cursor")
        }
        self.cursor = cursor
        for line in lines {
            let bytes = Self.poll(line.token, since: cursor, wait: 25, tag: nil)
            let sent = bytes.withUnsafeBytes {
                clinux_send(line.descriptor, $0.baseAddress, $0.count)
            }
            guard sent == bytes.count else { throw BenchError("a poll was not taken whole") }
        }
    }

    private func collectOne() throws -> [UInt8] {
        var input: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 262_144)
        while true {
            let count = buffer.withUnsafeMutableBytes {
                Glibc.recv(lines[0].descriptor, $0.baseAddress, $0.count, 0)
            }
            guard count > 0 else { throw BenchError("a connection was closed") }
            input.append(contentsOf: buffer[..<count])
            if let whole = Self.whole(input[...]) { return Array(input[whole.body..<whole.end]) }
        }
    }

    /// Waits until every poll is answered: microseconds from `began` to the last byte of each
    /// answer.
    ///
    /// What came is read when all is there: the server has the machine until then.
    func collect(since began: UInt64) throws -> [Double] {
        var micros = [Double](repeating: 0, count: lines.count)
        var inputs = [[UInt8]](repeating: [], count: lines.count)
        var missing = Set(lines.indices)
        var quiet = missing.count
        var events = [epoll_event](repeating: epoll_event(), count: lines.count)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !missing.isEmpty {
            let count = clinux_epoll_wait(epoll, &events, Int32(lines.count), 5_000)
            guard count > 0 else { throw BenchError("a poll was not answered within 5 s") }
            for slot in 0..<Int(count) {
                let index = Int(events[slot].data.u64)
                let count = buffer.withUnsafeMutableBytes {
                    clinux_receive(lines[index].descriptor, $0.baseAddress, $0.count)
                }
                guard count > 0 else { throw BenchError("a connection was closed") }
                micros[index] = Double(BenchClock.nowNanos() - began) / 1_000
                if inputs[index].isEmpty { quiet -= 1 }
                inputs[index] += buffer[..<count]
            }
            guard quiet == 0 else { continue }
            missing = missing.filter { Self.whole(inputs[$0][...]) == nil }
        }
        return micros
    }

    /// Where an answer's body lies, when the answer is whole; one of 304 has none.
    static func whole(_ bytes: ArraySlice<UInt8>) -> (status: Int, body: Int, end: Int)? {
        if bytes.count > 12, bytes[9..<12].elementsEqual("304".utf8) {
            return bytes.suffix(4).elementsEqual("\r\n\r\n".utf8)
                ? (304, bytes.endIndex, bytes.endIndex) : nil
        }
        return LoadGenerator.answer(bytes)
    }
}
