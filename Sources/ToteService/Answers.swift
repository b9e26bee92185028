internal import ToteConcurrency
internal import ToteCore
internal import ToteHTTP
internal import ToteServer

/// Whom an answer goes to. A class: it is handed on from queue to queue, hundreds at once.
final class Asker: Sendable {
    let responder: HTTPResponder
    let requestID: String
    /// An index into the server's routes, or that of another place.
    let route: Int
    /// When the request came, on the monotonic clock; `nil` for one that was parked.
    let sinceNanos: UInt64?
    /// What it has taken of its rates; `nil` where that is spent.
    let charge: RateLimits.Charge?
    /// What it asks; `nil` for what is answered in front of the server, and for what was parked.
    /// Held until the answer is made, so that the loop's thread frees it.
    let request: ServerRequest?

    init(
        responder: HTTPResponder, requestID: String, route: Int, sinceNanos: UInt64?,
        charge: RateLimits.Charge? = nil, request: ServerRequest? = nil
    ) {
        self.responder = responder
        self.requestID = requestID
        self.route = route
        self.sinceNanos = sinceNanos
        self.charge = charge
        self.request = request
    }

    /// The same without a time, since how long a parked request waits says nothing of the server;
    /// without a charge, since to wait costs nothing; and without the request, which takes room.
    func parked() -> Asker {
        charge?.giveBack()
        return Asker(responder: responder, requestID: requestID, route: route, sinceNanos: nil)
    }
}

/// The server's answers on their way out: as HTTP has them, counted, and into the log.
struct Answers: Sendable {
    let log: Log
    let tallies: RequestTallies

    /// Answers one request.
    func send(_ response: ServerResponse, to asker: Asker) {
        asker.responder.respond(making: { http(response, to: asker) })
        note(response, asker)
    }

    /// Answers a request that was one too many, later than at once.
    func hold(_ response: ServerResponse, for asker: Asker) {
        asker.responder.respondHeld(http(response, to: asker))
        note(response, asker)
    }

    /// Answers many at once: each event loop is woken once for all of its own. They are gone then.
    func send(_ answers: inout [(Asker, ServerResponse)]) {
        var burst = ResponseBurst()
        answers.reverse()
        while let (asker, response) = answers.popLast() {
            note(response, asker)
            burst.add(asker.responder) { http(response, to: asker) }
        }
        burst.send()
    }

    private func note(_ response: ServerResponse, _ asker: Asker) {
        // Whoever asks too often must not fill the log: how often is among the metrics.
        let isProblem = response.code != nil && response.status != 429
        guard isProblem || log.isOn(.debug) else { return }
        log.line(
            response.status >= 500 ? .warning : isProblem ? .info : .debug, "request",
            [
                ("request_id", .text(asker.requestID)),
                ("route", .text(RequestTallies.name(ofRoute: asker.route))),
                ("status", .int(Int64(response.status))),
                ("code", response.code.map { .text($0) } ?? .null),
            ])
    }

    /// Makes an answer, on the thread of the loop that sends it.
    private func http(_ response: ServerResponse, to asker: Asker) -> HTTPResponse {
        count(status: response.status, code: response.code, asker)
        return withExtendedLifetime(asker.request) {
            Self.http(response, requestID: asker.requestID)
        }
    }

    /// Counts an answer. For the thread of the loop that sends it.
    func count(status: Int, code: String?, _ asker: Asker) {
        // What is not new costs nothing.
        if status == 304 { asker.charge?.giveBack() }
        let seconds = asker.sinceNanos.map { Double(MonotonicClock.nowNanos() - $0) / 1e9 }
        tallies.note(
            loop: asker.responder.loop, route: asker.route, status: status, code: code,
            seconds: seconds)
    }

    /// An answer as HTTP has it.
    static func http(_ response: ServerResponse, requestID: String) -> HTTPResponse {
        var headers = response.headers
        // What has not changed is told in as few bytes as can be: idle boards ask for it all day.
        guard response.status != 304 else {
            return HTTPResponse(status: 304, headers: headers, body: [])
        }
        headers.append(("Content-Type", response.contentType))
        // Nothing stores the answer to a POST; of the others none may be stored.
        let isSaid = headers.contains { $0.name == "Cache-Control" }
        if response.contentType != Encoding.cbor.rawValue, !isSaid {
            headers.append(("Cache-Control", "no-store"))
        }
        if !requestID.isEmpty { headers.append(("X-Request-Id", requestID)) }
        return HTTPResponse(status: response.status, headers: headers, body: response.body)
    }
}
