/// Carries one HTTP exchange between the device and the server. `URLSessionTransport` is the
/// default one.
///
/// May be called from several tasks at once, but never twice at once for one lane of one `Tote`,
/// `lookup` excepted.
public protocol Transport: Sendable {
    /// Sends the request and returns whatever was answered, also when that is an error's status.
    ///
    /// - Throws: when no answer came; the server may have taken the request in nevertheless.
    func send(_ request: TransportRequest) async throws -> TransportResponse
}

/// One HTTP request, to be sent to the server's address.
public struct TransportRequest: Sendable, Hashable {
    /// Requests of one lane follow each other; a parked one must not hold up the other lane.
    public enum Lane: Sendable, Hashable {
        /// Answered at once.
        case exchange
        /// Held by the server until something is new: give it a connection of its own.
        case parked
        /// Asked beside the exchange: the catalogue, older orders. Several may be under way.
        case lookup
    }

    public var method: String
    /// Begins with `/`; percent-encoded already.
    public var path: String
    public var headers: [String: String]
    public var body: [UInt8]
    /// How long to wait for the whole answer.
    public var timeout: Duration
    public var lane: Lane

    public init(
        method: String, path: String, headers: [String: String] = [:], body: [UInt8] = [],
        timeout: Duration = .seconds(30), lane: Lane = .exchange
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.lane = lane
    }
}

/// What was answered.
public struct TransportResponse: Sendable, Hashable {
    /// How many bytes of a body are taken in at most.
    public static let bodyBytesMax = 16 * 1_024 * 1_024

    public var status: Int
    /// At least `Content-Type`, `Retry-After` and `ETag`, where they were sent.
    public var headers: [String: String]
    public var body: [UInt8]

    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The value of a header, whatever the case of its name.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.key.lowercased() == wanted }?.value
    }
}

extension TransportResponse {
    var isProblem: Bool {
        header("Content-Type")?.lowercased().hasPrefix("application/problem+json") ?? false
    }

    /// Whether the server itself says that nothing is there, and not something in between.
    var isNotFound: Bool {
        status == 404 && isProblem
            && (try? Encoding.json.value(body))?["code"]?.textValue == "not_found"
    }

    /// The server's wish in seconds; the form with a date is not used by this server.
    var retryAfterSeconds: Int? {
        header("Retry-After").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }
}
