public import Foundation
public import ToteClient

#if canImport(FoundationNetworking)
    internal import FoundationNetworking
#endif

/// The default transport: HTTP by the system's URLSession.
///
/// Two sessions of its own, so that parked requests never hold up the others; no cookies, no cache,
/// no redirects; timeouts and the bound on an answer's size are kept here, since not every platform
/// keeps them.
public final class URLSessionTransport: Transport {
    private let server: URL
    private let exchange: LaneSession
    private let parked: LaneSession
    /// One waits for the customer's documents, and one for each list or tote that is open.
    private static let parkedMax = 128

    /// - Parameter server: the address of the server or of the proxy before it, for example
    ///   `https://sync.example.com`; a path in it goes before every request's.
    public init(server: URL) {
        self.server = server
        exchange = LaneSession(connections: 6)
        parked = LaneSession(connections: Self.parkedMax)
    }

    deinit {
        exchange.end()
        parked.end()
    }

    /// - Throws: `URLError`; the server may have taken the request in nevertheless.
    public func send(_ request: TransportRequest) async throws -> TransportResponse {
        guard var parts = URLComponents(url: server, resolvingAgainstBaseURL: true) else {
            throw URLError(.badURL)
        }
        let base = parts.percentEncodedPath
        parts.percentEncodedPath =
            (base.hasSuffix("/") ? String(base.dropLast()) : base)
            + request.path
        guard let url = parts.url else { throw URLError(.badURL) }
        var urlRequest = URLRequest(url: url)
        urlRequest.httpMethod = request.method
        urlRequest.httpBody = Data(request.body)
        // Longer than our own, which ends the task in time.
        urlRequest.timeoutInterval = 2 * (request.timeout / .seconds(1)) + 60
        for (name, value) in request.headers.sorted(by: { $0.key < $1.key }) {
            urlRequest.setValue(value, forHTTPHeaderField: name)
        }
        let session = request.lane == .parked ? parked : exchange
        return try await session.send(urlRequest, timeout: request.timeout)
    }
}
