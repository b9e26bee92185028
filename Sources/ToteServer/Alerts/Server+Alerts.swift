internal import ToteCore

// What somebody should look at, the most urgent first (Protocol §27.4).
extension Server {
    /// Of each store; more are not needed to know that there is much to do.
    private static let ordersPerStoreMax = 500

    /// `GET /v1/stores/{store}/alerts`.
    func storeAlerts(_ counter: CounterRequest) throws -> ServerResponse {
        alertList(
            try orderAlerts(of: counter.store)
                + refusals.alerts(of: "store:\(counter.store)", at: clock))
    }

    /// `GET /v1/admin/alerts`: of all stores, and of devices.
    func allAlerts() throws -> ServerResponse {
        let stores = (catalog?.stores ?? []).map(\.id)
        return alertList(
            try stores.flatMap { try orderAlerts(of: $0) } + refusals.alerts(at: clock))
    }

    private func orderAlerts(of shop: String) throws -> [Alert] {
        let most = Self.ordersPerStoreMax
        let open = try store.openOrders(store: shop, after: 0, most: most)
        let asked = try store.askedOrders(store: shop, most: most)
        let known = Set(open.map(\.order.id))
        guard let minutes = catalog?.store(shop)?.lateMinutes else { return [] }
        return (open + asked.filter { !known.contains($0.order.id) }).compactMap {
            Alert($0.order, lateMinutes: minutes, now: clock)
        }
    }

    private func alertList(_ alerts: [Alert]) -> ServerResponse {
        json(
            .map([
                "alerts": .array(Alert.sorted(alerts).map(\.value)),
                "server_time": .int(Int64(clock)),
            ]))
    }
}
