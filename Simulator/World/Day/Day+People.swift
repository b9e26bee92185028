internal import ToteClient
internal import ToteCore

// What customers, counters and the operator do.
extension Day {
    /// Plans when a device's user acts next: at any time, on average as often as the day says.
    func planAct(_ phone: Phone) {
        let wait = 1 + pace.below(Int(2 * options.actMilliseconds))
        timeline.plan(
            .act(device: phone.number, installation: phone.installation), at: now + UInt64(wait))
    }

    func act(_ phone: Phone, _ installation: Int) throws {
        guard !isHealed, phone.installation == installation else { return }
        planAct(phone)
        guard phone.isRunning, let stream = begin("act \(phone.number)") else { return }
        people = stream
        acts += 1
        if phone.isAway { try takeOut(phone) } else { touch(phone) }
        switch people.below(25) {
        case 0..<14: try edit(phone)
        case 20: try handOff(phone)
        case 21: try spendAtCounter(phone)
        case 22: try beGuest(phone)
        case 23: try activate(phone)
        case 14..<17: try place(phone)
        case 17: try cancel(phone)
        case 18: try people.chance(60) ? reserve(phone) : release(phone)
        default: try give(to: phone.customer)
        }
        phone.replica.checkInvariants()
        try feed(phone, .localChange)
    }

    /// Does what a user asks for. A disk that fails may have kept it nevertheless: that shows when
    /// the file is read anew.
    func attempt<Result>(
        _ phone: Phone, _ unsure: Phone.Unsure, _ body: () throws(ToteError) -> Result?
    ) throws -> Result? {
        noteUnsure(phone)
        do throws(ToteError) {
            return try body()
        } catch {
            guard error.code == .storage else { throw error }
            phone.unsure.append(unsure)
            return nil
        }
    }

    /// - Returns: `nil` for what the app does not let its user do now.
    private func ifAllowed<Result>(
        _ body: () throws(ToteError) -> Result
    ) throws(ToteError) -> Result? {
        do throws(ToteError) {
            return try body()
        } catch {
            if error.code == .storage { throw error }
            return nil
        }
    }

    func note(_ act: Phone.Unsure, _ nonce: Nonce, by phone: Phone) {
        known.insert(nonce)
        note(
            .acted(
                device: phone.number, customer: phone.customer, act.act, nonce, act.writes,
                order: act.order))
        switch phone.replica.pending.last(where: { $0.change.nonce == nonce })?
            .change.readableIntent
        {
        case .place(let place):
            note(.priced(place.order, total: place.total))
            let leases = place.tenders.compactMap { $0.right?.lease }
            if !leases.isEmpty { note(.drew(nonce, leases)) }
        case .release(let lease): note(.drew(nonce, [lease]))
        case .lease(let intent): note(.drew(nonce, [intent.lease]))
        default: break
        }
    }

    /// Notes what a user was told could not be saved, and is there.
    func noteUnsure(_ phone: Phone) {
        guard !phone.unsure.isEmpty else { return }
        noteLeases(phone)
        for entry in phone.replica.pending where !known.contains(entry.change.nonce) {
            guard let index = phone.unsure.lastIndex(where: { $0.isOf(entry.change) }) else {
                continue
            }
            var act = phone.unsure.remove(at: index)
            if case .place(let place)? = entry.change.readableIntent {
                act.order = place.order
                act.writes = consumed(entry, by: phone)
            }
            note(.found(entry.change.nonce))
            note(act, entry.change.nonce, by: phone)
        }
    }

    private func consumed(_ entry: LocalView.Pending, by phone: Phone) -> [Record.Write] {
        entry.consumes.map { key, dots in
            Record.Write(key: key, isCell: false, saw: known(Array(dots), by: phone))
        }
    }

    /// A random edit by the production rules.
    private func edit(_ phone: Phone) throws {
        let isForbidden = people.chance(3)
        let view = phone.replica.view
        let writes = EditDraw.writes(
            in: view, collection: isForbidden ? EditDraw.forbidden : "cart:main",
            item: EditDraw.item(&people), &people)
        let seen = seen(writes, by: phone)
        let act = Phone.Unsure(act: isForbidden ? .forbidden : .edit, writes: seen)
        let nonce = try attempt(phone, act) { () throws(ToteError) in
            try phone.replica.commit(writes, at: phone.reading(now))
        }
        if let nonce { note(act, nonce, by: phone) }
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
            let isKept: Bool? = try attempt(phone, Phone.Unsure(act: .place)) {
                () throws(ToteError) in
                try phone.replica.keepCatalog(site.served)
                return true
            }
            guard isKept != nil else { return }
            phone.catalogVersion = site.catalogs
        }
        var request = OrderRequest(store: Self.store)
        if people.chance(40) { request.rewards = [people.chance(50) ? "free-tea" : "two-off"] }
        let hasOffer = !(phone.replica.offers(at: phone.reading(now)).first?.uses == 0)
        if hasOffer, people.chance(50) { request.offers = [World.offer] }
        let isOnline = people.chance(50)
        let reading = phone.reading(now)
        var act = Phone.Unsure(act: .place)
        let queued = try attempt(phone, act) { () throws(ToteError) in
            // Refused: the cart is empty, or the menu has not what is in it.
            try ifAllowed { () throws(ToteError) in
                try phone.replica.place(cart: "main", request, isOnline: isOnline, at: reading)
            }
        }
        guard let queued, let entry = phone.replica.pending.last,
            let nonce = Hex.id(queued.receipt)
        else { return }
        (act.order, act.writes) = (queued.order, consumed(entry, by: phone))
        note(act, nonce, by: phone)
    }

    /// A phone shows a code that carries what it has not sent, and a counter takes it, at times
    /// twice; the phone itself sends it all the same, when it can.
    private func handOff(_ phone: Phone) throws {
        // Signed by a token that may write everything: what this one's may not is not carried.
        let isForbidden = phone.replica.pending.contains { entry in
            entry.change.writes.contains { $0.key.collection == EditDraw.forbidden }
        }
        guard !isForbidden else { return }
        let id = HandOffID(high: people.next(), low: people.next())
        let key = CarriedHandOff.key(of: site.keys[phone.customer])
        let carried = try attempt(phone, Phone.Unsure(act: .edit)) { () throws(ToteError) in
            // Refused: it was not in touch since its start, or has more to send than a code holds.
            try ifAllowed { () throws(ToteError) in
                try phone.replica.carriedHandOff(
                    id, seconds: 600, key: key, at: phone.reading(now))
            }
        }
        guard let carried, now >= site.downUntil else { return }
        for device in 1...(people.chance(30) ? 2 : 1) {
            let body: Value = .map([
                "code": .text(carried.text), "device": .text(Hex.string(UInt64(device))),
            ])
            let answer = try ask(
                "POST", "v1/stores/\(Self.store)/handoffs",
                String(decoding: Encoding.json.encode(body), as: UTF8.self),
                token: site.counters[0])
            note(.handedOff(device: phone.number, id, status: answer.status))
            guard answer.status == 200 else { continue }
            // The server has them under these dots, before the phone is told.
            for entry in phone.replica.pending { nonces[entry.dot] = entry.change.nonce }
        }
    }

    private func cancel(_ phone: Phone) throws {
        let orders = phone.replica.orders.filter { $0.state != .queued }
        guard !orders.isEmpty else { return }
        let order = orders[people.below(orders.count)]
        let act = Phone.Unsure(act: .cancel, order: order.id)
        let receipt = try attempt(phone, act) { () throws(ToteError) in
            // Refused: it was collected meanwhile.
            try ifAllowed { () throws(ToteError) in
                try phone.replica.cancel(order.id, at: phone.reading(now))
            }
        }
        if let receipt, let nonce = Hex.id(receipt) { note(act, nonce, by: phone) }
    }

    private func activate(_ phone: Phone) throws {
        let act = Phone.Unsure(act: .activate)
        let receipt = try attempt(phone, act) { () throws(ToteError) in
            // Refused: no catalogue is here yet.
            try ifAllowed { () throws(ToteError) in
                try phone.replica.activate(World.offer, at: phone.reading(now))
            }
        }
        // One that waits to be sent is not made anew.
        if let nonce = receipt.flatMap({ Hex.id($0) }), !known.contains(nonce) {
            note(act, nonce, by: phone)
        }
    }

    private func reserve(_ phone: Phone) throws {
        let isOffer = people.chance(30)
        let units = isOffer ? Int64(1 + people.below(2)) : Int64(20 + people.below(200))
        let account: AccountName = isOffer ? .offer(World.offer) : .points
        _ = try attempt(phone, Phone.Unsure(act: .reserve)) { () throws(ToteError) in
            try ifAllowed { () throws(ToteError) in
                try phone.replica.reserve(
                    units, of: account, at: nil, reading: phone.reading(now))
            }
        }
        noteLeases(phone)
    }

    private func release(_ phone: Phone) throws {
        let leases = phone.replica.leases.filter { $0.holder.store == nil }
        guard !leases.isEmpty else { return }
        let lease = leases[people.below(leases.count)].id
        _ = try attempt(phone, Phone.Unsure(act: .release)) { () throws(ToteError) in
            try ifAllowed { () throws(ToteError) in
                try phone.replica.release(lease, at: phone.reading(now))
            }
        }
        noteLeases(phone)
    }

    /// What the app does by itself when it is up to date, as the client's shell has it do.
    func keepLeases(_ phone: Phone) throws {
        // For a reward in a dead spot.
        let ready: Int64 = phone.number % 3 == 0 ? 100 : 0
        let kept = try attempt(phone, Phone.Unsure(act: .release)) { () throws(ToteError) in
            try phone.replica.keepLeases(ready: ready, at: phone.reading(now))
        }
        noteLeases(phone)
        if kept == true { try feed(phone, .localChange) }
    }

    func noteLeases(_ phone: Phone) {
        for entry in phone.replica.pending where !known.contains(entry.change.nonce) {
            switch entry.change.readableIntent {
            case .lease: note(Phone.Unsure(act: .reserve), entry.change.nonce, by: phone)
            case .release: note(Phone.Unsure(act: .release), entry.change.nonce, by: phone)
            default: continue
            }
        }
    }

    /// More than anybody's points pay for.
    private static let redemptionsMax = 1_000

    /// A customer shows their code at the counter, and takes all that their points pay for: what
    /// is set aside for their devices alone is left.
    private func spendAtCounter(_ phone: Phone) throws {
        guard let code = phone.replica.memberCode(at: phone.reading(now)) else { return }
        var count = 0
        while now >= site.downUntil {
            count += 1
            guard count <= Self.redemptionsMax else {
                throw DayFailure(
                    kind: .wrong, code: "redeemed_without_end",
                    message: "customer \(phone.customer) redeemed \(count) times in a row")
            }
            let answer = try ask(
                "POST", "v1/stores/\(Self.store)/redemptions",
                #"{"code":"\#(code.text)","reward":"two-off","currency":"EUR"}"#,
                token: site.counters[0], key: "r-\(people.next())")
            guard answer.status == 200, let id = answer.value["redemption"]?.textValue,
                let units = answer.value["units"]?.intValue
            else { return }
            note(
                .redeemed(
                    customer: phone.customer, source: LedgerEntry.source("redemption", id),
                    units: units))
        }
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
        let answer = try ask(
            "POST", "v1/admin/ledger",
            "{\"customer\":\"c-\(gift.customer)\",\"account\":\"points\",\"kind\":\"grant\","
                + "\"amount\":\(gift.units),\"reference\":\"\(gift.reference)\",\"reason\":\"day\"}"
        )
        if !(200..<500).contains(answer.status) { site.unsent.append(gift) }
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
        guard answer.status > 0, answer.status != 503 else { return }
        guard answer.status < 300, let version = answer.value["version"]?.intValue else {
            throw DayFailure(
                kind: .wrong, code: "catalog_refused", message: "\(answer.value)")
        }
        site.catalogs += 1
        site.served = Array("{\"version\":\(version),\(text.dropFirst())".utf8)
    }

    func sellOut() throws {
        let (sku, isOut) = (people.chance(50) ? "tea" : "muffin", people.chance(60))
        let answer = try ask(
            "POST", "v1/stores/\(Self.store)/availability",
            "{\"sku\":\"\(sku)\",\"available\":\(!isOut)}", token: site.counters[0],
            key: "s-\(people.next())")
        note(.availability(sku: sku, isOut: isOut, status: answer.status))
    }

    /// A counter takes an order a step on; two of them may try the same hand-over.
    func serveAtCounter() throws {
        guard !isHealed else { return }
        timeline.plan(.counter, at: now + 2_000 + UInt64(pace.below(8_000)))
        guard now >= site.downUntil, let stream = begin("counter") else { return }
        people = stream
        try sendUnsent()
        try askAgain()
        // It ended while it was asked.
        guard now >= site.downUntil else { return }
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

    /// One request to hand an order over.
    private func hand(_ deed: Site.HandOver, isNoted: Bool = true) throws -> Int {
        let status = try ask(
            "POST", "v1/stores/\(Self.store)/handover", "{\"order\":\"\(deed.order.text)\"}",
            token: site.counters[deed.counter], key: deed.key
        ).status
        if isNoted, status > 0 {
            note(.counter(deed.counter, "handover", deed.order, status: status))
        }
        return status
    }

    /// The same requests again, by the same keys, for which no answer came.
    func askAgain() throws {
        let deeds = site.unanswered
        site.unanswered = []
        for deed in deeds where try hand(deed) == 0 { site.unanswered.append(deed) }
    }

    private func handOver(_ id: OrderID, _ version: Int64) throws {
        for counter in site.counters.indices where counter == 0 || people.chance(50) {
            let key = "\(id.text) \(counter) \(version)"
            let deed = Site.HandOver(counter: counter, order: id, key: key)
            let status = try hand(deed)
            guard status > 0 else { return site.unanswered.append(deed) }
            // Its answer was lost: the same again, by the same key, is the same answer.
            if strikes(.answerRepeated) {
                note(.answerRepeated)
                let again = try hand(deed, isNoted: false)
                if again != status, again > 0, again != 503, status != 503 {
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
    /// A collection that a phone's token may not write.
    static let forbidden: Name = "app:secret"
    private static let items: [Name] = ["latte|size=L", "muffin", "tea"]

    static func item(_ random: inout SeededGenerator) -> Name { items[random.below(items.count)] }

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

extension Phone.Unsure {
    /// Whether a change is what this act made.
    func isOf(_ change: Change) -> Bool {
        switch change.readableIntent {
        case .place: act == .place
        case .cancel(let id): act == .cancel && id == order
        case .activate: act == .activate
        default:
            change.writes.map(\.key) == writes.map(\.key)
                && change.writes.map { Record.Counted($0.payload) } == writes.map(\.counted)
        }
    }
}
