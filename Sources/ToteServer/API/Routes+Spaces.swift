internal import ToteCore

// What apps and devices ask: Protocol sections 5, 13, 14 and 22.
extension Server {
    static let spaceRoutes: [Route] = [
        Route("GET", "/v1/handshake", .open, "What a client must know before it speaks.") {
            $0.answers(200, .named("Handshake"))
        },
        Route("GET", "/v1/openapi.json", .open, "This document.") {
            $0.answers(200, .map(of: .anything))
        },
        Route("POST", "/v1/spaces/{space}/sync", .space, "Pushes changes and pulls events.") {
            $0.takes(.named("SyncRequest"), orCBOR: true)
            $0.answers(200, .named("SyncReply"))
            $0.refuses(400, "wait_with_changes", "resend_with_changes")
            $0.refuses(
                409, "replica_forked", "epoch_changed", "clock_ahead", "cursor_ahead",
                "nothing_restored")
            $0.refuses(413, "batch_too_large")
            $0.refuses(415, "unsupported_media_type")
            $0.refuses(429, "too_many_waiting")
        },
        Route("GET", "/v1/spaces/{space}/orders", .space, "Orders older than documents hold.") {
            $0.asks("before", .int(0...9_007_199_254_740_991), "Placed before this time.")
            $0.asks("limit", .int(1...100), "So many at most; 50 without.")
            $0.asks("number", .text(12...32), "Alone: the one with this receipt's number.")
            $0.answers(
                200, .object(["orders": .list(.named("KeptOrder")), "more": .bool]))
            $0.refuses(400, "bad_query")
        },
        Route("GET", "/v1/spaces/{space}/ledger", .space, "Entries older than documents hold.") {
            $0.asks("before", .int(1...9_007_199_254_740_991), "Entries before this one.")
            $0.asks("limit", .int(1...500), "So many at most; 50 without.")
            $0.answers(200, .object(["entries": .list(.named("Entry")), "more": .bool]))
            $0.refuses(400, "bad_query")
        },
        Route("GET", "/v1/catalog", .token, "The catalogue in force.") {
            $0.reads("If-None-Match", "The `ETag` of the one that is there.")
            $0.answers(200, .named("Catalog"))
            $0.answers(304, nil)
            $0.refuses(404, "no_catalog")
        },
        Route("GET", "/v1/slots", .token, "Which slots for pickup have no room.") {
            $0.reads("If-None-Match", "The `ETag` of what is there.")
            $0.answers(200, .object(["full": .map(of: .list(.milliseconds))]))
            $0.answers(304, nil)
        },
    ]
}
