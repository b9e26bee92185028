import ToteClient
import ToteCore
import ToteHTTP

/// Makes and revokes tokens over the admin API, or over the operator's socket of an own server.
struct Administrator: Sendable {
    let place: ServerPlace
    /// `nil` over the operator's socket, whose file is the credential.
    let token: String?

    struct Minted: Sendable {
        let id: String
        let secret: String
    }

    /// Makes a token for one device.
    func mint(_ device: Scenario.Device, space: String) throws(RunFailure) -> Minted {
        var grant = [Value.Entry("space", .text(space))]
        for (name, patterns) in [("read", device.read), ("write", device.write)]
        where !patterns.isEmpty {
            grant.append(Value.Entry(name, .array(patterns.map { .text($0) })))
        }
        let answer = try call(
            "POST", "/v1/admin/tokens",
            .map([
                Value.Entry("label", .text("tote-sim \(device.name)")),
                Value.Entry("spaces", .array([.map(grant)])),
                // On an own server the clock may be moved on by months.
                Value.Entry("expires_in_s", .int((token == nil ? 400 : 1) * 24 * 3_600)),
            ]))
        guard let id = answer["id"]?.textValue, let secret = answer["token"]?.textValue else {
            throw RunFailure(.unavailable, "the server made no token")
        }
        return Minted(id: id, secret: secret)
    }

    /// Makes a token for a counter, or for who checks a store.
    func mint(
        counter label: String, store: String, isManager: Bool
    ) throws(RunFailure) -> Minted {
        let answer = try call(
            "POST", "/v1/admin/tokens",
            .map([
                "label": .text(label), "role": .text(isManager ? "manager" : "staff"),
                "spaces": .array([.map(["space": .text("store:\(store)")])]),
                "expires_in_s": .int(7 * 24 * 3_600),
            ]))
        guard let id = answer["id"]?.textValue, let secret = answer["token"]?.textValue else {
            throw RunFailure(.unavailable, "the server made no token")
        }
        return Minted(id: id, secret: secret)
    }

    /// Puts a catalogue in force.
    ///
    /// - Returns: its version.
    func importCatalog(_ catalog: Value) throws(RunFailure) -> Int64 {
        try call("POST", "/v1/admin/catalog", catalog)["version"]?.intValue ?? 0
    }

    /// Names the device of a store that takes reservations while the store is cut off.
    func name(redeemer token: String, of store: String) throws(RunFailure) {
        _ = try call(
            "POST", "/v1/admin/stores/\(store)/redeemer", .map(["token": .text(token)]))
    }

    /// Gives a customer points or stored value.
    func give(
        _ units: Int64, _ account: AccountName, to customer: String
    ) throws(RunFailure) {
        _ = try call(
            "POST", "/v1/admin/ledger",
            .map([
                "customer": .text(customer), "account": .text(account.description),
                "kind": .text("grant"), "amount": .int(units), "reason": .text("a scenario"),
                "reference": .text("sim-\(Hex.string(SystemClock.random()))"),
            ]))
    }

    func erase(_ customer: String) throws(RunFailure) {
        _ = try call("POST", "/v1/admin/customers/\(customer)/erase", nil)
    }

    func revoke(_ id: String) throws(RunFailure) {
        _ = try call("DELETE", "/v1/admin/tokens/\(id)", nil)
    }

    /// Asks whether a Tote server answers.
    func greet() throws(RunFailure) {
        guard try call("GET", "/v1/handshake", nil)["product"]?.textValue == "tote" else {
            throw RunFailure(.unavailable, "what answers at \(place) is no Tote server")
        }
    }

    /// - Parameters:
    ///   - token: another one than the administrator's.
    ///   - version: which one of an object this is about.
    ///   - key: under which the same asked again is done once.
    func call(
        _ method: String, _ path: String, _ body: Value?, token other: String? = nil,
        version: Int64? = nil, key: String? = nil
    ) throws(RunFailure) -> Value {
        var headers = [("Content-Type", "application/json"), ("Connection", "close")]
        if let token = other ?? token { headers.append(("Authorization", "Bearer \(token)")) }
        if let key { headers.append(("Idempotency-Key", key)) }
        if let version { headers.append(("If-Match", "\"\(version)\"")) }
        let request = HTTPClientRequest(
            method: method, target: path, headers: headers.map { (name: $0.0, value: $0.1) },
            body: body.map { Encoding.json.encode($0) } ?? [])
        let response: TransportResponse
        do {
            let connection = try place.connect()
            defer { connection.close() }
            response = try connection.send(request, within: .seconds(10))
        } catch {
            let detail = (error as? HTTPClientError)?.detail ?? "\(error)"
            throw RunFailure(.unavailable, "no server answers at \(place): \(detail)")
        }
        let value = (try? Encoding.json.value(response.body)) ?? .null
        guard (200..<300).contains(response.status) else {
            var code = value["code"]?.textValue ?? "status \(response.status)"
            if let detail = value["detail"]?.textValue { code += ": \(detail)" }
            throw RunFailure(.unavailable, "\(method) \(path) at \(place): \(code)")
        }
        return value
    }
}
