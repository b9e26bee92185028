import Foundation
import Testing
import ToteCore
import ToteServer

/// A server with a small catalogue, a counter's tokens and customers who order.
final class Shop {
    let server: TestServer
    let staff: String
    let manager: String
    let otherStaff: String
    private var orders: UInt64 = 0
    private var keys = 0

    static var products: [String: Any] {
        [
            "categories": [["id": "coffee", "names": ["en": "Coffee"]]],
            "groups": [
                [
                    "id": "size", "names": ["en": "Size"], "min": 1, "max": 1,
                    "choices": [
                        ["id": "M", "names": ["en": "Medium"]],
                        ["id": "L", "names": ["en": "Large"], "price": ["EUR": 50]],
                    ],
                ]
            ],
            "products": [
                [
                    "sku": "latte", "names": ["en": "Latte"], "category": "coffee", "tax": "food",
                    "groups": ["size"], "price": ["EUR": 400],
                ],
                ["sku": "tea", "names": ["en": "Tea"], "tax": "food", "price": ["EUR": 300]],
            ],
        ]
    }

    /// A point for 10 cents, two rewards.
    static var programme: [String: Any] {
        [
            "names": ["en": "Beans"],
            "earn": [["currency": "EUR", "points": 1, "per": 10, "rounding": "down"]],
            "rewards": [
                ["id": "euro", "names": ["en": "1 euro"], "points": 50, "discount": ["EUR": 100]],
                ["id": "free-tea", "names": ["en": "A tea"], "points": 100, "product": "tea"],
            ],
            "refund_policy": "within_balance", "leases": ["card_max": ["EUR": 5_000]],
        ]
    }

    static func store(_ id: String, capacity: Int = 50, open: [[Int]]? = nil) -> [String: Any] {
        [
            "id": id, "names": ["en": "Store \(id)"], "currency": "EUR", "tax_included": true,
            "taxes": ["food": 100_000],
            "open": open ?? [[1_700_000_000_000, 1_900_000_000_000]], "preparation_minutes": 10,
            "slot_minutes": 10, "slot_capacity": capacity, "expire_minutes": 120,
            "sold_out": [String](), "late_minutes": [5, 8], "name_policy": "first",
        ]
    }

    init(capacity: Int = 50, open: [[Int]]? = nil) throws {
        server = try TestServer()
        staff = try server.mint(
            #"{"spaces":[{"space":"store:s-1"}],"role":"staff","label":"till-1"}"#)
        manager = try server.mint(
            #"{"spaces":[{"space":"store:s-1"}],"role":"manager","label":"boss"}"#)
        otherStaff = try server.mint(
            #"{"spaces":[{"space":"store:s-2"}],"role":"staff","label":"till-9"}"#)
        try use(stores: [Self.store("s-1", capacity: capacity, open: open), Self.store("s-2")])
    }

    /// Puts a catalogue in force.
    func use(
        stores: [[String: Any]], prices: [String: Int] = [:], programme: [String: Any]? = nil
    ) throws {
        var catalog = Self.products
        catalog["stores"] = stores
        catalog["programme"] = programme
        if var products = catalog["products"] as? [[String: Any]] {
            for index in products.indices {
                if let sku = products[index]["sku"] as? String, let price = prices[sku] {
                    products[index]["price"] = ["EUR": price]
                }
            }
            catalog["products"] = products
        }
        let body = try JSONSerialization.data(withJSONObject: catalog)
        let answer = try server.admin(
            "POST", "v1/admin/catalog", String(decoding: body, as: UTF8.self))
        guard answer.status == 200 || answer.status == 201 else {
            throw TestFailure("\(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    /// Puts the catalogue with a programme in force.
    func useProgramme(_ more: [String: Any] = [:], prices: [String: Int] = [:]) throws {
        try use(
            stores: [Self.store("s-1"), Self.store("s-2")], prices: prices,
            programme: Self.programme.merging(more) { $1 })
    }

    /// Gives a customer units, once for each reference.
    func grant(
        _ units: Int64, account: String = "points", customer: String = "c-1",
        kind: String? = nil, reference: String
    ) throws {
        let kind = kind ?? (account == "points" ? "grant" : "top_up")
        let answer = try server.admin(
            "POST", "v1/admin/ledger",
            "{\"customer\":\"\(customer)\",\"account\":\"\(account)\",\"kind\":\"\(kind)\","
                + "\"amount\":\(units),\"reference\":\"\(reference)\",\"reason\":\"test\"}")
        guard answer.status == 200 || answer.status == 201 else {
            throw TestFailure("\(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    func newID() -> OrderID {
        orders += 1
        return OrderID(high: 0xABCD, low: orders)
    }

    /// An order of teas, paid at the counter.
    func tea(
        _ quantity: Int64 = 1, cells: [CellReference] = [], total: Int64? = nil,
        id: OrderID? = nil, store: String = "s-1"
    ) -> PlaceIntent {
        let total = total ?? quantity * 300
        return PlaceIntent(
            order: id ?? newID(), store: store, cart: "main",
            lines: [.init(item: "tea", quantity: quantity, price: 300, cells: cells)],
            currency: "EUR", total: total, catalog: 1, tenders: [Tender(.atCounter, total)])
    }

    func change(_ intent: Intent, nonce: UInt64) -> Change {
        Change(
            nonce: nonce, time: Timestamp(milliseconds: server.now), intent: intent.value)
    }

    /// Places an order and returns its rejection, if it has one.
    @discardableResult
    func place(
        _ place: PlaceIntent, by device: inout TestDevice, nonce: UInt64
    ) throws -> Rejection? {
        let answer = try device.push([change(.place(place), nonce: nonce)], to: server)
        guard let reply = answer.reply else { throw TestFailure("\(answer)") }
        return reply.fates[0].rejection
    }

    func documentsOrder(_ id: OrderID) throws -> Order? {
        Order(try server.documents(), item: Name(id.text))
    }

    /// One request of a counter.
    func call(
        _ method: String, _ path: String, _ body: String = "", token: String? = nil,
        query: [String: String] = [:], version: Int64? = nil, key: String? = nil,
        tag: String? = nil
    ) throws -> (status: Int, value: Value, response: ServerResponse) {
        keys += 1
        var request = ServerRequest(
            method: method,
            path: ["v1", "stores"] + path.split(separator: "/").map(String.init),
            requestID: "r")
        request.authorization = "Bearer \(token ?? staff)"
        request.query = query
        request.body = Array(body.utf8)
        request.ifMatch = version.map { "\"\($0)\"" }
        request.ifNoneMatch = tag
        request.idempotencyKey = key ?? "key-\(keys)"
        let response = try server.answer(request)
        let value = response.body.isEmpty ? .null : try Encoding.json.value(response.body)
        return (response.status, value, response)
    }

    /// Takes an order through steps; returns the version reached.
    @discardableResult
    func step(_ id: OrderID, _ states: String...) throws -> Int64 {
        var version = try documentsOrder(id)?.version ?? 0
        for state in states {
            let answer = try call(
                "POST", "s-1/orders/\(id.text)/steps", "{\"to\":\"\(state)\"}", version: version)
            guard answer.status == 200, let next = answer.value["version"]?.intValue else {
                throw TestFailure("\(answer.status) \(answer.value)")
            }
            version = next
        }
        return version
    }
}
