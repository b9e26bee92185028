internal import ToteCore

/// The admin API of webhooks.
extension Server {
    /// Deliveries that one answer lists.
    static let deliveriesListedMax = 100

    /// Answers one of `webhookRoutes`; the caller has checked who asks.
    func webhooks(_ route: Route, _ request: ServerRequest) throws -> ServerResponse {
        let queue = WebhookQueue(database: store.database)
        switch (route.method, route.path) {
        case ("GET", "/v1/admin/webhooks"):
            return json(.map(["webhooks": .array(try queue.endpoints().map(\.value))]))
        case ("POST", "/v1/admin/webhooks"): return try addWebhook(request, queue)
        default: break
        }
        let prefix = ["v1", "admin", "webhooks"]
        guard request.path.count > 3, Array(request.path.prefix(3)) == prefix,
            let endpoint = try queue.endpoint(request.path[3])
        else { throw Problem.notFound }
        switch (route.method, String(route.path.dropFirst("/v1/admin/webhooks/{id}".count))) {
        case ("DELETE", ""):
            try queue.remove(endpoint.id)
            return json(endpoint.value)
        case ("POST", "/test"):
            try checkEnabled(endpoint)
            let message = try testWebhook(endpoint)
            return json(try value(of: message, at: endpoint, queue), status: 202)
        case ("POST", "/rotate"): return try rotate(endpoint, queue)
        case ("POST", "/enable"):
            try queue.setHealth(endpoint.id, failingSince: nil, disabled: nil, reason: nil)
            return json(try queue.endpoint(endpoint.id)?.value ?? .null)
        case ("POST", "/redeliver"):
            try checkEnabled(endpoint)
            let count = try queue.redeliverFailed(of: endpoint.id, at: clock)
            webhooks.hasNew = true
            return json(.map([Value.Entry("count", .int(count))]), status: 202)
        case ("GET", "/deliveries"):
            let list = try queue.deliveries(of: endpoint.id, most: Self.deliveriesListedMax)
            return json(.map(["deliveries": .array(list.map(\.value))]))
        case ("POST", "/deliveries/{delivery}/redeliver"):
            try checkEnabled(endpoint)
            guard try queue.delivery(request.path[5], of: endpoint.id) != nil else {
                throw Problem.notFound
            }
            try queue.redeliver(request.path[5], of: endpoint.id, at: clock)
            webhooks.hasNew = true
            return json(try value(of: request.path[5], at: endpoint, queue), status: 202)
        default: throw Problem.notFound
        }
    }

    private func checkEnabled(_ endpoint: WebhookEndpoint) throws {
        guard endpoint.disabled != nil else { return }
        throw Problem(
            409, "webhook_disabled",
            "the endpoint is disabled since it \(endpoint.reason == "gone" ? "is gone" : "failed")"
                + ": enable it first")
    }

    private func value(
        of message: String, at endpoint: WebhookEndpoint, _ queue: WebhookQueue
    ) throws -> Value {
        try queue.delivery(message, of: endpoint.id)?.value ?? .null
    }

    private func rotate(
        _ endpoint: WebhookEndpoint, _ queue: WebhookQueue
    ) throws -> ServerResponse {
        let secret = WebhookSecret(randomBits: randomBits)
        let until = clock + WebhookEndpoint.rotationMilliseconds
        try queue.rotate(endpoint, to: secret, until: until)
        return json(
            .map([
                Value.Entry("id", .text(endpoint.id)), Value.Entry("secret", .text(secret.text)),
                Value.Entry("previous_until_ms", .int(Int64(until))),
            ]))
    }

    /// `POST /v1/admin/webhooks`: the secret is in this answer and shown nowhere else.
    private func addWebhook(
        _ request: ServerRequest, _ queue: WebhookQueue
    ) throws -> ServerResponse {
        let body: Value
        do {
            body = try Encoding.json.value(request.body)
        } catch {
            throw Problem.malformed(error)
        }
        func invalid(_ detail: String) -> Problem {
            Problem(400, "invalid_webhook_request", detail)
        }
        guard case .map(let members) = body else { throw invalid("send a JSON object") }
        let names: Set<String> = ["url", "types", "label"]
        guard members.allSatisfy({ names.contains($0.name) }) else {
            throw invalid(Problem.onlyMembers(names))
        }
        guard let text = body["url"]?.textValue else { throw invalid("url is a text") }
        guard let label = (body["label"] ?? .text("")).textValue, label.utf8.count <= 128 else {
            throw invalid("a label is a text of at most 128 bytes")
        }
        guard case .array(let list) = body["types"] ?? .array([]) else {
            throw invalid("types is a list of event types")
        }
        var types = Set<String>()
        for type in list {
            guard let type = type.textValue, WebhookType.all.contains(type) else {
                throw invalid("the types are " + WebhookType.all.joined(separator: ", "))
            }
            types.insert(type)
        }
        let url: WebhookURL
        do {
            url = try WebhookURL(text, policy: webhookPolicy)
        } catch {
            throw Problem(400, "webhook_url_refused", error.description)
        }
        guard try queue.endpoints().count < WebhookEndpoint.countMax else {
            throw Problem(
                409, "too_many_webhooks", "at most \(WebhookEndpoint.countMax): remove one first")
        }
        let id = "wh_" + Hex.string(randomBits())
        let secret = WebhookSecret(randomBits: randomBits)
        try queue.add(
            id: id, url: url.text, label: label, types: types.sorted(), secret: secret, at: clock)
        guard case .map(let entries)? = try queue.endpoint(id)?.value else {
            throw StoreError.corrupt("an endpoint that was just made is not there")
        }
        return json(.map(entries + [Value.Entry("secret", .text(secret.text))]), status: 201)
    }
}
