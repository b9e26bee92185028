/// Why the HTTP layer itself refused a request: no handler saw it, or it will not wait for one.
///
/// The connection is closed after the answer, so that nothing behind the refused bytes can be taken
/// for a request.
package struct HTTPFailure: Error, Hashable, Sendable {
    /// The status code to answer with.
    package let status: Int
    /// What a program may branch on; stable, in snake_case.
    package let code: String
    /// For a developer: what was wrong. Never holds bytes that the client sent.
    package let detail: String

    /// Whether a handler certainly never saw the request.
    package var didNotHappen: Bool { code != Code.answerTimeout }

    /// Every code there is, in one place for the documentation.
    package enum Code {
        package static let badRequest = "bad_request"
        package static let methodNotAllowed = "method_not_allowed"
        package static let requestTimeout = "request_timeout"
        package static let bodyTooLarge = "body_too_large"
        package static let targetTooLong = "target_too_long"
        package static let expectationFailed = "expectation_failed"
        package static let headerTooLarge = "header_too_large"
        package static let methodNotImplemented = "method_not_implemented"
        package static let transferCodingNotImplemented = "transfer_coding_not_implemented"
        package static let versionNotSupported = "version_not_supported"
        package static let tooManyConnections = "too_many_connections"
        package static let answerTimeout = "answer_timeout"

        /// All of them, sorted.
        package static let all = [
            answerTimeout, badRequest, bodyTooLarge, expectationFailed, headerTooLarge,
            methodNotAllowed, methodNotImplemented, requestTimeout, targetTooLong,
            tooManyConnections, transferCodingNotImplemented, versionNotSupported,
        ]
    }

    static func badRequest(_ detail: String) -> HTTPFailure {
        HTTPFailure(status: 400, code: Code.badRequest, detail: detail)
    }

    static func methodNotAllowed() -> HTTPFailure {
        HTTPFailure(
            status: 405, code: Code.methodNotAllowed,
            detail: "this server answers \(HTTPMethod.allowed) only")
    }

    static func requestTimeout(_ detail: String) -> HTTPFailure {
        HTTPFailure(status: 408, code: Code.requestTimeout, detail: detail)
    }

    static func bodyTooLarge(limit: Int) -> HTTPFailure {
        HTTPFailure(
            status: 413, code: Code.bodyTooLarge, detail: "a body may have \(limit) bytes at most")
    }

    static func targetTooLong(limit: Int) -> HTTPFailure {
        HTTPFailure(
            status: 414, code: Code.targetTooLong,
            detail: "a request target may have \(limit) bytes at most")
    }

    static func expectationFailed() -> HTTPFailure {
        HTTPFailure(
            status: 417, code: Code.expectationFailed, detail: "only 100-continue may be expected")
    }

    static func headerTooLarge(_ limits: HTTPMessageLimits) -> HTTPFailure {
        HTTPFailure(
            status: 431, code: Code.headerTooLarge,
            detail: "a header may have \(limits.fieldsAtMost) fields and "
                + "\(limits.headerBytesAtMost) bytes at most")
    }

    static func methodNotImplemented() -> HTTPFailure {
        HTTPFailure(
            status: 501, code: Code.methodNotImplemented,
            detail: "this server answers \(HTTPMethod.allowed) only")
    }

    static func transferCodingNotImplemented() -> HTTPFailure {
        HTTPFailure(
            status: 501, code: Code.transferCodingNotImplemented,
            detail: "chunked is the only transfer coding")
    }

    static func versionNotSupported() -> HTTPFailure {
        HTTPFailure(
            status: 505, code: Code.versionNotSupported, detail: "only HTTP/1.1 and HTTP/1.0")
    }

    static func tooManyConnections(_ detail: String) -> HTTPFailure {
        HTTPFailure(status: 503, code: Code.tooManyConnections, detail: detail)
    }

    static func answerTimeout() -> HTTPFailure {
        HTTPFailure(
            status: 504, code: Code.answerTimeout,
            detail: "the request was handed on and not answered in time; it may have taken effect")
    }
}
