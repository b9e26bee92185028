import ToteCore
import ToteHTTP
import ToteService

/// The operator of a benchmark's server, over its socket.
struct BenchAdmin {
    private let connection: HTTPConnection

    init(_ directory: DataDirectory) throws {
        connection = try HTTPConnection(to: .unix(path: directory.socketPath))
    }

    func post(_ path: String, _ body: String) throws -> Value {
        let response = try connection.send(
            HTTPClientRequest(
                method: "POST", target: path, headers: [("Content-Type", "application/json")],
                body: Array(body.utf8)))
        let value = try Encoding.json.value(response.body)
        guard response.status < 300 else {
            throw BenchError("\(path): \(value["detail"]?.textValue ?? "\(response.status)")")
        }
        return value
    }

    func mint(_ spaces: [String], role: String = "customer") throws -> String {
        let list = spaces.map { "{\"space\":\"\($0)\"}" }.joined(separator: ",")
        let value = try post("/v1/admin/tokens", "{\"spaces\":[\(list)],\"role\":\"\(role)\"}")
        guard let token = value["token"]?.textValue else { throw BenchError("no token was minted") }
        return token
    }
}
