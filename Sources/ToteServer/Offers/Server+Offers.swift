internal import ToteCore

// What operators and the app's backend do with offers: Protocol/offers.md section 30.5.
extension Server {
    /// How many customers one request names.
    static let listedMax = 1_000

    static let offerRoutes: [Route] = [
        Route("GET", "/v1/admin/offers", .admin, "Offers, and how much of them was issued.") {
            $0.answers(200, .object(["offers": .list(.named("OfferUse"))]))
        },
        Route("POST", "/v1/admin/offers/{offer}/customers", .admin, "Lists whom it is for.") {
            $0.takes(
                .object(
                    ["customers": .list(.text(1...(Limits.spaceNameBytesMax - 9)), 1...listedMax)],
                    others: .none))
            $0.answers(200, .object(["listed": .int, "new": .int]))
            $0.refuses(409, "offer_not_listed")
        },
    ]

    /// Answers the routes of offers; `nil` for others.
    func offers(_ route: Route, _ request: ServerRequest) throws -> ServerResponse? {
        switch (route.method, route.path) {
        case ("GET", "/v1/admin/offers"): return json(try offerUse())
        case ("POST", "/v1/admin/offers/{offer}/customers"):
            return try listCustomers(request, offer: request.path[3])
        default: return nil
        }
    }

    /// `GET /v1/admin/offers`: those of the catalogue in its order, then those that it has no more.
    private func offerUse() throws -> Value {
        let issued = Dictionary(
            try store.issuedByOffer().map { ($0.offer, $0.issued) }, uniquingKeysWith: +)
        let current = catalog?.programme?.offers ?? []
        var rows: [Value] = []
        for offer in current {
            var members: [String: Value] = [
                "id": .text(offer.id), "issued": .int(issued[offer.id] ?? 0),
                "total": .int(offer.total), "each": .int(offer.each),
            ]
            if let from = offer.from { members["from"] = .int(Int64(from)) }
            if let until = offer.until { members["until"] = .int(Int64(until)) }
            if offer.audience == .listed {
                members["listed"] = .int(try store.listed(for: offer.id))
            }
            rows.append(.map(members))
        }
        for (id, issued) in issued.sorted(by: { $0.key < $1.key })
        where !current.contains(where: { $0.id == id }) {
            rows.append(.map(["id": .text(id), "issued": .int(issued)]))
        }
        return .map(["offers": .array(rows)])
    }

    /// `POST /v1/admin/offers/{offer}/customers`: they may activate it, and their devices show it.
    private func listCustomers(
        _ request: ServerRequest, offer id: String
    ) throws -> ServerResponse {
        guard let offer = catalog?.programme?.offer(id) else { throw Problem.notFound }
        guard offer.audience == .listed else {
            throw Problem(409, "offer_not_listed", "this offer is not for customers on a list")
        }
        let body = try request.members(["customers"])
        guard case .array(let names)? = body["customers"],
            (1...Self.listedMax).contains(names.count)
        else {
            throw Problem(
                400, "malformed", "customers is a list of 1 to \(Self.listedMax) customers' ids")
        }
        // All of them are looked at before anything is written.
        let spaces = try names.map { name -> String in
            let space = "customer:\(name.textValue ?? "")"
            guard let text = name.textValue, !text.isEmpty, Self.isSpaceName(space) else {
                throw Problem(400, "malformed", "customers is a list of the app's ids of customers")
            }
            return space
        }
        guard !spaces.contains(where: { erasures.contains(space: $0) }) else {
            throw Problem.customerErased
        }
        var count: Int64 = 0
        for name in spaces {
            let space = try space(name)
            try space.store(in: store)
            guard try !store.isListed(space.number, for: id) else { continue }
            try store.list(space.number, for: id)
            let item = LedgerDocuments.item(listedFor: id)
            let write = LedgerDocuments.write(item, .int(Int64(clock)), in: space.documents)
            try space.writeOwn([write], by: judge(space, Grant(space: space.name)))
            try noteWritten(space)
            count += 1
        }
        return json(
            .map(["listed": .int(try store.listed(for: id)), "new": .int(count)]))
    }
}
