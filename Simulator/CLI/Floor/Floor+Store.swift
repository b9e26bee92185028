import ToteClient
import ToteConcurrency
import ToteCore
import ToteSimulation

// What is done at a store's counter, by its associates and by the operator.
extension Floor {
    /// Takes orders a step on, looks at customers who show who they are, and may forget one.
    func serve() {
        var people = SeededGenerator(seed: seed ^ 0x57AF)
        let forgotten = people.chance(50) ? people.below(customers) : nil
        let begins = book.now + UInt64(limits.seconds) * 500
        while !isHealed {
            SystemClock.pause(.milliseconds(2_000 + people.below(10_000)))
            guard !isHealed, server.isRunning else { continue }
            do {
                switch people.below(3) {
                case 0: try visit(&people)
                default: try takeOrdersOn()
                }
                if let forgotten, book.now > begins { try forget(forgotten) }
            } catch let failure as FloorFailure {
                book.fail(failure.code, failure.message)
            } catch {
                // Legal: the server is away, or somebody was faster.
                book.note("counter  \(error)")
            }
        }
    }

    private func takeOrdersOn() throws {
        let token = secret("counter-\(Self.store)")
        let list = try administrator.call(
            "GET", "/v1/stores/\(Self.store)/orders", nil, token: token)
        guard case .array(let orders)? = list["orders"] else { return }
        for order in orders.prefix(3) {
            guard let id = order["id"]?.textValue, let version = order["version"]?.intValue
            else { continue }
            if order["state"]?.textValue == "ready" || order["state"]?.textValue == "expired" {
                try handOver(id, token)
            } else {
                _ = try administrator.call(
                    "POST", "/v1/stores/\(Self.store)/orders/\(id)/steps",
                    .map(["to": .text("ready")]), token: token, version: version,
                    key: "\(id) \(version)")
            }
        }
    }

    private func handOver(_ order: String, _ token: String) throws {
        let repeats = book.change { book in
            defer { book.repeatsHandOver = false }
            return book.repeatsHandOver
        }
        func handOver() throws -> Value {
            try administrator.call(
                "POST", "/v1/stores/\(Self.store)/handover", .map(["order": .text(order)]),
                token: token, key: "handover \(order)")
        }
        let restores = book.snapshot.restores
        let answer = try handOver()
        guard repeats, try handOver() != answer, restores == book.snapshot.restores else { return }
        throw FloorFailure(
            code: "key_ignored", message: "a hand-over of \(order) was answered in two ways")
    }

    /// A customer shows their code to an associate; another store's sees nothing, nor anybody
    /// after its end.
    private func visit(_ people: inout SeededGenerator) throws {
        let phones = devices.filter { if case .customer = $0.owner { true } else { false } }
        guard let phone = people.one(of: phones), let session = phone.session,
            let code = Blocking.wait({ await session.tote.memberCode() })
        else { return }
        let (own, other) = (secret("counter-\(Self.store)"), secret("counter-\(Self.otherStore)"))
        let path = "/v1/stores/\(Self.store)/visits"
        let begun = try administrator.call(
            "POST", path, .map(["code": .text(code.text)]), token: own)
        guard let visit = begun["visit"]?.textValue else { return }
        book.change { $0.looksTried += 1 }
        _ = try administrator.call("GET", "\(path)/\(visit)", nil, token: own)
        book.change { $0.looks += 1 }
        try refused("\(path)/\(visit)", other, "another store's associate")
        try refused("/v1/stores/\(Self.otherStore)/visits/\(visit)", other, "another store")
        _ = try administrator.call("POST", "\(path)/\(visit)/end", .map([]), token: own)
        try refused("\(path)/\(visit)", own, "an associate after the end")
        book.change { $0.acts["look at a visitor", default: 0] += 1 }
        book.note("counter  looks at a visitor")
    }

    private func refused(_ path: String, _ token: String, _ who: String) throws {
        guard server.isRunning,
            (try? administrator.call("GET", path, nil, token: token)) != nil
        else { return }
        throw FloorFailure(code: "outsider_saw", message: "\(who) sees a visitor")
    }

    /// Erases a customer as the operator does, as soon as no order of theirs is open.
    private func forget(_ customer: Int) throws {
        guard !book.snapshot.erased.contains(customer) else { return }
        let owners = devices.filter { $0.owner == .customer(customer) }
        try administrator.erase(FloorBook.customerID(customer))
        for device in owners { device.isRetired = true }
        book.change { _ = $0.erased.insert(customer) }
        book.lost(FloorBook.space(ofCustomer: customer), nil)
        book.note("operator  erases \(FloorBook.customerID(customer))")
    }
}
