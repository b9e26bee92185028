internal import ToteClient
internal import ToteCore
internal import ToteServer

// What customers, counters and operators do with points and stored value.
extension World {
    /// The store's redeemer among devices.
    static let tillName = 99
    static let customer = "c-1"

    /// An offer with less than everybody may have of it.
    static let offer = "spring"
    static let offerTotal: Int64 = 3
    static let offerEach: Int64 = 2

    /// Short leases: within a schedule they end, and their grace is over.
    static let programme = """
        ,"programme":{"names":{"en":"Beans"},
         "earn":[{"currency":"EUR","points":10,"per":100,"rounding":"down"}],
         "rewards":[
          {"id":"free-tea","names":{"en":"A tea"},"points":100,"product":"tea"},
          {"id":"two-off","names":{"en":"Two off"},"points":60,"discount":{"EUR":200}}],
         "offers":[{"id":"spring","names":{"en":"Spring"},"discount":{"EUR":100},
          "total":\(offerTotal),"each":\(offerEach)}],
         "expiry_months":1,"pending_hours":1,"welcome":10,"refund_policy":"POLICY",
         "leases":{"points_max":400,"share":900,"card_max":{"EUR":3000},"stop_hours":1,
          "grace_hours":1}}
        """

    /// Names the redeemer, lets it fetch its key, and gives the customer something to spend.
    func openTill() throws {
        let answer = try ask(
            "POST", "v1/admin/tokens",
            #"{"spaces":[{"space":"store:s-1"}],"role":"staff","label":"redeemer"}"#)
        guard let token = answer.value["token"]?.textValue, let id = answer.value["id"]?.textValue
        else { throw fail(.wrong, "no redeemer's token was minted") }
        tillToken = token
        let named = try ask("POST", "v1/admin/stores/s-1/redeemer", "{\"token\":\"\(id)\"}")
        guard named.status < 300 else { throw fail(.wrong, "no redeemer was named") }
        let replica = try newReplica(WorldImages.device)
        try replica.keepCatalog(served)
        let till = Device(name: Self.tillName, replica: replica)
        self.till = till
        tillMark = try replica.openRedeemer(outside: nil)
        for _ in 0..<3 {
            guard
                let outgoing = try replica.nextRequest(at: reading(till), pullsAnyway: true)
            else { break }
            try take(try serve(till.name, outgoing))
        }
        try enrol(till)
        try give("points", units: 100 + random.below(3) * 60)
        if random.chance(50) { try give("card:EUR", units: 300) }
    }

    private func enrol(_ till: Device) throws {
        guard let mark = till.replica.redeemerMark, till.replica.lacksKey else { return }
        let body = "{\"incarnation\":\"\(Hex.string(mark.incarnation))\"}"
        let answer = try ask("POST", "v1/stores/s-1/redeemer", body, token: tillToken)
        guard answer.status == 200, let key = answer.value["key"]?.textValue.flatMap(Hex.bytes)
        else { throw fail(.wrong, "the redeemer got no key: \(answer.value)") }
        try till.replica.enrol(mark.incarnation, key: key)
        history.note("till: enrolled as \(Hex.string(mark.incarnation).prefix(4))")
    }

    /// Gives units for a reference; a reference of before gives nothing.
    private func give(_ account: String, units: Int) throws {
        var gift = History.Gift(
            account: account, units: Int64(units), reference: "g-\(history.gifts.count)")
        if let known = history.gifts.last, random.chance(20) { gift = known }
        try give(gift)
        if history.gifts.last != gift { history.gifts.append(gift) }
    }

    private func give(_ gift: History.Gift) throws {
        let kind = gift.account == "points" ? "grant" : "top_up"
        let body = """
            {"customer":"\(Self.customer)","account":"\(gift.account)","kind":"\(kind)",
            "amount":\(gift.units),"reference":"\(gift.reference)","reason":"world"}
            """
        let answer = try ask("POST", "v1/admin/ledger", body)
        guard answer.status < 300 else { throw fail(.wrong, "no gift: \(answer.value)") }
        history.note("\(gift.units) \(gift.account) for \(gift.reference): \(answer.status)")
    }

    /// After the server lost what came after its backup, payments are entered again.
    func replayGifts() throws {
        for gift in history.gifts { try give(gift) }
    }

    /// One step of somebody who has to do with points.
    func point(_ device: Device) throws {
        switch random.below(20) {
        case 0: try give(random.chance(70) ? "points" : "card:EUR", units: 10 + random.below(120))
        case 1..<4:
            reserve(device)
            if random.chance(60) { try exchange(device) }
        case 4: release(device)
        case 5:
            _ = try? device.replica.keepLeases(
                ready: Int64(random.below(2) * 100), at: reading(device))
        case 6..<9: try place(device)
        case 9: try spendAtCounter(device)
        case 10: try bringBack()
        case 11: if random.chance(50) { try writeOff() } else { passTime() }
        case 12: if random.chance(50) { passTime() } else { try spendPastEnd(device) }
        case 13..<15: try exchange(device)
        default: try stepTill(device)
        }
    }

    /// A device is in touch for a while; the last reply may be lost.
    private func exchange(_ device: Device) throws {
        for round in 0..<3 {
            guard
                let outgoing = try device.replica.nextRequest(
                    at: reading(device), pullsAnyway: true)
            else { return }
            let reply = try serve(device.name, outgoing)
            if round > 0, random.chance(options.lostReplies) { return }
            try take(reply)
        }
    }

    private func passTime() {
        now += UInt64(1 + random.below(8)) * 600_000
        history.note("time passes to \(now % 10_000_000_000)")
    }

    private func reserve(_ device: Device) {
        let account: AccountName = random.chance(75) ? .points : .card("EUR")
        let made = try? device.replica.reserve(
            Int64(30 + random.below(8) * 30), of: account,
            at: random.chance(50) ? "s-1" : nil, reading: reading(device))
        guard let made, let nonce = Hex.id(made.receipt) else { return }
        history.edits[nonce] = History.Edit(writes: [], isForbidden: false, isIntent: true)
        history.note("device \(device.name) reserves \(made.lease.text.suffix(4))")
    }

    private func release(_ device: Device) {
        let leases = device.replica.leases.filter { $0.holder.store == nil }
        guard !leases.isEmpty else { return }
        let lease = leases[random.below(leases.count)]
        guard
            let receipt = try? device.replica.release(lease.id, at: reading(device)),
            let nonce = Hex.id(receipt)
        else { return }
        history.edits[nonce] = History.Edit(writes: [], isForbidden: false, isIntent: true)
        if lease.holder != .device(device.replica.id) { history.revoked.insert(lease.id) }
        history.note("device \(device.name) releases \(lease.id.text.suffix(4))")
    }

    /// How an order is paid in this family.
    func request(_ device: Device) -> (request: OrderRequest, isOnline: Bool) {
        var request = OrderRequest(store: "s-1")
        guard options.points > 0 else { return (request, false) }
        if random.chance(40) {
            request.rewards = [random.chance(50) ? "free-tea" : "two-off"]
        }
        if random.chance(40) { request.card = random.chance(50) ? .all : 100 }
        return (request, random.chance(50))
    }

    /// Remembers what an honest device was promised: its spend, all of it within a live lease, is
    /// not refused for want of points until the grace is over.
    func notePromise(_ change: Change, of device: Device, isOnline: Bool) {
        guard case .place(let place)? = change.readableIntent, !isOnline,
            place.tenders.contains(where: { $0.right != nil })
        else { return }
        let grace: UInt64 = 3_600_000
        let rights = place.tenders.compactMap(\.right)
        history.promises[change.nonce] = History.Promise(
            until: rights.map { $0.stopAt + grace }.min() ?? 0, leases: rights.map(\.lease),
            device: device.name)
    }

    private func spendAtCounter(_ device: Device) throws {
        guard let code = device.replica.memberCode(at: reading(device)) else { return }
        let what =
            random.chance(50)
            ? #""reward":"two-off","currency":"EUR""#
            : #""amount":\#(50 + random.below(200)),"currency":"EUR""#
        let answer = try ask(
            "POST", "v1/stores/s-1/redemptions", "{\"code\":\"\(code.text)\",\(what)}",
            token: counters[0], key: "r-\(random.next())")
        history.note("counter: redeems \(what): \(answer.status)")
        guard answer.status == 200, let text = answer.value["redemption"]?.textValue,
            let id = OrderID(text), let units = answer.value["units"]?.intValue
        else { return }
        history.given[id] = History.Given(units: units, lease: nil, nonce: nil)
    }

    /// Something comes back to the store: a redemption, or an order.
    private func bringBack() throws {
        let body: String
        if random.chance(50), let id = history.given.keys.sorted().last {
            body = "{\"redemption\":\"\(id.text)\"}"
        } else if let id = history.handOvers.keys.sorted().last {
            body = "{\"order\":\"\(id.text)\"}"
            history.broughtBack.insert(id)
        } else {
            return
        }
        let answer = try ask(
            "POST", "v1/stores/s-1/returns", body, token: counters[0], key: "b-\(random.next())")
        history.note("counter: takes back \(body): \(answer.status)")
        guard answer.status == 200, let text = answer.value["source"]?.textValue,
            text.utf8.starts(with: "redemption:".utf8), let id = OrderID(String(text.suffix(32)))
        else { return }
        history.broughtBack.insert(id)
    }

    /// An operator writes a lease off: what it holds goes back to the customer.
    private func writeOff() throws {
        let leases = devices[0].replica.leases
        guard !leases.isEmpty, random.chance(40) else { return }
        let lease = leases[random.below(leases.count)]
        let answer = try ask(
            "POST", "v1/admin/leases/\(lease.id.text)/write-off", #"{"reason":"world"}"#)
        if answer.status == 200 { history.writtenOff.insert(lease.id) }
        history.note("lease \(lease.id.text.suffix(4)) is written off: \(answer.status)")
    }
}

// The till that is cut off now and then.
extension World {
    private func stepTill(_ device: Device) throws {
        guard let till else { return }
        switch random.below(10) {
        case 0..<5: try redeem(device, at: till)
        case 5:
            try enrol(till)
            try exchange(till)
        case 6: try promise(till)
        case 7: try releaseAtStore(device, till)
        case 8:
            if random.chance(30) { try restart(till) } else { try send(till) }
        default: try rollBack(till)
        }
    }

    private func redeem(_ device: Device, at till: Device) throws {
        let leases = device.replica.leases.filter { $0.holder.store != nil }
        guard !leases.isEmpty else { return }
        let lease = leases[random.below(leases.count)]
        guard let code = device.replica.leaseCode(lease.id, at: reading(device)) else { return }
        let what: RedeemedFor =
            lease.account == .points
            ? random.chance(50) ? .reward("free-tea", price: 250) : .reward("two-off")
            : .amount(Int64(20 + random.below(100)))
        do throws(ToteError) {
            let taken = try till.replica.redeem(
                code.text, what, at: "s-1", reading: reading(till))
            tillMark = till.replica.redeemerMark
            let nonce = Hex.id(taken.receipt) ?? 0
            history.given[taken.id] = History.Given(
                units: taken.units, lease: lease.id, nonce: nonce)
            history.note(
                "till: \(taken.units) by \(lease.id.text.suffix(4)) for "
                    + "\(taken.id.text.suffix(4)), \(taken.left) left")
        } catch {
            history.note("till: refuses \(lease.id.text.suffix(4)): \(error.rejection?.code ?? "")")
        }
    }

    /// The till takes of a lease, the lease ends before it tells, and the customer spends.
    private func spendPastEnd(_ device: Device) throws {
        guard let till else { return }
        try redeem(device, at: till)
        now += 3_600_000
        history.note("a lease ends by \(now % 10_000_000_000)")
        try exchange(device)
        for _ in 0..<1 + random.below(3) { try spendAtCounter(device) }
        if random.chance(70) { try send(till) }
    }

    private func promise(_ till: Device) throws {
        if try till.replica.promiseWatermark(at: reading(till)) != nil {
            tillMark = till.replica.redeemerMark
            history.note("till: promises a watermark")
        }
    }

    private func releaseAtStore(_ device: Device, _ till: Device) throws {
        let leases = device.replica.leases.filter { $0.holder.store != nil }
        guard let lease = leases.last, !till.replica.lacksKey else { return }
        _ = try till.replica.releaseAtStore(lease.id, at: reading(till))
        tillMark = till.replica.redeemerMark
        history.note("till: gives \(lease.id.text.suffix(4)) back")
    }

    private func restart(_ till: Device) throws {
        let ids = ids
        till.replica = try Replica(after: till.replica, random: { ids.next() })
        if random.chance(50) { till.boot += 1 }
        tillMark = try till.replica.openRedeemer(outside: tillMark)
        history.note("till: started again")
    }

    /// The till's disk goes back to an image of before; what is kept outside of it does not.
    private func rollBack(_ till: Device) throws {
        guard options.tillRollbacks > 0 else { return }
        guard let old = till.saved.last, random.chance(50) else {
            till.saved.append(try till.replica.image())
            return
        }
        till.replica = try newReplica(old)
        let before = tillMark?.incarnation
        tillMark = try till.replica.openRedeemer(outside: tillMark)
        copiesMade += 1
        let isNoticed = tillMark?.incarnation != before
        history.note("till: its disk is rolled back, \(isNoticed ? "noticed" : "unnoticed")")
        try noteLostRedemptions()
    }

    /// What is on no disk any more cannot be booked.
    func noteLostRedemptions() throws {
        guard let till else { return }
        var held = try till.replica.heldNonces()
        held.formUnion(try server.judgedEvents(space: "store:s-1").map(\.change.nonce))
        for (id, given) in history.given {
            if let nonce = given.nonce, !held.contains(nonce) { history.given[id]?.isLost = true }
        }
    }
}
