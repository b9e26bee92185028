public import ToteCore

// What is asked for beside the exchange: the catalogue, and orders older than the documents hold.

extension Tote {
    /// How old a catalogue may get while live sync runs.
    static let catalogMilliseconds: UInt64 = 300_000

    /// Fetches the catalogue, unless this device has the one in force. Live sync does it by itself,
    /// at its start, every five minutes, and when an order was refused for what it says.
    ///
    /// - Throws: `signedOut` without an account, `server` when it cannot be had now. The catalogue
    ///   that is here stays.
    public func refreshCatalog() async throws(ToteError) {
        try await fetchCatalog { headers throws(ToteError) in
            try await self.lookUp("/v1/catalog", headers)
        }
    }

    /// The same for a guest, who scans a code on a shelf before they ever sign in: with any token
    /// that your backend gives the app for it. Nothing is synced.
    ///
    /// - Throws: `signedOut` where there is no token, or the server takes it not; `server`.
    public func refreshCatalog(
        transport: any Transport, token: TokenProvider
    ) async throws(ToteError) {
        guard let access = try? await token() else {
            throw ToteError(.signedOut, "no token could be had")
        }
        try await fetchCatalog { headers throws(ToteError) in
            var headers = headers
            headers["Authorization"] = "Bearer \(access.secret)"
            let response: TransportResponse
            do {
                response = try await transport.send(
                    TransportRequest(
                        method: "GET", path: "/v1/catalog", headers: headers, body: [],
                        timeout: SyncMachine.exchangeTimeout, lane: .lookup))
            } catch {
                throw ToteError(.server, "no answer: \(error)")
            }
            guard response.status != 401 else {
                throw ToteError(.signedOut, "the server does not take this token")
            }
            return response
        }
    }

    private func fetchCatalog(
        _ ask: ([String: String]) async throws(ToteError) -> TransportResponse
    ) async throws(ToteError) {
        let replica = try replica()
        var headers: [String: String] = [:]
        if let tag = replica.catalogTag { headers["If-None-Match"] = tag }
        let response = try await ask(headers)
        // Legal: another account shows by now; its catalogue is the same, but its file is its own.
        guard let now = openReplica, now === replica else { return }
        catalogRead = clock.reading().uptimeMilliseconds
        switch response.status {
        case 200:
            try now.keepCatalog(response.body)
            announce()
        case 304, 404: return
        default: throw ToteError(.server, "the catalogue was answered with \(response.status)")
        }
    }

    /// Fetches which slots for pickup have no room, unless this device knows. Live sync does it
    /// with the catalogue.
    ///
    /// - Throws: `signedOut` without an account, `server` when it cannot be had now. What is here
    ///   stays.
    public func refreshSlots() async throws(ToteError) {
        let replica = try replica()
        let response = try await lookUp(
            "/v1/slots", replica.slotsTag.map { ["If-None-Match": $0] } ?? [:])
        // Legal: another account shows by now.
        guard let now = openReplica, now === replica else { return }
        switch response.status {
        case 200:
            try now.keepSlots(response.body, tag: response.header("ETag"))
            announce()
        // Of a server of before, which does not tell.
        case 304, 404: return
        default: throw ToteError(.server, "the slots were answered with \(response.status)")
        }
    }

    /// All stores, the best one for a cart first: where it can be had, the nearest before the
    /// others; then the others, each with what keeps it from being had there. Asks nobody: it goes
    /// by the catalogue and the slots that are here.
    ///
    /// - Parameters:
    ///   - here: where the customer is; without, stores stand in the order of their ids.
    ///   - pickupAt: milliseconds since 1970; `nil` for as soon as possible where it is open now.
    /// - Throws: `orderRefused` with `no_catalog` before one has come.
    public func stores(
        for cart: String = "main", near here: GeoPoint? = nil, pickupAt: UInt64? = nil
    ) throws(ToteError) -> [StoreChoice] {
        try replica().choices(for: cart, near: here, pickupAt: pickupAt, at: clock.reading())
    }

    /// Orders placed before a moment, latest first: the server has all of them.
    ///
    /// - Parameter before: milliseconds since 1970, for example the `placedAt` of the oldest order
    ///   that is here.
    /// - Throws: `signedOut`, `server`.
    public func olderOrders(
        before: UInt64, limit: Int = 50
    ) async throws(ToteError) -> (orders: [Order], hasMore: Bool) {
        try await orders(
            "\(spacePath())/orders?before=\(before)&limit=\(min(max(limit, 1), 100))")
    }

    /// The order that a receipt's number is of, as the server has it.
    func order(numbered number: SalesNumber) async throws(ToteError) -> Order? {
        try await orders("\(spacePath())/orders?number=\(number.text)").orders.first
    }

    /// Where the server has the customer's space.
    private func spacePath() throws(ToteError) -> Substring {
        guard let path = session?.path.dropLast("/sync".count) else {
            throw ToteError(.signedOut, "nobody is signed in: call signIn first")
        }
        return path
    }

    private func orders(
        _ path: String
    ) async throws(ToteError) -> (orders: [Order], hasMore: Bool) {
        let response = try await lookUp(path, [:])
        guard response.status == 200, let value = try? Encoding.json.value(response.body),
            case .array(let values)? = value["orders"]
        else { throw ToteError(.server, "older orders were answered with \(response.status)") }
        let orders = values.compactMap { value in
            value["id"]?.textValue.flatMap { OrderID($0) }.flatMap { Order(value, id: $0) }
        }
        return (orders, value["more"] == .bool(true))
    }

    /// Ledger entries made before one, latest first: the server has all of them.
    ///
    /// - Parameter before: an entry's id, for example of the last one of `ledger`.
    /// - Throws: `signedOut`, `server`.
    public func olderEntries(
        before: LedgerEntry.ID, limit: Int = 50
    ) async throws(ToteError) -> (entries: [LedgerEntry], hasMore: Bool) {
        let response = try await lookUp(
            "\(spacePath())/ledger?before=\(before)&limit=\(min(max(limit, 1), 100))", [:])
        guard response.status == 200, let value = try? Encoding.json.value(response.body),
            case .array(let values)? = value["entries"]
        else { throw ToteError(.server, "older entries were answered with \(response.status)") }
        return (values.compactMap { LedgerEntry($0) }, value["more"] == .bool(true))
    }

    /// Asks something beside the exchange; with a body it is a POST.
    func lookUp(
        _ path: String, _ headers: [String: String], body: [UInt8]? = nil,
        timeout: Duration = SyncMachine.exchangeTimeout
    ) async throws(ToteError) -> TransportResponse {
        guard let session else {
            throw ToteError(.signedOut, "nobody is signed in: call signIn first")
        }
        let joined = joinedHandOff?.id
        var secret = session.secret
        var erased = false
        for attempt in 0..<2 {
            if secret.isEmpty {
                var token: AccessToken?
                do { token = try await session.token() } catch {
                    if (error as? ToteError)?.code == .customerErased {
                        noteErased(joined, session.path)
                        throw ToteError.customerErased
                    }
                }
                guard let token else { throw ToteError(.signedOut, "no token could be had") }
                secret = token.secret
            }
            var headers = headers
            headers["Authorization"] = "Bearer \(secret)"
            headers["Accept"] = "application/json"
            if body != nil { headers["Content-Type"] = "application/json" }
            let request = TransportRequest(
                method: body == nil ? "GET" : "POST", path: path, headers: headers,
                body: body ?? [], timeout: timeout, lane: .lookup)
            do {
                let response = try await session.transport.send(request)
                if response.status == 410, Self.saysErased(response.body) {
                    noteErased(joined, session.path)
                    erased = true
                    break
                }
                guard response.status == 401 else { return response }
                if let joined {
                    // Its token is the only one that there will be.
                    _ = try? endBorrowed(joined, .revoked)
                    break
                }
                guard attempt == 0 else { return response }
                secret = ""
            } catch {
                throw ToteError(.server, "no answer: \(error)")
            }
        }
        if erased { throw ToteError.customerErased }
        throw ToteError(.signedOut, "the server takes no token of this customer: sign in again")
    }

    /// - Parameters:
    ///   - joined: the hand-off that it was asked for.
    ///   - path: of the session: another account may show by now.
    private func noteErased(_ joined: HandOff.ID?, _ path: String) {
        if let joined {
            _ = try? endBorrowed(joined, .revoked)
        } else if session?.path == path {
            noteErased()
        }
    }

    private static func saysErased(_ body: [UInt8]) -> Bool {
        (try? Encoding.json.value(body))?["code"]?.textValue
            == ToteError.Code.customerErased.rawValue
    }

    /// Fetches the catalogue in the background when it is time to.
    func refreshCatalogIfDue() {
        guard machine.mode == .live, catalogTask == nil else { return }
        let now = clock.reading().uptimeMilliseconds
        if let read = catalogRead, now >= read, now - read < Self.catalogMilliseconds,
            openReplica?.wantsCatalog != true
        {
            return
        }
        openReplica?.wantsCatalog = false
        catalogRead = now
        catalogTask = Task { [weak self] in
            try? await self?.refreshCatalog()
            try? await self?.refreshSlots()
            await self?.catalogTaskEnded()
        }
    }

    private func catalogTaskEnded() { catalogTask = nil }
}
