import Glibc
import ToteCore
import ToteHTTP
import ToteService

/// `tote serve` in a process of its own, whose memory can be told from the load's.
struct BenchServer {
    let port: UInt16
    let admin: BenchAdmin
    private let child: ChildProcess
    private let socket: HTTPConnection

    /// Starts it on a new data directory.
    init(directory: String) throws {
        guard let program = Programs.server else {
            throw BenchError("the program `tote` is not beside tote-sim: build it as well")
        }
        child = try ChildProcess(
            program,
            [
                "serve", "--data", directory, "--listen", "127.0.0.1:0", "--json", "--log-level",
                "error", "--per-address", "20000", "--rate-token", "0", "--rate-address", "0",
            ], errors: directory + ".log")
        let line = try child.readLine(within: .seconds(30)) ?? ""
        guard let said = try? Encoding.json.value(Array(line.utf8)),
            let port = said["url"]?.textValue?.split(separator: ":").last.flatMap({ UInt16($0) })
        else { throw BenchError("the server does not start: see \(directory).log") }
        self.port = port
        admin = try BenchAdmin(DataDirectory(path: directory))
        socket = try HTTPConnection(to: .unix(path: DataDirectory(path: directory).socketPath))
    }

    func end() { child.end() }

    /// Bytes of memory that are the process's own: neither its program's nor the file system's.
    func memory() throws -> Double {
        let bytes = try Self.ownMemory(of: "\(child.id)")
        return Double(bytes)
    }

    /// The same of a process by its id, or of this one (`self`).
    static func ownMemory(of process: String) throws -> Int {
        guard let file = fopen("/proc/\(process)/status", "r") else {
            throw BenchError("/proc cannot be read")
        }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
            guard text.hasPrefix("RssAnon:") else { continue }
            return (text.split { !$0.isNumber }.first.flatMap { Int($0) } ?? 0) * 1_024
        }
        throw BenchError("/proc/\(process)/status tells no RssAnon")
    }

    /// What one of the server's metrics stands at.
    func metric(_ name: String) throws -> Double {
        let page = try socket.send(HTTPClientRequest(method: "GET", target: "/metrics"))
        let line = String(decoding: page.body, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix(name + " ") }
        guard let value = line.flatMap({ Double($0.dropFirst(name.utf8.count + 1)) }) else {
            throw BenchError("the server has no metric \(name)")
        }
        return value
    }

    /// Waits until a metric is at a value.
    func wait(for name: String, _ isThere: (Double) -> Bool) throws {
        for _ in 0..<1_000 {
            if isThere(try metric(name)) { return }
            usleep(20_000)
        }
        throw BenchError("\(name) stands at \(try metric(name))")
    }
}
