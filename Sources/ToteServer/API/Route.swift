internal import ToteCore

/// One route of the API: what the server, the tests and the API's document read.
package struct Route: Sendable {
    package enum Access: String, Sendable {
        /// Anybody, without a token.
        case open
        /// Any valid token, or the operator's socket.
        case token
        /// A token with a grant for the space in the path.
        case space
        /// A counter's token with a grant for the store in the path.
        case store
        /// An admin token, or the operator's socket.
        case admin
        /// A token of the role `metrics`, or the operator's socket.
        case metrics
    }

    /// What a request may carry beside path and body.
    struct Parameter: Sendable {
        let name: String
        let isHeader: Bool
        var isRequired = false
        let schema: JSONSchema
        let about: String
    }

    package let method: String
    /// Segments; one in braces stands for any.
    package let path: String
    package let access: Access
    let summary: String
    private(set) var parameters: [Parameter] = []
    private(set) var body: JSONSchema?
    /// Whether request and answer may be CBOR, too.
    private(set) var speaksCBOR = false
    /// What is answered when all is well, by status; `nil` for no body.
    private(set) var answers: [Int: JSONSchema?] = [:]
    /// The types of those answers, where they are not the encodings of the protocol.
    private(set) var answerTypes: [String] = []
    /// Codes of refusals by status, those that every route has left out.
    private(set) var refusals: [Int: [String]] = [:]
    /// The segments of `path`; `nil` stands for any. Split once: every request asks every route.
    private let segments: [String?]

    init(
        _ method: String, _ path: String, _ access: Access, _ summary: String,
        _ describe: (inout Route) -> Void
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.summary = summary
        segments = path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) }
        if access != .open {
            refuses(401, "invalid_token")
            refuses(404, "not_found")
            if access != .metrics { refuses(410, "customer_erased") }
        }
        describe(&self)
    }

    func matches(_ asked: [String]) -> Bool {
        segments.count == asked.count && zip(segments, asked).allSatisfy { $0 == nil || $0 == $1 }
    }

    /// Refuses what a query says twice, or that is no parameter of a route that has some. The names
    /// that were sent are not repeated: they may be anything.
    func check(_ request: ServerRequest) throws(Problem) {
        let known = parameters.filter { !$0.isHeader }.map(\.name)
        guard !known.isEmpty else { return }
        let isKnown = request.query.keys.allSatisfy(known.contains)
        guard isKnown, !request.repeatsQuery else {
            throw Problem(
                400, "bad_query", "each at most once: \(known.joined(separator: ", "))")
        }
    }

    /// The names in the path.
    var places: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            String($0.dropFirst().dropLast())
        }
    }

    mutating func takes(_ schema: JSONSchema, orCBOR: Bool = false) {
        body = schema
        speaksCBOR = orCBOR
        refuses(400, "malformed")
        refuses(413, "body_too_large")
    }

    mutating func answers(_ status: Int, _ schema: JSONSchema?, as types: String...) {
        answers[status] = .some(schema)
        answerTypes = types
    }

    mutating func refuses(_ status: Int, _ codes: String...) {
        refusals[status, default: []] += codes
    }

    mutating func asks(_ name: String, _ schema: JSONSchema, _ about: String) {
        parameters.append(Parameter(name: name, isHeader: false, schema: schema, about: about))
    }

    mutating func reads(
        _ header: String, _ about: String, _ schema: JSONSchema = .text, required: Bool = false
    ) {
        parameters.append(
            Parameter(
                name: header, isHeader: true, isRequired: required, schema: schema, about: about))
    }

    /// It is done once for each key.
    mutating func isIdempotent() {
        reads(
            "Idempotency-Key", "Names the deed: the same again gets the same answer.",
            .text(1...128), required: true)
        refuses(400, "idempotency_key_required")
        refuses(422, "idempotency_key_reused")
    }

    /// Statuses and codes that every route has: what HTTP itself, the disk and a server that stops
    /// refuse.
    package static let everywhere: [Int: [String]] = [
        400: ["bad_request"], 405: ["method_not_allowed"], 408: ["request_timeout"],
        413: ["body_too_large"],
        414: ["target_too_long"], 417: ["expectation_failed"], 429: ["rate_limited"],
        431: ["header_too_large"],
        501: ["method_not_implemented", "transfer_coding_not_implemented"],
        503: ["draining", "storage_full", "storage_unavailable", "too_many_connections"],
        504: ["answer_timeout"], 505: ["version_not_supported"],
    ]
}

extension Server {
    /// Every route there is.
    package static let routes: [Route] =
        spaceRoutes + storeRoutes + handOffRoutes + shareRoutes + adminRoutes + webhookRoutes

    /// What is answered in front of the server: health and metrics.
    package static let frontRoutes: [Route] = [
        Route("GET", "/livez", .open, "Whether the process answers.") {
            $0.answers(200, .named("Health"))
        },
        Route("GET", "/readyz", .open, "Whether a change would be taken now.") {
            $0.answers(200, .named("Health"))
            $0.refuses(503, "unready")
        },
        Route("GET", "/metrics", .metrics, "Measures for Prometheus or OpenMetrics.") {
            $0.answers(200, .text, as: "text/plain", "application/openmetrics-text")
        },
    ]
}
