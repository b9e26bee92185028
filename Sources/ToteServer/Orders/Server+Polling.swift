internal import ToteCore

/// What a counter asks for (Protocol §15.1).
struct OrderPoll: Hashable, Sendable {
    var store: String
    var states: [OrderState]
    /// Where the poller stands in the feed; `nil` asks for everything.
    var since: UInt64?
    var waitSeconds: UInt64 = 0
    var limit = 200
    var ifNoneMatch: String?

    static let waitingPerTokenMax = 4

    /// By what tells polls of one store apart, and no more: hundreds are looked up at once.
    func hash(into hasher: inout Hasher) {
        hasher.combine(store)
        hasher.combine(since)
    }
}

extension Server {
    /// Reads a poll's query.
    func orderPoll(_ counter: CounterRequest) throws(Problem) -> OrderPoll {
        let query = counter.request.query
        func bad(_ what: String) -> Problem { Problem(400, "bad_query", what) }
        var poll = OrderPoll(store: counter.store, states: OrderState.openAtStore)
        if let list = query["state"] {
            let names = list.split(separator: ",", omittingEmptySubsequences: false)
            poll.states = names.compactMap { OrderState(rawValue: String($0)) }
            guard poll.states.count == names.count,
                !poll.states.contains(where: { $0 == .queued || $0 == .withdrawn })
            else { throw bad("state is a list of states that a store knows, joined by commas") }
        }
        if let wait = query["wait"] {
            guard let seconds = UInt64(wait), seconds <= Limits.waitSecondsMax else {
                throw bad("wait is 0 to \(Limits.waitSecondsMax) seconds")
            }
            poll.waitSeconds = seconds
        }
        if let limit = query["limit"] {
            guard let count = Int(limit), (1...500).contains(count) else {
                throw bad("limit is 1 to 500")
            }
            poll.limit = count
        }
        poll.ifNoneMatch = counter.request.ifNoneMatch
        if let since = query["since"] {
            let parts = since.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let epoch = Hex.id(String(parts[0])), epoch == self.epoch,
                let position = UInt64(parts[1])
            else { throw expiredCursor }
            poll.since = position
        }
        return poll
    }

    private var expiredCursor: Problem {
        Problem(
            410, "cursor_expired",
            "this cursor is not one of this server: poll without `since`, and show what comes in "
                + "place of everything")
    }

    /// Answers a poll, or `nil` when it may wait for something new.
    func answer(_ poll: OrderPoll, mustAnswer: Bool) throws -> ServerResponse? {
        // Hundreds of boards that wait are woken by one step, and ask the same.
        if let made = pollAnswers[poll] { return made }
        let end = try feedEnds[poll.store] ?? store.feedPosition(poll.store)
        feedEnds[poll.store] = end
        if let since = poll.since, since > end { throw expiredCursor }
        let start = poll.since ?? 0
        let tag = "\"\(Hex.string(epoch))-\(end)\""
        if start == end || poll.ifNoneMatch == tag, poll.since != nil || poll.ifNoneMatch == tag {
            guard mustAnswer else { return nil }
            if poll.ifNoneMatch == tag {
                var unchanged = ServerResponse(status: 304, body: [])
                unchanged.headers.append(("ETag", tag))
                return unchanged
            }
        }
        let response = try page(poll, from: start, to: end)
        pollAnswers[poll] = response
        return response
    }

    private func page(_ poll: OrderPoll, from start: UInt64, to end: UInt64) throws
        -> ServerResponse
    {
        // Without a cursor nothing is left to be removed: only what shows is read.
        let onlyOpen = poll.since == nil && poll.states.allSatisfy { $0.isOpen }
        let rows =
            onlyOpen
            ? try store.openOrders(store: poll.store, after: start, most: poll.limit + 1)
            : try store.orders(store: poll.store, after: start, most: poll.limit + 1)
        var orders: [Value] = []
        var left: [Value] = []
        for row in rows.prefix(poll.limit) {
            // An alarm shows whatever the state is.
            if poll.states.contains(row.order.state) || row.order.isDisputed {
                orders.append(row.order.counterValue(catalog))
            } else if poll.since != nil {
                left.append(
                    .map([
                        "id": .text(row.order.id.text), "state": .text(row.order.state.rawValue),
                        "version": .int(row.order.version),
                    ]))
            }
        }
        let hasMore = rows.count > poll.limit
        let reached = hasMore ? rows[poll.limit - 1].position : end
        var members: [String: Value] = [
            "cursor": .text("\(Hex.string(epoch))-\(reached)"), "server_time": .int(Int64(clock)),
            "orders": .array(orders), "left": .array(left),
        ]
        if hasMore { members["more"] = .bool(true) }
        if loadHint > 0 { members["poll_after_ms"] = .int(Int64(loadHint)) }
        var response = json(.map(members))
        response.headers.append(("ETag", "\"\(Hex.string(epoch))-\(reached)\""))
        return response
    }
}
