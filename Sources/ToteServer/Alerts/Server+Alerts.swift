internal import ToteCore

// What somebody should look at, the most urgent first (Protocol §27.4).
extension Server {
    /// Of each kind and store: more are not needed to know that there is much to do.
    private static let ordersMax = 1_000
    /// Where the catalogue has the store no more.
    private static let lateMinutes = Catalog.LateMinutes(late: 5, veryLate: 8)

    /// `GET /v1/stores/{store}/alerts`.
    func storeAlerts(_ counter: CounterRequest) throws -> ServerResponse {
        try alerts(
            ofStores: [counter.store], refusals.alerts(of: "store:\(counter.store)", at: clock),
            hasTexts: true)
    }

    /// `GET /v1/admin/alerts`: of all stores and of devices, or as one store gets them.
    func allAlerts(_ request: ServerRequest) throws -> ServerResponse {
        let known = Set(try store.storesWithOrders() + (catalog?.stores ?? []).map(\.id))
        guard let name = request.query["store"] else {
            return try alerts(ofStores: known.sorted(), refusals.alerts(at: clock))
        }
        guard known.contains(name) else { throw Problem.notFound }
        return try alerts(ofStores: [name], refusals.alerts(of: "store:\(name)", at: clock))
    }

    private func alerts(
        ofStores shops: [String], _ others: [Alert], hasTexts: Bool = false
    ) throws -> ServerResponse {
        var alerts = others
        var isCut = false
        for shop in shops {
            let minutes = catalog?.store(shop)?.lateMinutes ?? Self.lateMinutes
            var seen: Set<OrderID> = []
            for kind in ServerStore.Attention.allCases {
                let rows = try store.orders(store: shop, kind, most: Self.ordersMax)
                isCut = isCut || rows.count == Self.ordersMax
                alerts += rows.filter { seen.insert($0.order.id).inserted }.compactMap {
                    Alert($0.order, lateMinutes: minutes, now: clock)
                }
            }
        }
        var members: [String: Value] = [
            "alerts": .array(Alert.sorted(alerts).map { $0.value(hasTexts: hasTexts) }),
            "server_time": .int(Int64(clock)),
        ]
        if isCut { members["more"] = .bool(true) }
        return json(.map(members))
    }
}
