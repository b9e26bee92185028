import Glibc
import ToteCommandLine
import ToteCore
import ToteHTTP
import ToteServer
import ToteService

/// The operator's line to a data directory: through the running server's socket, or by opening the
/// file.
struct Operator {
    let directory: DataDirectory

    init(_ command: ParsedCommand) throws(UsageError) {
        directory = DataDirectory(path: Paths.absolute(try command.string("data")))
    }

    typealias Failure = CommandFailure

    /// A line to the server that runs on the directory, if one does.
    private func connection() -> HTTPConnection? {
        guard access(directory.socketPath, F_OK) == 0 else { return nil }
        return try? HTTPConnection(
            to: .unix(path: directory.socketPath), connectTimeout: .seconds(2))
    }

    /// Whether a server runs on the directory.
    var isServed: Bool { connection() != nil }

    /// Sends one request and returns the answer's JSON.
    ///
    /// - Parameter missing: what is said of a thing that there is not.
    func call(
        _ method: String, _ path: [String], _ body: Value? = nil,
        query: [(name: String, value: String)] = [], ifMatch: String? = nil,
        timeout: Duration = .seconds(30), missing: String? = nil
    ) throws(Failure) -> Value {
        do throws(Failure) {
            return try answer(method, path, body, query, ifMatch, timeout)
        } catch {
            guard let missing, error.code == "not_found" else { throw error }
            throw Failure(code: error.code, message: missing, exit: error.exit)
        }
    }

    private func answer(
        _ method: String, _ path: [String], _ body: Value?,
        _ query: [(name: String, value: String)], _ ifMatch: String?, _ timeout: Duration
    ) throws(Failure) -> Value {
        let bytes = body.map { Encoding.json.encode($0) } ?? []
        if let connection = connection() {
            let request = HTTPClientRequest(
                method: method, target: Self.target(path, query),
                headers: [("Content-Type", "application/json")]
                    + (ifMatch.map { [("If-Match", $0)] } ?? []), body: bytes)
            return try answer(over: connection, request, timeout)
        }
        guard directory.holdsData else {
            throw Self.noData(directory)
        }
        var request = ServerRequest(method: method, path: path, requestID: "local")
        request.body = bytes
        request.ifMatch = ifMatch
        request.query = Dictionary(query.map { ($0.name, $0.value) }) { $1 }
        return try answerAlone(request)
    }

    static func noData(_ directory: DataDirectory) -> Failure {
        Failure(
            code: "no_data",
            message: "there is no data in \(directory.path): start `tote serve` on it first, "
                + "or name another directory with --data", exit: .noInput)
    }

    /// Path and query as a request line carries them (RFC 3986).
    private static func target(
        _ path: [String], _ query: [(name: String, value: String)]
    ) -> String {
        let pairs = query.map { "\(encoded($0.name))=\(encoded($0.value))" }
        return "/" + path.map(encoded).joined(separator: "/")
            + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    private static func encoded(_ text: String) -> String {
        let plain = Set("-._~".utf8)
        return text.utf8.reduce(into: "") { encoded, byte in
            let isAlphanumeric =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte)
            if isAlphanumeric || plain.contains(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += "%" + Hex.string([byte]).uppercased()
            }
        }
    }

    private func answer(
        over connection: HTTPConnection, _ request: HTTPClientRequest, _ timeout: Duration
    ) throws(Failure) -> Value {
        do {
            let response = try connection.send(request, timeout: timeout)
            return try Self.read(response.status, response.body)
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(
                code: "no_answer", message: "the server does not answer: \(error)",
                exit: .unavailable)
        }
    }

    /// Without a server the file is opened, under the directory's lock.
    private func answerAlone(_ request: ServerRequest) throws(Failure) -> Value {
        do {
            let lock = try directory.lock()
            defer { withExtendedLifetime(lock) {} }
            let server = try Server(
                store: ServerStore(path: directory.filePath), random: SystemClock.randomBits)
            server.keepErasure = { [directory] in try directory.keep($0) }
            server.keepRights = { [directory] in try directory.keep($0) }
            try server.eraseAgain(directory.erasures(), at: SystemClock.nowMilliseconds())
            var request = request
            request.isOperator = true
            try server.begin()
            let handled = try server.handle(request, at: SystemClock.nowMilliseconds())
            try server.commit()
            // Legal to fail: it is done, and the log is emptied when the file is next closed.
            if server.wantsTruncation { try? server.truncateLog() }
            guard case .answer(let response) = handled else {
                throw Failure(code: "parked", message: "the request waits", exit: .software)
            }
            return try Self.read(response.status, response.body)
        } catch let error as Failure {
            throw error
        } catch {
            throw Self.failure(error)
        }
    }

    private static func read(_ status: Int, _ body: [UInt8]) throws(Failure) -> Value {
        let value = (try? Encoding.json.value(body)) ?? .null
        guard (200..<300).contains(status) else {
            let code = value["code"]?.textValue ?? "http_\(status)"
            let detail = value["detail"]?.textValue ?? "the server answered \(status)"
            let exit = code == "bad_path" ? ExitCode.cannotCreate : exit(of: status)
            throw Failure(code: code, message: detail, exit: exit)
        }
        return value
    }

    /// What the code of a file that cannot be used means to a script.
    private static func exit(ofStore code: String) -> ExitCode {
        switch code {
        case "newer_schema": .config
        case "storage": .ioError
        default: .dataError
        }
    }

    /// What a refusal's status (RFC 9110 section 15) means to a script.
    private static func exit(of status: Int) -> ExitCode {
        switch status {
        case 400, 413, 415, 422: .dataError
        case 401, 403: .noPermission
        case 404, 410: .noInput
        case 408, 429, 503: .temporaryFailure
        case 500...: .software
        default: .failure
        }
    }

    /// Any error as a command reports it.
    static func failure(_ error: any Error) -> Failure {
        switch error {
        case let error as ServiceError:
            let exit: ExitCode =
                switch error {
                case .inUse: .temporaryFailure
                case .directory: .cannotCreate
                case .store(let code, _): exit(ofStore: code)
                case .listen: .unavailable
                }
            return Failure(code: error.code, message: error.description, exit: exit)
        case let error as StoreError:
            return Failure(
                code: error.code, message: error.description, exit: exit(ofStore: error.code))
        default:
            return Failure(code: "storage", message: "\(error)", exit: .ioError)
        }
    }
}

/// Paths as the user gave them, made absolute.
enum Paths {
    static func absolute(_ path: String) -> String {
        guard path.utf8.first != UInt8(ascii: "/") else { return path }
        guard let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }
}
