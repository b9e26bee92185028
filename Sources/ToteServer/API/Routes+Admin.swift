internal import ToteCore

// What operators and the app's backend ask.
extension Server {
    static let adminRoutes: [Route] = accessRoutes + ledgerRoutes + offerRoutes + [erase]

    private static let erase = Route(
        "POST", "/v1/admin/customers/{customer}/erase", .admin, "Erases a customer, for good."
    ) {
        $0.answers(200, .object(["new": .bool, "orders": .int, "tokens": .int]))
        $0.refuses(409, "customer_has_open_orders")
    }

    private static let accessRoutes: [Route] = [
        Route("GET", "/v1/admin/status", .admin, "What the data file holds.") {
            $0.answers(200, .named("Status"))
        },
        Route("GET", "/v1/admin/alerts", .admin, "What to look at, urgent things first.") {
            $0.asks("store", .text, "As this store gets them.")
            $0.answers(200, .named("Alerts"))
        },
        Route("GET", "/v1/admin/audit", .admin, "What was done by special right, newest first.") {
            let entry = JSONSchema.object([
                "id": .int, "at": .milliseconds, "token": .text, "label": .text, "store": .text,
                "order": .text, "what": .text, "reason": .text,
            ])
            $0.asks("before", .int(1...9_007_199_254_740_991), "Entries before this one.")
            $0.asks("limit", .int(1...500), "So many at most; 500 without.")
            $0.answers(200, .object(["entries": .list(entry), "more": .bool]))
            $0.refuses(400, "bad_query")
        },
        Route("POST", "/v1/admin/catalog", .admin, "Puts a catalogue in force.") {
            $0.reads("If-Match", "The version that is to be replaced, in quotes.")
            $0.takes(.named("CatalogImport"))
            $0.answers(200, .object(["version": .int, "products": .int, "stores": .int]))
            $0.refuses(412, "version_moved")
            $0.refuses(422, "catalog_invalid")
        },
        Route("GET", "/v1/admin/tokens", .admin, "Tokens, without their secrets.") {
            $0.asks("after", .text, "The id of the last token of the page before.")
            $0.asks("limit", .int(1...Int64(TokenBook.pageMax)), "So many at most; 500 without.")
            $0.answers(200, .object(["tokens": .list(.named("Token")), "more": .bool]))
            $0.refuses(400, "bad_query")
        },
        Route("POST", "/v1/admin/tokens", .admin, "Makes a token; its secret is shown once.") {
            let patterns = JSONSchema.list(.text)
            let grant = JSONSchema.object(
                ["space": .pattern("(customer|store|list|tote):[^/]+")],
                optional: ["read": patterns, "write": patterns], others: .none)
            $0.takes(
                .object(
                    [:],
                    optional: [
                        "spaces": .list(grant, 0...64), "label": .text(0...128),
                        "role": .words(Token.Role.allCases.map(\.rawValue)),
                        "expires_in_s": .int(1...3_153_600_000).orNull,
                    ], others: .none))
            $0.answers(201, .named("MintedToken"))
            $0.refuses(400, "invalid_token_request")
        },
        Route("DELETE", "/v1/admin/tokens/{id}", .admin, "Revokes a token, at once.") {
            $0.answers(200, .named("Token"))
        },
    ]

    private static let accounts = "points|card:[A-Z]{3}|offer:[A-Za-z0-9._-]{1,64}"
    private static let writeOff = JSONSchema.object(["reason": .text(1...256)], others: .none)

    private static let ledgerRoutes: [Route] = [
        Route("GET", "/v1/admin/ledger", .admin, "A customer's accounts and latest entries.") {
            $0.asks("customer", .text, "The app's id of the customer.")
            $0.answers(
                200,
                .object([
                    "accounts": .list(.named("Account")), "entries": .list(.named("Entry")),
                ]))
            $0.refuses(400, "bad_query")
        },
        Route("POST", "/v1/admin/ledger", .admin, "A top-up, gift or correction, once.") {
            $0.takes(
                .object(
                    [
                        "customer": .text(1...128), "account": .pattern(accounts),
                        "kind": .words(["top_up", "grant", "write_off"]),
                        "amount": .int(1...1_000_000_000), "reference": .text(1...128),
                    ], optional: ["reason": .text(0...256)], others: .none))
            let answer = JSONSchema.object([
                "account": .text, "new": .bool, "available": .int, "held": .int,
            ])
            $0.answers(200, answer)
            $0.answers(201, answer)
            $0.refuses(409, "reference_used", "balance_too_low")
        },
        Route("GET", "/v1/admin/leases", .admin, "Leases, the open ones first.") {
            $0.asks("customer", .text, "Of this customer.")
            $0.asks("store", .text, "Held by this store.")
            $0.asks("closed", .words(["1"]), "With closed ones.")
            $0.answers(200, .object(["leases": .list(.named("Lease"))]))
            $0.refuses(400, "bad_query")
        },
        Route("POST", "/v1/admin/leases/{lease}/write-off", .admin, "Gives up a lease.") {
            $0.takes(writeOff)
            $0.answers(200, .named("Lease"))
        },
        Route("GET", "/v1/admin/stores/{store}/redeemer", .admin, "A store's redeemer.") {
            $0.answers(200, .named("Redeemer"))
        },
        Route("POST", "/v1/admin/stores/{store}/redeemer", .admin, "Names the redeemer.") {
            $0.takes(.object(["token": .text(1...64)], others: .none))
            $0.answers(200, .named("Redeemer"))
            $0.answers(201, .named("Redeemer"))
            $0.refuses(409, "redeemer_exists")
            $0.refuses(422, "token_unfit")
        },
        Route(
            "POST", "/v1/admin/stores/{store}/redeemer/write-off", .admin, "Gives up a redeemer."
        ) {
            $0.takes(writeOff)
            $0.answers(200, .object(["store": .text, "leases": .int]))
        },
    ]

    static let webhookRoutes: [Route] = [
        Route("GET", "/v1/admin/webhooks", .admin, "Endpoints, without their secrets.") {
            $0.answers(200, .object(["webhooks": .list(.named("Webhook"))]))
        },
        Route("POST", "/v1/admin/webhooks", .admin, "Adds an endpoint.") {
            $0.takes(
                .object(
                    ["url": .text],
                    optional: [
                        "types": .list(.words(WebhookType.all)), "label": .text(0...128),
                    ], others: .none))
            $0.answers(201, .named("AddedWebhook"))
            $0.refuses(400, "invalid_webhook_request", "webhook_url_refused")
            $0.refuses(409, "too_many_webhooks")
        },
        Route("DELETE", "/v1/admin/webhooks/{id}", .admin, "Removes an endpoint.") {
            $0.answers(200, .named("Webhook"))
        },
        Route("POST", "/v1/admin/webhooks/{id}/test", .admin, "Sends a `test.ping`.") {
            $0.answers(202, .named("Delivery"))
            $0.refuses(409, "webhook_disabled")
        },
        Route("POST", "/v1/admin/webhooks/{id}/rotate", .admin, "Makes a new secret.") {
            $0.answers(
                200,
                .object(["id": .text, "secret": .text, "previous_until_ms": .milliseconds]))
        },
        Route("POST", "/v1/admin/webhooks/{id}/enable", .admin, "Enables an endpoint again.") {
            $0.answers(200, .named("Webhook"))
        },
        Route("POST", "/v1/admin/webhooks/{id}/redeliver", .admin, "Sends what failed again.") {
            $0.answers(202, .object(["count": .int]))
            $0.refuses(409, "webhook_disabled")
        },
        Route("GET", "/v1/admin/webhooks/{id}/deliveries", .admin, "The newest deliveries.") {
            $0.answers(200, .object(["deliveries": .list(.named("Delivery"))]))
        },
        Route(
            "POST", "/v1/admin/webhooks/{id}/deliveries/{delivery}/redeliver", .admin,
            "Sends one delivery again."
        ) {
            $0.answers(202, .named("Delivery"))
            $0.refuses(409, "webhook_disabled")
        },
    ]
}
