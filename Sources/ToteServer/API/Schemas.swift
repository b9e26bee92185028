internal import ToteCore

/// The schemas that the API's document names.
enum Schemas {
    static let all: [String: JSONSchema] = messages.merging(commerce) { $1 }.merging(ledger) { $1 }
        .merging(administration) { $1 }

    private static let position = JSONSchema.int(0...9_007_199_254_740_991)
    private static let dot = JSONSchema.tuple(.hex(16), .int(1...9_007_199_254_740_991))
    private static let time = JSONSchema.tuple(.milliseconds, .int(0...65_535))
    private static let cursor = JSONSchema.tuple(.hex(16), position)
    private static let key = JSONSchema.tuple(.text, .text, .text)
    private static let words = JSONSchema.map(of: .text)

    /// Protocol section 5. Bodies in CBOR are as Protocol/tote.cddl says.
    private static let messages: [String: JSONSchema] = [
        "Problem": .object(
            [
                "type": .text, "title": .text, "status": .int(400...599), "code": .text,
                "detail": .text, "did_not_happen": .bool, "request_id": .text,
            ], others: .any),
        "Health": .object(["status": .words(["live", "ready"])]),
        "Handshake": .object([
            "product": .words(["tote"]), "protocol": .object(["min": .int, "max": .int]),
            "epoch": .hex(16), "server_time": time, "limits": .map(of: .int),
        ]),
        "SyncRequest": .object(
            ["replica": .hex(16)],
            optional: [
                "counter": position, "keys": .list(key),
                "changes": .list(.named("Change"), 0...100),
                "cursor": cursor, "ticket": .hex(16), "formerly": .list(.hex(16), 0...16),
                "wait": .int(0...25), "resend": .list(.named("Run"), 0...100),
                "page": .tuple(position, position), "whole": .bool,
            ], others: .any),
        "SyncReply": .object(
            ["cursor": cursor, "server_time": time],
            optional: [
                "ticket": .hex(16),
                "fates": .list(.any(of: position, .named("Fate"))), "events": .list(.named("Run")),
                "snapshot": .named("Snapshot"), "covered": position, "more": .bool,
            ]),
        "Fate": .object(
            ["position": position],
            optional: ["same_as": dot, "rejected": .named("Rejection")]),
        "Rejection": .object(["code": .text], optional: ["details": .anything]),
        "Run": .object(
            [
                "replica": .hex(16), "counter": position,
                "changes": .list(.named("Change"), 1...100),
            ],
            optional: ["position": position, "keys": .list(key), "digest": .hex(16)]),
        "Change": .object(
            ["nonce": .hex(16)],
            optional: [
                "time": time, "writes": .list(.named("Write")), "intent": .anything,
                "same_as": dot, "rejected": .named("Rejection"),
            ], others: .any),
        "Write": .object(
            ["key": position],
            optional: ["payload": .tuple(position, .anything), "replaces": .list(dot)]),
        "Snapshot": .object(
            ["position": position],
            optional: [
                "documents": .map(of: .map(of: .map(of: .list(.list(.anything, 3...4))))),
                "rejections": .list(
                    .object(
                        ["nonce": .hex(16), "time": time, "code": .text, "dot": dot],
                        optional: ["details": .anything])),
                "next": position, "replicas": .list(.hex(16)),
            ]),
    ]

    private static let step = JSONSchema.object([
        "state": .text, "at": .milliseconds, "by": .text,
    ])

    private static let receipt: [String: JSONSchema] = [
        "number": .pattern("[A-Z0-9]{12}"), "order": .hex(32), "state": .text,
        "store": .text, "store_names": words, "placed_at": .milliseconds,
        "currency": .text, "tax": .list(.tuple(.text, .int, .int)), "tax_included": .bool,
        "total": .int, "tenders": .list(.object(["kind": .text, "amount": .int])),
        "lines": .list(
            .object(
                [
                    "sku": .text, "names": words, "quantity": .int, "price": .int,
                    "amount": .int,
                ], optional: ["returned": .int])),
    ]

    /// Protocol sections 13 to 15, 24, 27 and 28.
    private static let commerce: [String: JSONSchema] = [
        "HandOff": .object(
            [
                "id": .hex(32), "state": .words(HandOff.State.allCases.map(\.rawValue)),
                "until": .milliseconds, "points": .bool,
            ],
            optional: [
                "code": .pattern("[A-Z0-9]{6}"), "store": .text, "device": .text,
                "end": .words(HandOff.End.allCases.map(\.rawValue)),
            ]),
        "Order": .object(
            [
                "id": .hex(32), "store": .text, "state": .text, "version": .int, "currency": .text,
                "total": .int, "tax_included": .bool, "tax": .list(.tuple(.text, .int, .int)),
                "tenders": .list(.named("Tender")), "lines": .list(.named("OrderLine")),
                "placed_at": .milliseconds, "steps": .list(step),
            ],
            optional: [
                "code": .text, "name": .text, "note": .text, "pickup_at": .milliseconds,
                "ready_at": .milliseconds, "arrived_at": .milliseconds, "spot": .text,
                "reason": .text, "disputed": .bool, "channel": .text(1...16),
                "feedback": .object(
                    ["rating": .int(1...5), "at": .milliseconds], optional: ["comment": .text]),
                "thread": .list(.object(["at": .milliseconds, "by": .text, "text": .text])),
                "asked_at": .milliseconds,
            ]),
        // Protocol section 27.3.
        "SalesReceipt": .object(receipt, optional: ["collected_at": .milliseconds]),
        // Protocol section 28.2: a receipt, and how the order stands.
        "CustomerOrder": .object(
            receipt,
            optional: [
                "collected_at": .milliseconds, "channel": .text(1...16),
                "pickup_at": .milliseconds, "rating": .int(1...5), "asked_at": .milliseconds,
            ]),
        "CustomerView": .object(
            [
                "orders": .list(.named("CustomerOrder")), "preferences": .map(of: .anything),
                "wishlists": .list(
                    .object(
                        ["id": .text, "entries": .list(.anything)], optional: ["title": .text])),
                "balances": .list(.named("Balance")),
            ], optional: ["store": .text]),
        // Protocol section 27.4, the most urgent first.
        "Alerts": .object(
            [
                "server_time": .milliseconds,
                "alerts": .list(
                    .object(
                        [
                            "kind": .words(Alert.Kind.allCases.map(\.rawValue)),
                            "urgency": .int(1...3), "since": .milliseconds,
                        ],
                        optional: [
                            "store": .text, "order": .hex(32), "pickup_code": .text, "token": .text,
                            "label": .text, "space": .text, "code": .text, "count": .int,
                            "asked": .list(.text),
                        ])),
            ], optional: ["more": .bool]),
        "OrderLine": .object(
            ["item": .text, "sku": .text, "quantity": .int, "price": .int],
            optional: [
                "options": words, "note": .text, "names": words, "options_names": words,
                "channel": .text(1...16),
            ]),
        "Tender": .object(
            ["kind": .words(["at_counter", "external", "points", "card"]), "amount": .int],
            optional: [
                "reference": .text, "reward": .text, "points": .int, "lease": .anything,
            ]),
        "OrderPage": .object(
            [
                "cursor": .text, "server_time": .milliseconds, "orders": .list(.named("Order")),
                "left": .list(.object(["id": .hex(32), "state": .text, "version": .int])),
            ], optional: ["more": .bool, "poll_after_ms": .int]),
        // Field by field, as documents hold it: Protocol section 14.3.
        "KeptOrder": .object(["id": .hex(32), "order": .anything], others: .any),
        "StoreFacts": .object([
            "id": .text, "names": words, "currency": .text, "late_minutes": .tuple(.int, .int),
            "name_policy": .words(["none", "first", "full"]), "label": .text,
            "role": .words(["staff", "manager"]),
        ]),
        // Protocol section 13.1, and Protocol/catalog.schema.json for what an operator imports.
        "Catalog": .object(
            [
                "version": .int, "categories": .list(.anything), "groups": .list(.anything),
                "products": .list(.anything), "stores": .list(.anything),
            ], optional: ["programme": .anything, "codes": .list(.anything)]),
        "CatalogImport": .object(
            ["products": .list(.anything), "stores": .list(.anything)],
            optional: [
                "categories": .list(.anything), "groups": .list(.anything),
                "programme": .anything, "codes": .list(.anything),
            ], others: .none),
    ]

    private static let lots = JSONSchema.list(.tuple(JSONSchema.int.orNull, .int))

    /// Protocol sections 19 to 22.
    private static let ledger: [String: JSONSchema] = [
        "Balance": .object(["account": .text, "available": .int, "pending": .int]),
        "Account": .object([
            "account": .text, "available": .int, "held": .int, "pending": .int, "debt": .int,
            "lots": lots, "maturing": lots,
        ]),
        "Entry": .object(
            [
                "id": .int, "account": .text,
                "kind": .words(LedgerEntry.Kind.allCases.map(\.rawValue)), "units": .int,
                "at": .milliseconds, "reference": .text,
            ], optional: ["due": .milliseconds, "expires": .milliseconds]),
        "Lease": .object(
            [
                "id": .hex(32), "account": .text, "customer": .text, "granted": .int, "left": .int,
                "stop_at": .milliseconds, "opened": .milliseconds,
                "state": .words(["open", "sealed", "closed"]), "reason": .text,
            ], optional: ["replica": .hex(16), "store": .text, "incarnation": .hex(16)]),
        "Redeemer": .object([
            "store": .text, "token": .text, "label": .text, "since": .milliseconds,
            "incarnation": JSONSchema.hex(16).orNull, "watermark": .milliseconds,
        ]),
        "Share": .object(
            [
                "space": .text, "role": .words(Share.Role.allCases.map(\.rawValue)),
                "member": .hex(16), "server_time": .milliseconds,
            ], optional: ["until": .milliseconds]),
        "Invitation": .object(
            [
                "link": .text, "role": .words(Share.Role.allCases.map(\.rawValue)),
                "until": .milliseconds, "server_time": .milliseconds,
            ], optional: ["code": .text]),
        "OfferUse": .object(
            ["id": .text, "issued": .int],
            optional: [
                "total": .int, "each": .int, "from": .milliseconds, "until": .milliseconds,
                "listed": .int,
            ]),
    ]

    private static let moment = JSONSchema.milliseconds.orNull
    private static let grant = JSONSchema.object(
        ["space": .text, "read": .list(.text), "write": .list(.text)],
        optional: ["replica": .hex(16)])
    private static let token: [String: JSONSchema] = [
        "id": .text, "label": .text, "role": .words(Token.Role.allCases.map(\.rawValue)),
        "spaces": .list(grant), "created_ms": .milliseconds, "expires_ms": moment,
        "revoked_ms": moment,
    ]
    private static let webhook: [String: JSONSchema] = [
        "id": .text, "url": .text, "label": .text, "types": .list(.text),
        "created_ms": .milliseconds, "failing_since_ms": moment, "disabled_ms": moment,
        "disabled_reason": JSONSchema.words(["gone", "failing"]).orNull, "deliveries": .int,
    ]

    private static let administration: [String: JSONSchema] = [
        "Token": .object(token),
        "MintedToken": .object(token.merging(["token": .text]) { $1 }),
        "Webhook": .object(webhook),
        "AddedWebhook": .object(webhook.merging(["secret": .text]) { $1 }),
        "Delivery": .object([
            "id": .text, "type": .text, "state": .words(["pending", "delivered", "failed"]),
            "attempts": .int, "created_ms": .milliseconds, "due_ms": moment, "ended_ms": moment,
            "status": JSONSchema.int.orNull, "reason": JSONSchema.text.orNull,
        ]),
        "Status": .object([
            "epoch": .hex(16), "was_restored": .bool, "spaces": .int, "replicas": .int,
            "batches": .int, "events": .int, "tokens": .int,
            "catalog_version": JSONSchema.int.orNull,
            "file_bytes": .int, "schema_version": .int, "backup_ms": moment,
        ]),
    ]
}
