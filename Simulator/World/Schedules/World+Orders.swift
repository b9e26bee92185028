internal import ToteClient
internal import ToteCore
internal import ToteServer

extension World {
    /// A catalogue of three products and one store that is always open. Prices are the seed's.
    static func catalog(teaPrice: Int, capacity: Int, programme: String = "") -> String {
        """
        {"groups":[{"id":"size","names":{"en":"Size"},"min":1,"max":1,
          "choices":[{"id":"L","names":{"en":"Large"},"price":{"EUR":50}}]}],
         "products":[
          {"sku":"latte","names":{"en":"Latte"},"tax":"food","groups":["size"],"price":{"EUR":400}},
          {"sku":"muffin","names":{"en":"Muffin"},"tax":"food","price":{"EUR":250}},
          {"sku":"tea","names":{"en":"Tea"},"tax":"food","price":{"EUR":\(teaPrice)}}],
         "stores":[{"id":"s-1","names":{"en":"One"},"currency":"EUR","tax_included":true,
          "taxes":{"food":100000},"open":[[1700000000000,2500000000000]],"preparation_minutes":5,
          "slot_minutes":5,"slot_capacity":\(capacity),"expire_minutes":30,"sold_out":[],
          "late_minutes":[5,8],"name_policy":"none"}]\(programme)}
        """
    }

    /// A request of the operator or of a counter, in a group of its own.
    func ask(
        _ method: String, _ path: String, _ body: String, token: String? = nil,
        version: Int64? = nil, key: String = ""
    ) throws -> (status: Int, value: Value) {
        var request = ServerRequest(
            method: method, path: path.split(separator: "/").map(String.init), requestID: "r")
        request.isOperator = token == nil
        request.authorization = token.map { "Bearer \($0)" }
        request.ifMatch = version.map { "\"\($0)\"" }
        request.idempotencyKey = key
        request.body = Array(body.utf8)
        guard case .answer(let answer) = try inGroup({ try server.handle(request, at: now) })
        else { throw fail(.wrong, "a request that does not wait was parked") }
        return (answer.status, (try? Encoding.json.value(answer.body)) ?? .null)
    }

    /// Opens the store: a catalogue and two counters.
    func openStore() throws {
        try changePrices()
        for label in ["till-1", "till-2"] {
            let answer = try ask(
                "POST", "v1/admin/tokens",
                "{\"spaces\":[{\"space\":\"store:s-1\"}],\"role\":\"staff\",\"label\":\"\(label)\"}"
            )
            guard let token = answer.value["token"]?.textValue else {
                throw fail(.wrong, "no counter's token was minted")
            }
            counters.append(token)
        }
    }

    /// Puts another catalogue in force; devices learn of it when they learn of it.
    func changePrices() throws {
        let text = Self.catalog(
            teaPrice: 250 + random.below(3) * 50, capacity: 1 + random.below(20),
            programme: options.points > 0 ? drawProgramme() : "")
        let answer = try ask("POST", "v1/admin/catalog", text)
        guard answer.status < 300, let version = answer.value["version"]?.intValue else {
            throw fail(.wrong, "the catalogue was refused: \(answer.value)")
        }
        served = Array("{\"version\":\(version),\(text.dropFirst())".utf8)
        history.note("catalogue \(version)")
    }

    private func drawProgramme() -> String {
        let policies = ["only_pending", "within_balance", "debt"]
        return Self.programme.replacing("POLICY", with: policies[random.below(3)])
    }

    /// What customers and counters do with orders.
    func order(_ device: Device) throws {
        switch random.below(10) {
        case 0: try changePrices()
        case 1: try device.replica.keepCatalog(served)
        case 2..<5: try place(device)
        case 5: try cancel(device)
        default: for _ in 0..<3 { try serveAtCounter() }
        }
    }

    func place(_ device: Device) throws {
        if device.replica.catalog == nil { try device.replica.keepCatalog(served) }
        let (request, isOnline) = request(device)
        guard
            let queued = try? device.replica.place(
                cart: "main", request, isOnline: isOnline, at: reading(device)),
            let entry = device.replica.pending.last, let nonce = Hex.id(queued.receipt)
        else { return }
        if entry.consumes.contains(where: { $0.dots.contains { dotNonces[$0] == nil } }) {
            try learn()
        }
        var known: [Dot: Nonce] = [:]
        for pending in device.replica.view.pending { known[pending.dot] = pending.change.nonce }
        history.edits[nonce] = History.Edit(
            writes: entry.consumes.map { key, dots in
                (key, nil, Set(dots.compactMap { known[$0] ?? dotNonces[$0] }))
            }, isForbidden: false, isIntent: true)
        history.orders[queued.order] = nonce
        notePromise(entry.change, of: device, isOnline: isOnline)
        history.note(
            "device \(device.name) order \(queued.order.text.suffix(4)) "
                + "\(Hex.string(nonce).prefix(4)): \(entry.consumes.map { $0.key.item.text })")
        device.replica.checkInvariants()
    }

    private func cancel(_ device: Device) throws {
        let orders = device.replica.orders
        guard !orders.isEmpty else { return }
        let order = orders[random.below(orders.count)]
        // A copy of the change may live on another device: then it is not withdrawn for good.
        guard order.state != .queued else { return }
        let receipt =
            random.chance(50)
            ? try? device.replica.cancel(order.id, at: reading(device))
            : try? device.replica.checkIn(order.id, spot: nil, at: reading(device))
        guard let nonce = receipt.flatMap({ Hex.id($0) }) else { return }
        history.edits[nonce] = History.Edit(writes: [], isForbidden: false, isIntent: true)
        history.note("device \(device.name) cancels or checks in \(order.id.text.suffix(4))")
    }

    /// A counter takes an order a step on; two of them may try the same hand-over, and each may
    /// send it again when its answer is lost.
    private func serveAtCounter() throws {
        let list = try ask("GET", "v1/stores/s-1/orders", "", token: counters[0])
        guard case .array(let orders)? = list.value["orders"], !orders.isEmpty else { return }
        let order = orders[random.below(orders.count)]
        guard let text = order["id"]?.textValue, let id = OrderID(text),
            let version = order["version"]?.intValue,
            let state = order["state"]?.textValue.flatMap(OrderState.init(rawValue:))
        else { throw fail(.wrong, "a counter cannot read \(order)") }
        guard state == .ready || state == .expired else {
            let steps = state.steps(by: .store)
            let next =
                steps.contains(.ready) && random.chance(60)
                ? .ready : steps[random.below(steps.count)]
            let answer = try ask(
                "POST", "v1/stores/s-1/orders/\(text)/steps", "{\"to\":\"\(next.rawValue)\"}",
                token: counters[0], version: version, key: "\(text) \(version)")
            history.note("counter: \(text.suffix(4)) to \(next): \(answer.status)")
            return
        }
        for (index, token) in counters.enumerated() where index == 0 || random.chance(50) {
            let body = "{\"order\":\"\(text)\"}"
            let key = "\(text) \(index) \(version)"
            var answer = try ask(
                "POST", "v1/stores/s-1/handover", body, token: token, key: key)
            if random.chance(30) {
                answer = try ask("POST", "v1/stores/s-1/handover", body, token: token, key: key)
            }
            history.note("counter \(index): hands over \(text.suffix(4)): \(answer.status)")
            if answer.status == 200 { history.handOvers[id, default: []].append(index) }
        }
    }

    /// Judges the orders at the end: each was placed once or refused, no cell was ordered twice,
    /// nothing was handed over twice, and all see the same.
    func judgeOrders(_ accepted: Set<Nonce>) throws {
        var taken: [LiveCell: OrderID] = [:]
        ordersAccepted = history.orders.values.count { accepted.contains($0) }
        ordersRefused = history.orders.count - ordersAccepted
        for (id, nonce) in history.orders.sorted(by: { $0.key < $1.key })
        where accepted.contains(nonce) {
            for write in history.edits[nonce]?.writes ?? [] {
                for saw in write.saw {
                    let cell = LiveCell(nonce: saw, key: write.key)
                    if let other = taken.updateValue(id, forKey: cell) {
                        throw fail(.wrong, "\(id) and \(other) ordered the same")
                    }
                }
            }
            let shown = devices.map { device in device.replica.orders.first { $0.id == id } }
            // Devices keep the last 50 closed ones; a schedule has fewer.
            guard let first = shown.first, let order = first,
                shown.allSatisfy({ $0 == order })
            else { throw fail(.wrong, "order \(id) does not show the same on all devices") }
            let handOvers = history.handOvers[id]?.count ?? 0
            if options.restores == 0,
                handOvers > 1 || (handOvers == 1) != (order.state == .collected)
            {
                throw fail(.wrong, "order \(id) is \(order.state), handed over \(handOvers) times")
            }
        }
        for device in devices {
            for order in device.replica.orders where order.state == .queued {
                throw fail(.wrong, "order \(order.id) is queued although all is settled")
            }
        }
        if options.orders > 0 {
            let faults = try faults()
            if let fault = faults.first { throw fail(.wrong, "the file: \(fault)") }
        }
    }
}
