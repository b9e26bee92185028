import ToteClient
import ToteHTTP

/// Where a server is: at an address, or in this process.
enum ServerPlace: Sendable {
    case socket(HTTPConnection.Endpoint)
    /// - Parameter isOperator: whether requests come as over the operator's socket.
    case virtual(VirtualServer, isOperator: Bool)

    /// Makes a connection for one request at a time.
    func connect() throws -> any ServerConnection {
        switch self {
        case .socket(let endpoint): try HTTPConnection(to: endpoint)
        case .virtual(let server, let isOperator):
            VirtualConnection(to: server, isOperator: isOperator)
        }
    }
}

extension ServerPlace: CustomStringConvertible {
    var description: String {
        switch self {
        case .socket(let endpoint): "\(endpoint)"
        case .virtual: "the server in this process"
        }
    }
}

/// A connection to a server.
protocol ServerConnection: Sendable {
    /// The bytes of a request, for `write`.
    func encoded(_ request: HTTPClientRequest) -> [UInt8]
    /// Sends bytes as they are.
    func write(_ bytes: [UInt8]) throws
    /// Takes so many bytes of the answer at most, and closes the connection.
    func drain(_ limit: Int, within timeout: Duration) throws
    /// Sends a request and waits for its answer.
    func send(_ request: HTTPClientRequest, within timeout: Duration) throws -> TransportResponse
    /// Ends what another thread waits for.
    func cancel()
    func close()
}

extension HTTPConnection: ServerConnection {
    func write(_ bytes: [UInt8]) throws { try write(bytes, timeout: .seconds(30)) }

    func drain(_ limit: Int, within timeout: Duration) throws {
        _ = try readToEnd(limit: limit, timeout: timeout)
    }

    func send(_ request: HTTPClientRequest, within timeout: Duration) throws -> TransportResponse {
        let response = try send(request, timeout: timeout)
        return TransportResponse(
            status: response.status, fields: response.headers, body: response.body)
    }
}

extension TransportResponse {
    /// An answer whose repeated fields are one value each.
    init(status: Int, fields: [(name: String, value: String)], body: [UInt8]) {
        self.init(
            status: status,
            headers: Dictionary(
                fields.map { ($0.name, $0.value) }, uniquingKeysWith: { $0 + ", " + $1 }),
            body: body)
    }
}
