internal import ToteBoard
internal import ToteConcurrency
internal import ToteCore
package import ToteHTTP
internal import ToteSQLite
package import ToteServer

/// What a service needs to run.
package struct ServiceOptions: Sendable {
    package var directory: DataDirectory
    package var http = HTTPServerOptions()
    package var log = Log()
    /// Whether it listens at `http`, besides what `Service.handle` gives it.
    package var listens = true
    /// Whether the operator's socket is opened in the data directory.
    package var opensOperatorSocket = true
    /// Numeric address and port on which `/metrics` is served without a token; `nil` for none.
    package var metricsAddress: (host: String, port: UInt16)?
    /// The program's version, for the metrics.
    package var version = ""
    /// How often a token and an address may ask. The proxies in `http.exemptAddresses` speak for
    /// the addresses that they name.
    package var rates = RateOptions()
    /// Where webhooks may go, and when they are tried again.
    package var webhookPolicy = WebhookPolicy()
    package var webhookSchedule = WebhookSchedule.standard

    package init(directory: DataDirectory) { self.directory = directory }
}

/// A running server: sockets in front, the commit thread behind.
package final class Service: Sendable {
    private let options: ServiceOptions
    private let lock: DirectoryLock
    private let commits: CommitThread
    private let thread: JoinableThread
    private let ended: Mailbox<CommitThread.End>
    private let front: Front
    private let servers: [HTTPServer]
    /// The TCP port listened on; 0 when there is none.
    package let port: UInt16
    /// The port of the metrics, when they have one of their own.
    package let metricsPort: UInt16?

    /// What requests may have, where nothing else is set.
    package static let messageLimits: HTTPMessageLimits = {
        var limits = HTTPMessageLimits()
        limits.largerBodiesAtMost = ["/v1/admin/catalog": Catalog.bytesMax]
        return limits
    }()

    /// Takes the data directory, opens its file and listens.
    ///
    /// - Throws: `ServiceError`; nothing is left open then.
    package init(_ options: ServiceOptions) throws(ServiceError) {
        self.options = options
        try options.directory.make()
        lock = try options.directory.lock()
        let ended = Mailbox<CommitThread.End>()
        self.ended = ended
        let answers = Answers(log: options.log, tallies: RequestTallies())
        commits = CommitThread(
            directory: options.directory, answers: answers,
            configure: { server in
                server.webhookPolicy = options.webhookPolicy
                server.webhookSchedule = options.webhookSchedule
            }, onEnd: { ended.post($0) })
        thread = try commits.start()
        let metrics = Metrics(options, commits: commits, tallies: answers.tallies)
        let limits = RateLimits(options.rates, proxies: options.http.exemptAddresses)
        let front = Front(
            commits: commits, directory: options.directory, answers: answers, metrics: metrics,
            limits: limits)
        self.front = front
        var http = options.http
        http.errorBody = { front.failure($0) }
        http.message.largerBodiesAtMost = Self.messageLimits.largerBodiesAtMost
        let server = HTTPServer(options: http) { front.handle($0, $1, isOperator: false) }
        var servers: [HTTPServer] = []
        do {
            port = options.listens ? try server.start() : 0
            if options.listens { servers.append(server) }
            if options.opensOperatorSocket {
                var local = http
                local.host = nil
                local.unixSocketPath = options.directory.socketPath
                local.loops = 1
                let operatorServer = HTTPServer(options: local) {
                    front.handle($0, $1, isOperator: true)
                }
                _ = try operatorServer.start()
                servers.append(operatorServer)
            }
            metrics.watch(servers)
            metricsPort = try options.metricsAddress.map { address throws(HTTPServerError) in
                var own = http
                (own.host, own.port, own.loops) = (address.host, address.port, 1)
                let server = HTTPServer(options: own) { front.scrape($0, $1) }
                let port = try server.start()
                servers.append(server)
                return port
            }
        } catch {
            for server in servers { server.stop(within: .zero) }
            commits.jobs.close()
            thread.join()
            throw .listen("\(error)")
        }
        self.servers = servers
    }

    /// Takes a request without a socket, as the listening threads take theirs.
    ///
    /// - Parameter isOperator: whether it comes as over the operator's socket.
    package func handle(_ request: HTTPRequest, _ exchange: HTTPExchange, isOperator: Bool) {
        front.handle(request, exchange.responder, isOperator: isOperator)
    }

    /// Requests answered, groups committed and rows written since the start.
    package var counts: (requests: UInt64, groups: UInt64, rows: UInt64) {
        commits.statistics.withLock {
            (UInt64($0.groupRequests.sum), $0.groupRequests.count, $0.rows)
        }
    }

    /// How often the WAL was written back since the start.
    package var checkpointCount: UInt64 { commits.statistics.withLock { $0.checkpoints.count } }

    /// Runs work on the server's thread, in a group of its own.
    ///
    /// - Parameters:
    ///   - work: called with the server and the clock, milliseconds since 1970.
    ///   - done: told whether the work was committed; if not, nothing of it happened, or, when the
    ///     disk failed in the middle, it is unknown.
    /// - Returns: false when the service has stopped; neither is called then.
    package func inGroup(
        _ work: @escaping @Sendable (Server, UInt64) throws -> Void,
        done: @escaping @Sendable (Bool) -> Void
    ) -> Bool {
        commits.jobs.post(
            .work { [log = options.log] server in
                do {
                    try server.begin()
                    try work(server, SystemClock.nowMilliseconds())
                    try server.commit()
                    done(true)
                } catch {
                    // What cannot be rolled back fails the next group, which says so.
                    try? server.rollBack()
                    log.line(.error, "work on the file failed", [("detail", .text("\(error)"))])
                    done(false)
                }
            })
    }

    /// Sets who is told, on the server's thread, that webhooks are due; it must not block.
    package func onNewWebhooks(_ notice: @escaping @Sendable () -> Void) {
        commits.onNewWebhooks.withLock { $0 = notice }
    }

    /// Stops taking work, answers what is there, closes the file.
    ///
    /// - Parameter limit: how long clients may take to read their answers.
    package func stop(within limit: Duration) {
        front.beginDrain()
        for server in servers { server.beginDrain() }
        commits.jobs.post(.drain)
        for server in servers { server.stop(within: limit) }
        commits.jobs.close()
        thread.join()
        lock.release()
    }

    /// Waits until the commit thread has failed; `nil` when the time passes first.
    package func failure(waitingAtMost limit: Duration) -> String? {
        for case .failed(let message) in ended.drain(waitingAtMost: limit) { return message }
        return nil
    }
}

/// What stands between HTTP and the commit thread: health, ids, the log, the operator's own
/// requests.
private final class Front: Sendable {
    private let commits: CommitThread
    private let directory: DataDirectory
    private let log: Log
    private let answers: Answers
    private let metrics: Metrics
    private let limits: RateLimits
    private let state: Lock<State>

    private struct State {
        var nextNumber: UInt64 = 1
        var isDraining = false
        var isBackingUp = false
    }

    /// Tells requests of this start of the process from those of others.
    private let prefix = String(Hex.string(SystemClock.randomBits()).prefix(8))

    init(
        commits: CommitThread, directory: DataDirectory, answers: Answers, metrics: Metrics,
        limits: RateLimits
    ) {
        self.commits = commits
        self.directory = directory
        log = answers.log
        self.answers = answers
        self.metrics = metrics
        self.limits = limits
        state = Lock(State())
    }

    func beginDrain() { state.withLock { $0.isDraining = true } }

    /// The next request's number, and its name in the log and in its answer.
    private func nextID() -> (number: UInt64, id: String, isDraining: Bool) {
        let (number, isDraining) = state.withLock { state in
            defer { state.nextNumber += 1 }
            return (state.nextNumber, state.isDraining)
        }
        return (number, "\(prefix)-\(number)", isDraining)
    }

    func failure(_ failure: HTTPFailure) -> HTTPResponse {
        metrics.tallies.note(failure: failure.code)
        var problem = Problem(failure.status, failure.code, failure.detail)
        problem.didNotHappen = failure.didNotHappen
        let id = nextID().id
        log.line(.debug, "refused", [("request_id", .text(id)), ("code", .text(failure.code))])
        return Answers.http(ServerResponse(problem, requestID: id), requestID: id)
    }

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder, isOperator: Bool) {
        let (number, id, isDraining) = nextID()
        let now = MonotonicClock.nowNanos()
        let path = request.pathSegments
        let place = place(path, request.method, isOperator: isOperator)
        if let place {
            let asker = Asker(
                responder: responder, requestID: id, route: place.index, sinceNanos: now)
            let isRead = request.method == .get || request.method == .head
            guard isRead || place == .backup else { return answers.send(notRead(id), to: asker) }
            switch place {
            case .ready: return readiness(asker, isDraining: isDraining)
            case .backup: return backUp(request, asker)
            case .board: return board(request, asker)
            case .live: return answers.send(health("live"), to: asker)
            case .metrics, .other: break
            }
        }
        var served = served(request, path, id, isOperator: isOperator)
        let route = served.route ?? (place ?? .other).index
        let refused = {
            Asker(responder: responder, requestID: id, route: route, sinceNanos: now)
        }
        guard !isDraining else { return answers.send(draining(id), to: refused()) }
        var charge: RateLimits.Charge?
        if !isOperator {
            // Before the body is read: a request too many costs as little as can be.
            switch limits.admit(request, tokenHash: served.tokenHash) {
            case .refused(let problem):
                return answers.hold(ServerResponse(problem, requestID: id), for: refused())
            case .admitted(let taken): charge = taken
            }
        }
        served.prepare()
        let asker = Asker(
            responder: responder, requestID: id, route: route, sinceNanos: now, charge: charge,
            request: served)
        if place == .metrics { return scrape(served, asker) }
        if served.mayWait {
            responder.onDisconnect { [commits] in
                commits.jobs.post(.disconnected(number: number))
            }
        }
        let posted = commits.jobs.post(.request(number: number, asker))
        if !posted { answers.send(draining(id), to: asker) }
    }

    private func notRead(_ id: String) -> ServerResponse {
        var refusal = ServerResponse(
            Problem(405, "method_not_allowed", "this is read with GET"), requestID: id)
        refusal.headers.append(("Allow", "GET, HEAD"))
        return refusal
    }

    private func draining(_ id: String) -> ServerResponse {
        var problem = Problem(503, "draining", "the server is about to stop; try again")
        problem.retryAfterSeconds = 1
        return ServerResponse(problem, requestID: id)
    }

    /// What is answered before the server's table of routes is asked.
    private func place(
        _ path: [String], _ method: HTTPMethod, isOperator: Bool
    ) -> RequestTallies.Place? {
        switch path {
        case ["livez"]: .live
        case ["readyz"]: .ready
        case ["metrics"]: .metrics
        case ["v1", "operator", "backup"] where isOperator && method == .post: .backup
        case _ where path.first.map(Board.folders.contains) ?? false: .board
        default: nil
        }
    }

    /// A request as the server takes it, its body still to be read.
    private func served(
        _ request: HTTPRequest, _ path: [String], _ id: String, isOperator: Bool
    ) -> ServerRequest {
        var served = ServerRequest(
            method: request.method.rawValue, path: path, requestID: id)
        served.contentType = request.header("content-type")
        served.accept = request.header("accept")
        served.authorization = request.header("authorization")
        served.ifMatch = request.header("if-match")
        served.ifNoneMatch = request.header("if-none-match")
        served.idempotencyKey = request.header("idempotency-key")
        if request.query != nil {
            for (name, value) in request.queryItems {
                let former = served.query.updateValue(value, forKey: name)
                served.repeatsQuery = served.repeatsQuery || former != nil
            }
        }
        served.body = request.body
        served.isOperator = isOperator
        served.identify()
        return served
    }

    /// `GET /metrics` on a port of its own, whose one loop waits for nothing else.
    func scrape(_ request: HTTPRequest, _ responder: HTTPResponder) {
        guard request.pathSegments == ["metrics"],
            request.method == .get || request.method == .head
        else {
            let problem = Problem(404, "not_found", "there is GET /metrics here and nothing else")
            let id = nextID().id
            return responder.respond(
                Answers.http(ServerResponse(problem, requestID: id), requestID: id))
        }
        let response = metrics.response(accept: request.header("accept"))
        responder.respond(Answers.http(response, requestID: ""))
    }

    /// `GET /metrics` beside the API: for a token of the role `metrics`.
    private func scrape(_ request: ServerRequest, _ asker: Asker) {
        let posted = commits.jobs.post(
            .work { [self] server in
                do {
                    try server.admitScrape(request, at: SystemClock.nowMilliseconds())
                } catch {
                    let problem =
                        error as? Problem
                        ?? Problem(503, "storage_unavailable", "the data file cannot be read")
                    let refusal = ServerResponse(problem, requestID: asker.requestID)
                    return answers.send(refusal, to: asker)
                }
                _ = startThread(named: "tote-metrics") { [self] in
                    answers.send(metrics.response(accept: request.accept), to: asker)
                }
            })
        if !posted { answers.send(draining(asker.requestID), to: asker) }
    }

    /// The pickup board's page, which holds no data and needs no token.
    private func board(_ request: HTTPRequest, _ asker: Asker) {
        guard let page = Board.response(path: request.pathSegments) else {
            let problem = Problem(404, "not_found", "there is no such page")
            return answers.send(ServerResponse(problem, requestID: asker.requestID), to: asker)
        }
        let isKept = request.header("if-none-match")?.contains(page.entityTag) ?? false
        let status = isKept ? 304 : 200
        answers.count(status: status, code: nil, asker)
        asker.responder.respond(
            HTTPResponse(
                status: status, headers: page.headers + [("X-Request-Id", asker.requestID)],
                body: page.body))
    }

    private func health(_ word: String) -> ServerResponse {
        ServerResponse(
            status: 200,
            body: Encoding.json.encode(.map([Value.Entry("status", .text(word))])))
    }

    /// Ready: not draining, the commit thread answers, and the disk takes a durable write.
    private func readiness(_ asker: Asker, isDraining: Bool) {
        @Sendable func unready(_ why: String) -> ServerResponse {
            var problem = Problem(503, "unready", why)
            problem.retryAfterSeconds = 1
            return ServerResponse(problem, requestID: asker.requestID)
        }
        guard !isDraining else { return answers.send(unready("draining"), to: asker) }
        let posted = commits.jobs.post(
            .work { [self] _ in
                let response =
                    directory.canWrite()
                    ? health("ready") : unready("the data directory cannot be written")
                answers.send(response, to: asker)
            })
        if !posted { answers.send(unready("stopped"), to: asker) }
    }

    /// `POST /v1/operator/backup {"path": …}`, on the operator's socket only.
    private func backUp(_ request: HTTPRequest, _ asker: Asker) {
        let id = asker.requestID
        guard let value = try? Encoding.json.value(request.body),
            let target = value["path"]?.textValue, target.utf8.first == UInt8(ascii: "/")
        else {
            let problem = Problem(400, "bad_path", "send {\"path\": an absolute path}")
            return answers.send(ServerResponse(problem, requestID: id), to: asker)
        }
        let isFree = state.withLock { state in
            defer { state.isBackingUp = true }
            return !state.isBackingUp
        }
        guard isFree else {
            let problem = Problem(409, "backup_running", "another backup is being made")
            return answers.send(ServerResponse(problem, requestID: id), to: asker)
        }
        let posted = commits.jobs.post(
            .work { [self] server in
                let begun = Result { try server.markBackup(at: SystemClock.nowMilliseconds()) }
                _ = startThread(named: "tote-backup") { [self] in
                    let response = makeBackup(target, begun, id)
                    state.withLock { $0.isBackingUp = false }
                    metrics.noteBackup(succeeded: response.status == 200)
                    answers.send(response, to: asker)
                }
            })
        if !posted {
            state.withLock { $0.isBackingUp = false }
            answers.send(draining(id), to: asker)
        }
    }

    private func makeBackup(
        _ target: String, _ begun: Result<UInt64, any Error>, _ id: String
    ) -> ServerResponse {
        do {
            let time = try begun.get()
            let report = try BackupFile.make(of: directory.filePath, at: target)
            let noted = Mailbox<Bool>()
            commits.jobs.post(
                .work { server in
                    noted.post((try? server.noteBackupAlone(begunAt: time)) != nil)
                })
            _ = noted.drain(waitingAtMost: .seconds(30))
            log.line(.info, "backup made", [("events", .int(Int64(report.events)))])
            return ServerResponse(
                status: 200, body: Encoding.json.encode(BackupFile.value(report, path: target)))
        } catch let error as ServiceError {
            return ServerResponse(
                Problem(400, "bad_path", error.description), requestID: id)
        } catch {
            return ServerResponse(
                Problem(500, "backup_failed", "\(error)"), requestID: id)
        }
    }
}
