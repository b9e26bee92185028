internal import ToteCore

// What counters and tills ask: Protocol sections 15, 21 and 22.
extension Server {
    static let storeRoutes: [Route] =
        pollingRoutes + orderRoutes + afterSalesRoutes + visitRoutes + tillRoutes

    private static let reason = JSONSchema.text(1...256)

    private static let pollingRoutes: [Route] = [
        Route("GET", "/v1/stores/{store}", .store, "The store, as a counter needs it.") {
            $0.answers(200, .named("StoreFacts"))
        },
        Route("GET", "/v1/stores/{store}/orders", .store, "The store's orders, and what changed.") {
            $0.asks("state", .text, "States, joined by commas; all open ones without.")
            $0.asks("since", .text, "The cursor of the last answer.")
            $0.asks("wait", .int(0...25), "Seconds to wait for something new.")
            $0.asks("limit", .int(1...500), "So many at most; 200 without.")
            $0.reads("If-None-Match", "The `ETag` of the last answer.")
            $0.answers(200, .named("OrderPage"))
            $0.answers(304, nil)
            $0.refuses(400, "bad_query")
            $0.refuses(410, "cursor_expired")
            $0.refuses(429, "too_many_waiting")
        },
        Route("POST", "/v1/stores/{store}/availability", .store, "Sells a product out, or not.") {
            $0.takes(
                .object(["sku": .text(1...512), "available": .bool], others: .none))
            $0.answers(200, .object(["sku": .text, "available": .bool, "catalog": .int]))
            $0.refuses(404, "product_unknown")
            $0.refuses(422, "catalog_invalid")
        },
    ]

    private static let orderRoutes: [Route] = [
        Route("POST", "/v1/stores/{store}/orders/{order}/steps", .store, "Takes an order a step.") {
            $0.reads("If-Match", "The order's version, in quotes.", required: true)
            $0.isIdempotent()
            $0.takes(.object(["to": .text], optional: ["reason": reason], others: .none))
            $0.answers(200, .named("Order"))
            $0.refuses(409, "step_not_allowed", "balance_too_low")
            $0.refuses(412, "version_moved")
            $0.refuses(428, "version_required")
        },
        Route("POST", "/v1/stores/{store}/handover", .store, "Records a hand-over, once.") {
            $0.isIdempotent()
            $0.takes(
                .object(
                    [:],
                    optional: [
                        "code": .text(1...16), "order": .hex(32), "at": .milliseconds,
                    ], others: .none))
            $0.answers(200, .named("Order"))
            $0.refuses(409, "already_collected", "not_ready", "order_closed")
            $0.refuses(422, "wrong_code")
            $0.refuses(429, "locked")
        },
        Route("POST", "/v1/stores/{store}/orders/{order}/undo", .store, "Undoes a hand-over.") {
            $0.takes(.object([:], others: .none))
            $0.answers(200, .named("Order"))
            $0.refuses(409, "step_not_allowed", "undo_too_late", "balance_too_low")
        },
        Route(
            "POST", "/v1/stores/{store}/orders/{order}/override", .store, "A manager's step."
        ) {
            $0.takes(.object(["to": .text, "reason": reason], others: .none))
            $0.answers(200, .named("Order"))
            $0.refuses(409, "step_not_allowed", "balance_too_low")
        },
        Route("POST", "/v1/stores/{store}/orders/{order}/dismiss", .store, "Ends a dispute.") {
            $0.takes(.object([:], others: .none))
            $0.answers(200, .named("Order"))
        },
    ]

    private static let afterSalesRoutes: [Route] = [
        Route("POST", "/v1/stores/{store}/orders/{order}/posts", .store, "Answers a customer.") {
            $0.isIdempotent()
            $0.takes(.object(["text": .text(1...Order.Post.textBytesMax)], others: .none))
            $0.answers(200, .named("Order"))
            $0.refuses(409, "thread_full")
        },
        Route("GET", "/v1/stores/{store}/sales/{number}", .store, "A receipt, by its number.") {
            $0.answers(200, .named("SalesReceipt"))
            $0.refuses(400, "number_malformed")
            $0.refuses(404, "order_unknown")
            $0.refuses(429, "locked")
        },
        Route("GET", "/v1/stores/{store}/alerts", .store, "What to look at, urgent things first.") {
            $0.answers(200, .named("Alerts"))
        },
    ]

    private static let visitRoutes: [Route] = [
        Route("POST", "/v1/stores/{store}/visits", .store, "A customer says who they are.") {
            $0.takes(.object(["code": .text(1...256)], others: .none))
            $0.answers(
                201,
                .object([
                    "visit": .hex(32), "until": .milliseconds, "server_time": .milliseconds,
                ]))
            $0.refuses(422, "code_unknown", "code_expired")
        },
        Route("GET", "/v1/stores/{store}/visits/{visit}", .store, "A look at the customer.") {
            $0.answers(200, .named("CustomerView"))
        },
        Route("POST", "/v1/stores/{store}/visits/{visit}/end", .store, "The customer leaves.") {
            $0.takes(.object([:], others: .none))
            $0.answers(200, .object([:]))
        },
    ]

    private static let line = JSONSchema.object(
        ["sku": .text(1...512), "quantity": .int(1...999), "amount": .int(0...1_000_000_000_000)],
        others: .any)

    private static let tillRoutes: [Route] = [
        Route("POST", "/v1/stores/{store}/receipts", .store, "A purchase earns points, once.") {
            $0.takes(
                .object(
                    [
                        "receipt": .pattern("[!-~]{1,64}"), "currency": .pattern("[A-Z]{3}"),
                        "total": .int(0...1_000_000_000_000), "lines": .list(line, 1...100),
                    ], optional: ["code": .text(1...256), "at": .milliseconds], others: .none))
            let answer = JSONSchema.object([
                "receipt": .text, "earned": .int, "balance": .named("Balance"),
            ])
            $0.answers(200, answer)
            $0.answers(201, answer)
            $0.refuses(409, "receipt_exists")
            $0.refuses(422, "code_unknown", "code_expired", "receipt_too_old")
        },
        Route("POST", "/v1/stores/{store}/redemptions", .store, "Spends at the counter.") {
            $0.isIdempotent()
            $0.takes(
                .object(
                    ["code": .text(1...256), "currency": .pattern("[A-Z]{3}")],
                    optional: [
                        "reward": .text(1...64), "offer": .text(1...64),
                        "amount": .int(1...1_000_000_000),
                        "price": .int(0...1_000_000_000_000),
                    ], others: .none))
            $0.answers(
                200,
                .object([
                    "redemption": .hex(32), "units": .int, "value": .int,
                    "balance": .named("Balance"),
                ]))
            $0.refuses(409, "reward_unknown", "offer_unknown", "balance_too_low")
            $0.refuses(422, "code_unknown", "code_expired")
        },
        Route("POST", "/v1/stores/{store}/returns", .store, "Goods come back, to any store.") {
            $0.isIdempotent()
            let back = JSONSchema.object(
                ["item": .text, "quantity": .int(1...999)], others: .any)
            $0.takes(
                .object(
                    [:],
                    optional: [
                        "order": .hex(32), "redemption": .hex(32), "reason": reason,
                        "receipt": .object(["store": .text, "id": .text], others: .any),
                        "lines": .list(back, 1...100),
                    ], others: .none))
            $0.answers(
                200,
                .object([
                    "source": .text, "worth": .int, "refund_at_counter": .int, "currency": .text,
                    "balance": .named("Balance"),
                ]))
            $0.refuses(404, "order_unknown", "receipt_unknown", "redemption_unknown")
            $0.refuses(409, "step_not_allowed", "already_returned")
        },
        Route("POST", "/v1/stores/{store}/redeemer", .store, "The redeemer fetches its key.") {
            $0.takes(.object(["incarnation": .hex(16)], others: .none))
            $0.answers(
                200,
                .object([
                    "store": .text, "incarnation": .hex(16), "key": .hex(64),
                    "server_time": .milliseconds,
                ]))
        },
    ]
}
