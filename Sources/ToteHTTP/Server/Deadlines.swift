import ToteConcurrency

/// The options' times in milliseconds, as the loops compare them.
struct Deadlines: Sendable {
    let header: Int
    let body: Int
    let bodyGrace: Int
    let writeGrace: Int
    let idle: Int
    let answer: Int
    let linger: Int
    let acceptPause: Int
    /// How often the loops look: a deadline strikes at most this much late.
    let tick: Int

    /// The longest tick: what a deadline of seconds may be late.
    private static let tickAtMost = 250

    init(_ options: HTTPServerOptions) {
        let millis = { (duration: Duration) in max(1, Int(duration.clampedNanos / 1_000_000)) }
        header = millis(options.headerDeadline)
        body = millis(options.bodyDeadline)
        bodyGrace = millis(options.bodyGrace)
        writeGrace = millis(options.writeGrace)
        idle = millis(options.idleDeadline)
        answer = millis(options.answerDeadline)
        linger = millis(options.lingerDeadline)
        acceptPause = millis(options.acceptPause)
        let shortest = [header, body, bodyGrace, writeGrace, idle, answer, linger]
            .reduce(Self.tickAtMost * 4, min)
        tick = max(5, shortest / 4)
    }
}
