internal import ToteConcurrency
package import ToteServer

/// What a sender of webhooks needs.
package struct WebhookSenderOptions: Sendable {
    /// Work with the server and its clock (milliseconds) on the server's own thread.
    package typealias Work = @Sendable (Server, UInt64) throws -> Void

    /// Runs work in a group of its own and tells whether it was committed; false when the server
    /// has stopped, and then neither is called.
    package var inGroup: @Sendable (@escaping Work, @escaping @Sendable (Bool) -> Void) -> Bool
    package var policy = WebhookPolicy()
    /// Told what belongs in the log.
    package var notice: @Sendable (WebhookNotice) -> Void = { _ in }
    /// How long a receiver may take to answer.
    package var timeout: Duration = .seconds(15)
    /// How names are resolved; tests know better.
    package var resolve: @Sendable (String) -> [NetworkAddress] = HostResolver.addresses(of:)

    package init(
        inGroup: @escaping @Sendable (@escaping Work, @escaping @Sendable (Bool) -> Void) -> Bool
    ) {
        self.inGroup = inGroup
    }
}

/// Sends webhooks as they become due: one thread that asks the server, and workers that post.
///
/// It is told of new ones by `wake` and sleeps until the next retry otherwise. What is under way
/// when it or the process ends was not noted and is sent again: at least once.
package final class WebhookSender: Sendable {
    /// Attempts at once, to all endpoints.
    package static let attemptsMax = 8

    private let events: Mailbox<SenderLoop.Event>
    private let thread: JoinableThread

    /// Starts sending.
    package init(_ options: WebhookSenderOptions) {
        let events = Mailbox<SenderLoop.Event>()
        self.events = events
        thread = startThread(named: "tote-webhooks") {
            var loop = SenderLoop(options: options, events: events)
            loop.run()
        }
    }

    /// Tells that there may be something due; never blocks.
    package func wake() { events.post(.wake) }

    /// Stops sending; what is under way has so long to end.
    ///
    /// Call it before the server stops, so that what ended can be noted.
    package func stop(within limit: Duration) {
        events.post(.stop(limit))
        thread.join()
    }
}

/// The loop of a sender. Lives on its thread alone.
private struct SenderLoop {
    enum Event: Sendable {
        case wake
        case ended(worker: Int, WebhookAttempt.ID, WebhookOutcome)
        case stop(Duration)
    }

    private struct Ended: Sendable {
        let id: WebhookAttempt.ID
        let outcome: WebhookOutcome
    }

    private let options: WebhookSenderOptions
    private let events: Mailbox<Event>
    private let poster = WebhookPoster()
    private var workers: [Mailbox<WebhookAttempt>] = []
    private var idle: [Int] = []
    /// Ended attempts that the server has not noted yet; nothing new is begun before it has.
    private var unnoted: [Ended] = []
    private var stopsWithin: Duration?

    /// How long to wait before what failed on the server's side is tried again, and before one
    /// looks again though nothing was said.
    private static let pause: Duration = .seconds(1)
    private static let longestSleepMilliseconds: UInt64 = 3_600_000
    /// How long the server's thread may take for a group.
    private static let groupTimeout: Duration = .seconds(120)

    init(options: WebhookSenderOptions, events: Mailbox<Event>) {
        self.options = options
        self.events = events
    }

    mutating func run() {
        var wait: Duration? = .zero
        while stopsWithin == nil {
            handle(events.drain(waitingAtMost: wait))
            guard stopsWithin == nil else { break }
            wait = note() ? take() : Self.pause
        }
        finish(within: stopsWithin ?? .zero)
    }

    private mutating func handle(_ taken: [Event]) {
        for event in taken {
            switch event {
            case .wake: break
            case .ended(let worker, let id, let outcome):
                idle.append(worker)
                unnoted.append(Ended(id: id, outcome: outcome))
            case .stop(let limit): stopsWithin = limit
            }
        }
    }

    /// Has the server note what has ended. Returns false when it could not.
    private mutating func note() -> Bool {
        guard !unnoted.isEmpty else { return true }
        let ended = unnoted
        let isNoted = inGroup { server, now in
            for ended in ended {
                try server.noteWebhook(ended.id, outcome: ended.outcome, at: now)
            }
        }
        if isNoted { unnoted = [] }
        return isNoted
    }

    /// Takes what is due and hands it to the workers. Returns how long to sleep then; `nil` until
    /// something is said.
    private mutating func take() -> Duration? {
        struct Taken: Sendable {
            var attempts: [WebhookAttempt]
            var notices: [WebhookNotice]
            var sleepMilliseconds: UInt64?
        }
        let room = WebhookSender.attemptsMax - (workers.count - idle.count)
        // Full: the next that ends says so.
        guard room > 0 else { return nil }
        let box = Monitor<Taken?>(nil)
        _ = inGroup { server, now in
            let attempts = try server.dueWebhooks(at: now, most: room)
            let next = try server.nextWebhookTime()
            let taken = Taken(
                attempts: attempts, notices: server.takeWebhookNotices(),
                sleepMilliseconds: next.map { $0 > now ? $0 - now : 0 })
            box.change { $0 = taken }
        }
        // What was taken counts as under way, whatever became of a group that wrote nothing.
        guard let taken = box.change({ $0 }) else { return Self.pause }
        for notice in taken.notices { options.notice(notice) }
        for attempt in taken.attempts { give(attempt) }
        guard taken.attempts.count < room else { return nil }
        return taken.sleepMilliseconds.map { milliseconds in
            milliseconds == 0
                ? Self.pause : .milliseconds(min(milliseconds, Self.longestSleepMilliseconds))
        }
    }

    private mutating func give(_ attempt: WebhookAttempt) {
        if let worker = idle.popLast() {
            workers[worker].post(attempt)
            return
        }
        let number = workers.count
        let mailbox = Mailbox<WebhookAttempt>()
        workers.append(mailbox)
        mailbox.post(attempt)
        let (options, events, poster) = (options, events, poster)
        // Not joined: one that waits for the resolver must not hold up the end of the process.
        _ = startThread(named: "tote-webhook-\(number)") {
            while let attempt = mailbox.drain(waitingAtMost: nil).first {
                let outcome = WebhookExchange(options: options, poster: poster).make(attempt)
                events.post(.ended(worker: number, attempt.id, outcome))
            }
        }
    }

    /// Waits for what is under way, notes it, and cuts off the rest.
    private mutating func finish(within limit: Duration) {
        let end = MonotonicClock.nowNanos() &+ limit.clampedNanos
        while idle.count < workers.count {
            let now = MonotonicClock.nowNanos()
            guard now < end else { break }
            handle(events.drain(waitingAtMost: .nanoseconds(end - now)))
        }
        _ = note()
        for worker in workers { worker.close() }
        poster.end()
    }

    /// Runs work on the server's thread and waits for it. Returns whether it was committed.
    private func inGroup(_ work: @escaping WebhookSenderOptions.Work) -> Bool {
        let done = Mailbox<Bool>()
        guard options.inGroup(work, { done.post($0) }) else { return false }
        return done.drain(waitingAtMost: Self.groupTimeout).first ?? false
    }
}
