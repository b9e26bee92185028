internal import ToteCore
internal import ToteHTTP
internal import ToteServer

/// Whom an answer goes to. A class: it is handed on from queue to queue, hundreds at once.
final class Asker: Sendable {
    let responder: HTTPResponder
    let requestID: String
    /// Held until the answer is made, so that the loop's thread frees it.
    let request: ServerRequest?

    init(responder: HTTPResponder, requestID: String, request: ServerRequest? = nil) {
        self.responder = responder
        self.requestID = requestID
        self.request = request
    }
}

/// The server's answers on their way out: as HTTP has them, and into the log.
struct Answers: Sendable {
    let log: Log

    /// Answers one request.
    func send(_ response: ServerResponse, to asker: Asker) {
        asker.responder.respond(making: { Self.http(response, to: asker) })
        note(response, asker.requestID)
    }

    /// Answers many at once: each event loop is woken once for all of its own. They are gone then.
    func send(_ answers: inout [(Asker, ServerResponse)]) {
        var burst = ResponseBurst()
        answers.reverse()
        while let (asker, response) = answers.popLast() {
            note(response, asker.requestID)
            burst.add(asker.responder) { Self.http(response, to: asker) }
        }
        burst.send()
    }

    private func note(_ response: ServerResponse, _ id: String) {
        let isProblem = response.code != nil
        guard isProblem || log.isOn(.debug) else { return }
        log.line(
            response.status >= 500 ? .warning : isProblem ? .info : .debug, "request",
            [
                ("request_id", .text(id)), ("status", .int(Int64(response.status))),
                ("code", response.code.map { .text($0) } ?? .null),
            ])
    }

    private static func http(_ response: ServerResponse, to asker: Asker) -> HTTPResponse {
        withExtendedLifetime(asker.request) { http(response, requestID: asker.requestID) }
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
