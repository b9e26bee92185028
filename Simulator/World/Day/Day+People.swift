internal import ToteClient
internal import ToteCore

// What customers, counters and the operator do.
extension Day {
    private static let items: [Name] = ["latte|size=L", "muffin", "tea"]

    /// Plans when a device's user acts next: at any time, on average as often as the day says.
    func planAct(_ phone: Phone) {
        let wait = 1 + people.below(Int(2 * options.actMilliseconds))
        timeline.plan(
            .act(device: phone.number, installation: phone.installation), at: now + UInt64(wait))
    }

    func act(_ phone: Phone, _ installation: Int) throws {
        guard !isHealed, phone.installation == installation else { return }
        planAct(phone)
        guard phone.isRunning else { return }
        acts += 1
        switch people.below(20) {
        case 0..<15: try edit(phone)
        case 15..<18: try place(phone)
        case 18: try cancel(phone)
        default: try give(to: phone.customer)
        }
        phone.replica.checkInvariants()
        try feed(phone, .localChange)
    }

    /// A random edit by the production rules.
    private func edit(_ phone: Phone) throws {
        let isForbidden = people.chance(3)
        let view = phone.replica.view
        let writes = EditDraw.writes(
            in: view, collection: isForbidden ? "app:secret" : "cart:main",
            item: Self.items[people.below(Self.items.count)], &people)
        let seen = seen(writes, by: phone)
        guard let nonce = try phone.replica.commit(writes, at: phone.reading(now)) else { return }
        note(
            .acted(
                device: phone.number, customer: phone.customer, isForbidden ? .forbidden : .edit,
                nonce, seen, order: nil))
    }

    /// The writes with the changes that they replace: by their names on the wire, or on the device.
    private func seen(_ writes: [Write], by phone: Phone) -> [Record.Write] {
        writes.map { write in
            Record.Write(
                key: write.key, isCell: write.payload != nil,
                counted: Record.Counted(write.payload),
                saw: known(write.replaces, by: phone))
        }
    }

    private func known(_ dots: [Dot], by phone: Phone) -> [Nonce] {
        let pending = phone.replica.view.pending
        return dots.compactMap { dot in
            pending.first { $0.dot == dot }?.change.nonce ?? nonces[dot]
        }
    }

    private func place(_ phone: Phone) throws {
        if phone.catalogVersion == 0 || people.chance(30) {
            try phone.replica.keepCatalog(site.served)
            phone.catalogVersion = site.catalogs
        }
        var request = OrderRequest(store: Self.store)
        if people.chance(40) { request.rewards = [people.chance(50) ? "free-tea" : "two-off"] }
        let isOnline = people.chance(50)
        let reading = phone.reading(now)
        guard
            let queued = try? phone.replica.place(
                cart: "main", request, isOnline: isOnline, at: reading),
            let entry = phone.replica.pending.last, let nonce = Hex.id(queued.receipt)
        else { return }
        note(
            .acted(
                device: phone.number, customer: phone.customer, .place, nonce,
                entry.consumes.map { key, dots in
                    Record.Write(key: key, isCell: false, saw: known(Array(dots), by: phone))
                }, order: queued.order))
    }

    private func cancel(_ phone: Phone) throws {
        let orders = phone.replica.orders.filter { $0.state != .queued }
        guard !orders.isEmpty else { return }
        let order = orders[people.below(orders.count)]
        guard let receipt = try? phone.replica.cancel(order.id, at: phone.reading(now)),
            let nonce = Hex.id(receipt)
        else { return }
        note(
            .acted(
                device: phone.number, customer: phone.customer, .cancel, nonce, [],
                order: order.id))
    }

    private func give(to customer: Int) throws {
        let units = Int64(20 + people.below(100))
        // Sent again now and then: the same reference gives nothing more.
        if let last = site.gifts.last, people.chance(20) { return try send(last) }
        let gift = Site.Gift(
            customer: customer, units: units, reference: "g-\(site.gifts.count)")
        site.gifts.append(gift)
        note(.gave(customer: customer, units: units, reference: gift.reference))
        try send(gift)
    }

    private func send(_ gift: Site.Gift) throws {
        guard now >= site.downUntil || isHealed else { return site.unsent.append(gift) }
        _ = try ask(
            "POST", "v1/admin/ledger",
            "{\"customer\":\"c-\(gift.customer)\",\"account\":\"points\",\"kind\":\"grant\","
                + "\"amount\":\(gift.units),\"reference\":\"\(gift.reference)\",\"reason\":\"day\"}"
        )
    }

    func sendUnsent() throws {
        let gifts = site.unsent
        site.unsent = []
        for gift in gifts { try send(gift) }
    }

    /// After the server lost what came after its backup, or was away, gifts are entered again.
    func giveAgain() throws {
        site.unsent = site.gifts
    }

    /// A server that was restored does not know what was minted after its backup: the app's backend
    /// is refused, too, and mints anew.
    func mintAgain() throws {
        try site.inGroup {
            for customer in 0..<options.customers {
                site.tokens[customer] = try site.mint(customer, now)
            }
        }
    }

    /// Opens the store: a catalogue, and something to spend.
    func openShop() throws {
        try changeMenu()
        for customer in 0..<options.customers { try give(to: customer) }
    }

    /// Puts another catalogue in force; devices learn of it when they learn of it.
    func changeMenu() throws {
        let text = World.catalog(
            teaPrice: 250 + people.below(3) * 50, capacity: 1 + people.below(20),
            programme: World.programme.replacing("POLICY", with: "within_balance"))
        let answer = try ask("POST", "v1/admin/catalog", text)
        guard answer.status < 300, let version = answer.value["version"]?.intValue else {
            throw DayFailure(
                kind: .wrong, code: "catalog_refused", message: "\(answer.value)")
        }
        site.catalogs += 1
        site.served = Array("{\"version\":\(version),\(text.dropFirst())".utf8)
    }

    func sellOut() throws {
        let (sku, isOut) = (people.chance(50) ? "tea" : "muffin", people.chance(60))
        _ = try ask(
            "POST", "v1/stores/\(Self.store)/availability",
            "{\"sku\":\"\(sku)\",\"available\":\(!isOut)}", token: site.counters[0],
            key: "s-\(people.next())")
    }

    /// A counter takes an order a step on; two of them may try the same hand-over.
    func serveAtCounter() throws {
        guard !isHealed else { return }
        timeline.plan(.counter, at: now + 2_000 + UInt64(people.below(8_000)))
        guard now >= site.downUntil else { return }
        try sendUnsent()
        let list = try ask("GET", "v1/stores/\(Self.store)/orders", token: site.counters[0])
        guard case .array(let orders)? = list.value["orders"], !orders.isEmpty else { return }
        let order = orders[people.below(orders.count)]
        guard let id = order["id"]?.textValue.flatMap({ OrderID($0) }),
            let version = order["version"]?.intValue,
            let state = order["state"]?.textValue.flatMap(OrderState.init(rawValue:))
        else {
            throw DayFailure(
                kind: .wrong, code: "unreadable_order", message: "no counter can read \(order)")
        }
        acts += 1
        if state == .ready || state == .expired { return try handOver(id, version) }
        let steps = state.steps(by: .store)
        let next =
            steps.contains(.ready) && people.chance(60)
            ? OrderState.ready : steps[people.below(steps.count)]
        let answer = try ask(
            "POST", "v1/stores/\(Self.store)/orders/\(id.text)/steps",
            "{\"to\":\"\(next.rawValue)\"}", token: site.counters[0], version: version,
            key: "\(id.text) \(version)")
        note(.counter(0, next.rawValue, id, status: answer.status))
    }

    private func handOver(_ id: OrderID, _ version: Int64) throws {
        for (counter, token) in site.counters.enumerated() where counter == 0 || people.chance(50) {
            let key = "\(id.text) \(counter) \(version)"
            func once() throws -> Int {
                try ask(
                    "POST", "v1/stores/\(Self.store)/handover", "{\"order\":\"\(id.text)\"}",
                    token: token, key: key
                ).status
            }
            let status = try once()
            note(.counter(counter, "handover", id, status: status))
            // Its answer was lost: the same again, by the same key, is the same answer.
            if strikes(.answerRepeated) {
                note(.answerRepeated)
                if try once() != status {
                    throw DayFailure(
                        kind: .wrong, code: "key_ignored",
                        message: "hand-over \(key) was answered \(status), then otherwise")
                }
            }
        }
    }
}

/// Draws edits: what a customer may do to a line by the production rules.
enum EditDraw {
    static func writes(
        in view: LocalView, collection: Name, item: Name, _ random: inout SeededGenerator
    ) -> [Write] {
        switch random.below(10) {
        case 0..<4: return view.adding(1, collection: collection, item: item)
        case 4..<6: return view.adding(-1, collection: collection, item: item)
        case 6:
            return view.setting(Int64(1 + random.below(5)), collection: collection, item: item)
        case 7: return view.erasing(collection: collection, item: item)
        case 8:
            let text = Value.text("note \(random.below(100))")
            return view.registering(text, Key(collection, item, Fields.note))
        default:
            let list: Name = collection.text.hasPrefix("cart:") ? "wishlist:w" : collection
            return view.flagging(collection: list, item: item)
        }
    }
}
