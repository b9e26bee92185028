internal import ToteCore
internal import ToteSQLite

extension Server {
    /// Where `routes` has the exchange that nearly every request is.
    static let syncRoute = routes.firstIndex { $0.path == "/v1/spaces/{space}/sync" }

    /// Where `routes` has what a request asks for; `nil` when there is no such path or method.
    static func route(method: String, path: [String]) -> Int? {
        // Found without the table.
        if method == "POST", path.count == 4, path[3] == "sync", path[1] == "spaces",
            path[0] == "v1"
        {
            return syncRoute
        }
        let method = method == "HEAD" ? "GET" : method
        return routes.firstIndex { $0.method == method && $0.matches(path) }
    }

    /// The protocol versions that this server speaks.
    package static let protocolVersions: ClosedRange<Int64> = 1...1

    func route(_ request: ServerRequest) throws -> Handled {
        guard let index = request.route else {
            let matching = Self.routes.filter { $0.matches(request.path) }
            guard !matching.isEmpty else { throw Problem.notFound }
            var problem = ServerResponse(
                Problem(405, "method_not_allowed", "this path knows other methods"),
                requestID: request.requestID)
            problem.headers.append(("Allow", matching.map(\.method).joined(separator: ", ")))
            return .answer(problem)
        }
        // What nearly every request asks for.
        if index == Self.syncRoute { return try sync(request.path[2], request) }
        let route = Self.routes[index]
        if [.token, .admin].contains(route.access), !request.isOperator {
            let token = try authenticate(request)
            // As a missing path: a customer's token learns nothing about what admins have.
            guard route.access == .token || token.role == .admin else { throw Problem.notFound }
        }
        try route.check(request)
        if route.access == .store { return try counterRoute(route, request) }
        switch (route.method, route.path) {
        case ("GET", "/v1/spaces/{space}/orders"):
            return .answer(try orderHistory(request, space: request.path[2]))
        case ("POST", "/v1/spaces/{space}/handoffs"): return .answer(try offerHandOff(request))
        case ("POST", "/v1/spaces/{space}/handoffs/{handoff}/points"):
            return .answer(try allowPoints(request))
        case ("POST", "/v1/spaces/{space}/handoffs/{handoff}/end"):
            return .answer(try endHandOff(request))
        case ("GET", "/v1/admin/alerts"): return .answer(try allAlerts(request))
        case ("GET", "/v1/admin/audit"):
            return .answer(try audit(request))
        case ("GET", "/v1/handshake"): return .answer(handshake())
        case ("GET", "/v1/openapi.json"):
            return .answer(ServerResponse(status: 200, body: OpenAPIDocument.bytes))
        case ("GET", "/v1/catalog"): return .answer(try serveCatalog(request))
        case ("GET", "/v1/slots"): return .answer(try serveSlots(request))
        case ("POST", "/v1/admin/catalog"): return .answer(try importCatalog(request))
        case ("GET", "/v1/admin/tokens"):
            return .answer(try listTokens(request))
        case ("POST", "/v1/admin/tokens"): return .answer(try mintToken(request))
        case ("DELETE", "/v1/admin/tokens/{id}"):
            guard let former = try tokens.token(id: request.path[3]),
                let token = try tokens.revoke(id: former.id, at: clock)
            else { throw Problem.notFound }
            noteRevoked(token.id)
            if former.revoked == nil { try note(.token(token.id)) }
            return .answer(json(token.value))
        case ("POST", "/v1/admin/customers/{customer}/erase"):
            return .answer(try eraseCustomer(request))
        case ("GET", "/v1/admin/status"): return .answer(json(try status()))
        default:
            if let answer = try ledger(route, request) { return .answer(answer) }
            if let answer = try offers(route, request) { return .answer(answer) }
            if let answer = try shares(route, request) { return .answer(answer) }
            return .answer(try webhooks(route, request))
        }
    }

    private func counterRoute(_ route: Route, _ request: ServerRequest) throws -> Handled {
        let counter = try counter(request, store: request.path[2])
        let order = request.path.count > 4 ? request.path[4] : ""
        switch route.path {
        case "/v1/stores/{store}": return .answer(try storeFacts(counter))
        case "/v1/stores/{store}/orders": return try poll(counter)
        case "/v1/stores/{store}/handover": return .answer(try handOver(counter))
        case "/v1/stores/{store}/handoffs": return .answer(try joinHandOff(counter))
        case "/v1/stores/{store}/receipts": return .answer(try takeReceipt(counter))
        case "/v1/stores/{store}/redemptions": return .answer(try redeem(counter))
        case "/v1/stores/{store}/returns": return .answer(try takeReturn(counter))
        case "/v1/stores/{store}/redeemer": return .answer(try enrolRedeemer(counter))
        case "/v1/stores/{store}/availability": return .answer(try setAvailability(counter))
        case "/v1/stores/{store}/orders/{order}/steps": return .answer(try step(counter, order))
        case "/v1/stores/{store}/orders/{order}/undo": return .answer(try undo(counter, order))
        case "/v1/stores/{store}/orders/{order}/override":
            return .answer(try override(counter, order))
        case "/v1/stores/{store}/orders/{order}/dismiss":
            return .answer(try dismiss(counter, order))
        case "/v1/stores/{store}/orders/{order}/posts": return .answer(try post(counter, order))
        case "/v1/stores/{store}/sales/{number}":
            return .answer(try salesReceipt(counter, order))
        case "/v1/stores/{store}/alerts": return .answer(try storeAlerts(counter))
        case "/v1/stores/{store}/visits": return .answer(try beginVisit(counter))
        case "/v1/stores/{store}/visits/{visit}":
            return .answer(try lookAtVisitor(counter, order))
        case "/v1/stores/{store}/visits/{visit}/end":
            return .answer(try endVisit(counter, order))
        default: throw Problem.notFound
        }
    }

    private func poll(_ counter: CounterRequest) throws -> Handled {
        let poll = try orderPoll(counter)
        if let response = try answer(poll, mustAnswer: poll.waitSeconds == 0) {
            return .answer(response)
        }
        return .park(
            Parked(
                space: "store:\(counter.store)", tokenID: counter.token.id,
                deadline: clock + poll.waitSeconds * 1_000,
                perTokenMax: OrderPoll.waitingPerTokenMax,
                question: .poll(poll), requestID: counter.request.requestID))
    }

    func json(_ value: Value, status: Int = 200) -> ServerResponse {
        ServerResponse(status: status, body: Encoding.json.encode(value))
    }

    /// `GET /v1/handshake`: what a client must know before it speaks (Protocol §5.6).
    private func handshake() -> ServerResponse {
        let limits: [(String, Int)] = [
            ("request_bytes", Limits.requestBytesMax), ("batch_bytes", Limits.batchBytesMax),
            ("batch_changes", Limits.changesPerBatchMax),
            ("change_writes", Limits.writesPerChangeMax),
            ("write_replaces", Limits.replacesPerWriteMax),
            ("collection_bytes", Limits.collectionBytesMax), ("item_bytes", Limits.itemBytesMax),
            ("field_bytes", Limits.fieldBytesMax), ("value_bytes", Limits.valueBytesMax),
            ("value_depth", Limits.valueDepthMax), ("key_cells", Limits.cellsPerKeyMax),
            ("space_cells", Limits.cellsPerSpaceMax), ("wait_seconds", Int(Limits.waitSecondsMax)),
            ("clock_ahead_ms", Int(Limits.clockAheadMillisecondsMax)),
        ]
        return json(
            .map([
                Value.Entry("product", .text("tote")),
                Value.Entry(
                    "protocol",
                    .map([
                        Value.Entry("min", .int(Self.protocolVersions.lowerBound)),
                        Value.Entry("max", .int(Self.protocolVersions.upperBound)),
                    ])),
                Value.Entry("epoch", .text(Hex.string(epoch))),
                Value.Entry("server_time", .array([.int(Int64(clock)), .int(0)])),
                Value.Entry(
                    "limits", .map(limits.map { Value.Entry($0.0, .int(Int64($0.1))) })),
            ]))
    }

    /// `GET /v1/admin/audit`: a page, the newest first.
    private func audit(_ request: ServerRequest) throws -> ServerResponse {
        let most = 500
        guard let before = request.query["before"].map({ Int64($0) }) ?? .max,
            let limit = request.query["limit"].map({ Int($0) }) ?? most,
            (1...most).contains(limit),
            before == .max || (1...Limits.integerMax).contains(before)
        else {
            throw Problem(400, "bad_query", "before is an entry's id, limit is 1 to \(most)")
        }
        let page = try store.auditEntries(before: before, most: limit + 1)
        return json(
            .map([
                "entries": .array(Array(page.prefix(limit))), "more": .bool(page.count > limit),
            ]))
    }

    /// `GET /v1/admin/tokens`: a page in the order in which they were made.
    private func listTokens(_ request: ServerRequest) throws -> ServerResponse {
        let most = TokenBook.pageMax
        let after = try request.query["after"].map { try tokens.token(id: $0) }
        guard let limit = request.query["limit"].map({ Int($0) }) ?? most,
            (1...most).contains(limit), after != .some(nil)
        else {
            throw Problem(400, "bad_query", "after is the id of a token, limit is 1 to \(most)")
        }
        let page = try tokens.page(after: after ?? nil, most: limit + 1)
        return json(
            .map([
                "tokens": .array(page.prefix(limit).map(\.value)),
                "more": .bool(page.count > limit),
            ]))
    }

    /// `POST /v1/admin/tokens`: the secret is in this answer and nowhere else.
    private func mintToken(_ request: ServerRequest) throws -> ServerResponse {
        let body: Value
        do {
            body = try Encoding.json.value(request.body)
        } catch {
            throw Problem.malformed(error)
        }
        func invalid(_ detail: String) -> Problem { Problem(400, "invalid_token_request", detail) }
        guard case .map(let members) = body else { throw invalid("send a JSON object") }
        let names: Set<String> = ["spaces", "role", "label", "expires_in_s"]
        guard members.allSatisfy({ names.contains($0.name) }) else {
            throw invalid(Problem.onlyMembers(names))
        }
        let roleName = body["role"] ?? .text("customer")
        guard let role = roleName.textValue.flatMap(Token.Role.init(rawValue:)) else {
            let names = Token.Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw invalid("role is one of \(names)")
        }
        guard let grants = Token.grants(body["spaces"] ?? .array([])),
            role == .admin || grants.isEmpty == (role == .metrics), grants.count <= 64
        else {
            throw invalid("spaces is a list of 1 to 64 {space, read?, write?}; none for metrics")
        }
        guard grants.allSatisfy({ $0.replica == nil }) else {
            throw invalid("a space has {space, read?, write?}")
        }
        for grant in grants where !Self.isSpaceName(grant.space) {
            throw invalid("a space is named kind:id, at most \(Limits.spaceNameBytesMax) bytes")
        }
        guard !grants.contains(where: { erasures.contains(space: $0.space) }) else {
            throw Problem.customerErased
        }
        guard let label = (body["label"] ?? .text("")).textValue, label.utf8.count <= 128 else {
            throw invalid("a label is a text of at most 128 bytes")
        }
        var expires: UInt64?
        if let seconds = body["expires_in_s"], seconds != .null {
            guard let number = seconds.intValue, (1...3_153_600_000).contains(number) else {
                throw invalid("expires_in_s is a whole number of seconds, up to 100 years")
            }
            expires = clock + UInt64(number) * 1_000
        }
        let token = Token(
            id: "", label: label, role: role, grants: grants, created: clock, expires: expires)
        let (minted, secret) = try tokens.mint(token, randomBits: randomBits)
        guard case .map(let entries) = minted.value else { return json(minted.value) }
        return json(.map(entries + [Value.Entry("token", .text(secret))]), status: 201)
    }

    /// `kind:id` with a kind that exists.
    static func isSpaceName(_ name: String) -> Bool {
        let parts = name.split(separator: ":", maxSplits: 1)
        return parts.count == 2 && ["customer", "store", "list", "tote"].contains(parts[0])
            && name.utf8.count <= Limits.spaceNameBytesMax
            && name.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F && $0 != "/" }
    }

    /// What an operator wants to know at a glance.
    private func status() throws -> Value {
        let row = try store.database.row(
            """
            SELECT (SELECT count(*) FROM spaces), (SELECT count(*) FROM replicas),
                (SELECT count(*) FROM log), (SELECT total(count) FROM log),
                (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)
            """
        ) { ($0.int(0), $0.int(1), $0.int(2), $0.int(3), $0.int(4)) }
        let (spaces, replicas, batches, events, bytes) = row ?? (0, 0, 0, 0, 0)
        let backup = try store.meta("backup_time") ?? 0
        return .map([
            Value.Entry("epoch", .text(Hex.string(epoch))),
            Value.Entry("was_restored", .bool(wasRestored)),
            Value.Entry("spaces", .int(spaces)), Value.Entry("replicas", .int(replicas)),
            Value.Entry("batches", .int(batches)), Value.Entry("events", .int(events)),
            Value.Entry("tokens", .int(Int64(try tokens.count()))),
            Value.Entry("catalog_version", catalog.map { .int($0.version) } ?? .null),
            Value.Entry("file_bytes", .int(bytes)),
            Value.Entry("schema_version", .int(try store.database.schemaVersion())),
            Value.Entry("backup_ms", backup == 0 ? .null : .int(Int64(backup))),
        ])
    }
}
