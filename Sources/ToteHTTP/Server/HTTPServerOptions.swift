/// Where a server listens and what it puts up with. Every default is a documented limit.
package struct HTTPServerOptions: Sendable {
    /// Numeric IPv4 or IPv6 address to listen on; nil listens on no TCP port.
    package var host: String? = "127.0.0.1"
    /// TCP port; 0 lets the system choose.
    package var port: UInt16 = 0
    /// Path of a Unix socket to listen on as well, made with mode 0600; nil for none.
    package var unixSocketPath: String?
    /// Event loops, each a thread; nil means one per core.
    package var loops: Int?

    /// What one message may measure.
    package var message = HTTPMessageLimits()

    /// Time from the first byte of a head to its last; later is 408.
    package var headerDeadline: Duration = .seconds(10)
    /// Time from the end of a head to the end of its body; later is 408.
    package var bodyDeadline: Duration = .seconds(20)
    /// Slowest average of a body, in bytes per second, once `bodyGrace` has passed; slower is 408.
    package var bodyBytesPerSecond = 500
    /// Time until a body's rate counts.
    package var bodyGrace: Duration = .seconds(5)
    /// Slowest reader of answers, in bytes per second over each `writeGrace`; slower is cut.
    package var writeBytesPerSecond = 500
    /// The window in which a reader's rate is measured.
    package var writeGrace: Duration = .seconds(5)
    /// Time that a connection may wait between requests, before it is closed without a word.
    package var idleDeadline: Duration = .seconds(75)
    /// Time that a handler may take; later is 504, and its answer is dropped.
    package var answerDeadline: Duration = .seconds(60)
    /// Time that a closing connection is read on, so that the last answer is not lost to a reset.
    package var lingerDeadline: Duration = .seconds(2)

    /// Bytes of answers waiting on a slow reader before no further request is read. One answer may
    /// be larger.
    package var backlogBytesAtMost = 64 * 1024
    /// Requests of one connection that wait for their answers before it is no longer read.
    package var pipelinedAtMost = 16
    /// Requests on one connection; the last is answered with `Connection: close`.
    package var requestsPerConnectionAtMost = 10_000

    /// Connections at once, on all loops. Never more than 90 % of the descriptors that the process
    /// may open; more are answered with 503.
    package var connectionsAtMost = 10_000
    /// Connections of one address at once (an IPv6 /64 counts as one); more are answered with 503.
    package var connectionsPerAddressAtMost = 256
    /// Numeric addresses that the limit per address leaves alone: the reverse proxy's.
    package var exemptAddresses: [String] = []
    /// What a 503 for too many connections says in `Retry-After`, in seconds.
    package var retryAfterSeconds = 5
    /// How long accepting stops when the process has no descriptor left.
    package var acceptPause: Duration = .milliseconds(200)
    /// Connections that the system may hold before they are accepted, per loop.
    package var acceptQueue = 1024

    /// Makes the body of an answer that the HTTP layer gives by itself.
    package var errorBody: @Sendable (HTTPFailure) -> HTTPResponse = HTTPResponse.plain

    /// The default limits, on a free port of 127.0.0.1.
    package init() {}
}

/// Why a server did not start.
package struct HTTPServerError: Error, Hashable, CustomStringConvertible {
    /// What was tried and with which address or path.
    package let message: String
    /// The system's error number, 0 if the options themselves are wrong.
    package let errno: Int32

    /// The message, for a log.
    package var description: String {
        errno == 0 ? message : "\(message): \(errorText(errno))"
    }
}
