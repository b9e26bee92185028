import ToteClient
import ToteCommandLine
import ToteConcurrency
import ToteCore

/// Plays a sales export: each customer has a phone with the real client core, on files and over
/// HTTP; the counters of the stores hand every order over.
///
/// Purchases are played in windows, in the order of the file's time; in a window customers buy at
/// once. What was bought at a price that the window does not have waits for the next one.
final class SalesPlay: Sendable {
    struct Options: Sendable {
        /// How many times faster than the file; `nil` for as fast as it goes.
        var speed: Double?
        var workers = 6
    }

    struct Totals: Sendable {
        /// What customers were charged, by their phones.
        var accounts: [SalesIndex.Account: Int64] = [:]
        /// What was handed over, by the counters.
        var stores: [Int: Int64] = [:]
        var ordersByStore: [Int: Int] = [:]
        var ordersByCustomer: [Int: Int] = [:]
        /// What the orders of each customer earn, a minute after they were handed over.
        var points: [Int: Int64] = [:]
        var orders = 0
        /// Of the file, that were played.
        var lines = 0
        var refused: [String: Int] = [:]
        var catalogs: Int64 = 0
    }

    private struct State {
        var totals = Totals()
        var tokens: [Int: String] = [:]
        var failure: RunFailure?
        /// The catalogue in force, and since which version each price that changed is in it.
        var version: Int64 = 0
        var changedAt: [SalesIndex.Priced: Int64] = [:]
    }

    static let windowCarts = 8_000
    static let laterCarts = 4_000
    private static let progressInterval: Duration = .milliseconds(20)
    /// A customer may have 20 open orders.
    static let ordersAtOnce = 15

    private let index: SalesIndex
    private let descriptor: Int32
    private let administrator: Administrator
    private let phones: SalesPhones
    private let counter: SalesCounter
    private let options: Options
    private let prefix: String
    private let state = Lock(State())

    init(
        _ index: SalesIndex, _ descriptor: Int32, server: ServerAddress,
        administrator: Administrator, directory: String, prefix: String, _ options: Options
    ) throws(RunFailure) {
        self.index = index
        self.descriptor = descriptor
        self.administrator = administrator
        phones = SalesPhones(in: directory + "/phones", server.endpoint)
        self.prefix = prefix
        self.options = options
        var tokens: [String] = []
        for store in index.stores {
            tokens.append(
                try administrator.mint(counter: "counter", store: store.id, isManager: false)
                    .secret)
        }
        counter = SalesCounter(
            server.endpoint, stores: index.stores, tokens: tokens, threads: 2)
    }

    var totals: Totals { state.withLock { $0.totals } }

    /// Plays all of it.
    ///
    /// - Parameter progress: told again and again how far it is.
    func run(_ progress: (Totals) -> Void) throws(RunFailure) {
        defer {
            Blocking.wait { [phones] in await phones.close() }
            counter.close()
        }
        var catalog = SalesCatalog(index)
        try use(catalog)
        let begun = SystemClock.monotonicMilliseconds()
        let first = index.purchases.first?.time ?? 0
        var window = SalesWindow()
        func play() throws(RunFailure) {
            while !window.carts.isEmpty {
                let changed = catalog.use(window.prices)
                if !changed.isEmpty { try use(catalog, changed) }
                try self.play(window.carts, progress)
                window.advance()
                // Without a pace the rest may fill up again first.
                if options.speed == nil, window.carts.count < Self.windowCarts / 4 { return }
            }
        }
        for purchase in index.purchases {
            let carts: [SalesCart]
            do {
                carts = SalesCart.carts(try index.rows(of: purchase, in: descriptor), index)
            } catch {
                throw RunFailure(.unavailable, "the file changed while it was played: \(error)")
            }
            if let due = due(purchase.time - first, since: begun) {
                try play()
                SystemClock.pause(.milliseconds(due))
            }
            for cart in carts { window.take(cart) }
            if window.carts.count >= Self.windowCarts || window.later.count >= Self.laterCarts {
                try play()
            }
        }
        while !window.carts.isEmpty { try play() }
    }

    /// How many milliseconds early a moment of the file is; `nil` when it is due.
    private func due(_ fileMilliseconds: UInt64, since begun: UInt64) -> Int? {
        guard let speed = options.speed else { return nil }
        let due = Double(fileMilliseconds) / speed
        let now = Double(SystemClock.monotonicMilliseconds() - begun)
        return due > now ? Int(due - now) : nil
    }

    private func use(
        _ catalog: SalesCatalog, _ changed: [SalesIndex.Priced] = []
    ) throws(RunFailure) {
        let version = try administrator.importCatalog(catalog.value)
        state.withLock { state in
            state.totals.catalogs += 1
            state.version = version
            for priced in changed { state.changedAt[priced] = version }
        }
    }

    /// The version of the catalogue that these carts need at least, as a phone would find out from
    /// the prices that it shows.
    private func neededCatalog(_ carts: [SalesCart]) -> Int64 {
        state.withLock { state in
            var needed: Int64 = 1
            for cart in carts {
                for line in cart.lines {
                    let priced = SalesIndex.Priced(store: cart.store, sku: line.sku)
                    needed = max(needed, state.changedAt[priced] ?? 1)
                }
            }
            return needed
        }
    }

    private func play(
        _ window: [SalesCart], _ progress: (Totals) -> Void
    ) throws(RunFailure) {
        let jobs = Dictionary(grouping: window, by: \.customer).sorted { $0.key < $1.key }
        let next = Lock(0)
        let ended = Lock(0)
        let workers = (0..<min(options.workers, jobs.count)).map { _ in
            startThread(named: "phones") { [self] in
                defer { ended.withLock { $0 += 1 } }
                while true {
                    let place = next.withLock { place in
                        place += 1
                        return place - 1
                    }
                    guard place < jobs.count, state.withLock({ $0.failure == nil }) else { return }
                    do throws(RunFailure) {
                        try play(jobs[place].value, by: jobs[place].key)
                    } catch {
                        state.withLock { $0.failure = $0.failure ?? error }
                    }
                }
            }
        }
        while ended.withLock({ $0 }) < workers.count {
            SystemClock.pause(Self.progressInterval)
            progress(totals)
        }
        for worker in workers { worker.join() }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func token(of customer: Int) throws(RunFailure) -> String {
        if let token = state.withLock({ $0.tokens[customer] }) { return token }
        let device = Scenario.Device(
            name: "\(prefix)c\(customer + 1)", place: .init(line: 1, column: 1))
        let secret = try administrator.mint(device, space: "customer:\(device.name)").secret
        state.withLock { $0.tokens[customer] = secret }
        return secret
    }

    /// One customer buys carts, one after the other.
    private func play(_ carts: [SalesCart], by customer: Int) throws(RunFailure) {
        let token = try token(of: customer)
        let needed = neededCatalog(carts)
        let version = state.withLock { $0.version }
        let taken: Result<SalesPhones.Phone, RunFailure> = Blocking.wait { [phones, prefix] in
            await Self.trying {
                var phone = try await phones.take(
                    customer, named: "\(prefix)c\(customer + 1)", token: token)
                if phone.catalog < needed {
                    try await phone.tote.refreshCatalog()
                    phone.catalog = version
                }
                return phone
            }
        }
        let phone = try taken.get()
        defer { Blocking.wait { [phones] in await phones.give(phone) } }
        for start in stride(from: 0, to: carts.count, by: Self.ordersAtOnce) {
            let part = Array(carts[start..<min(start + Self.ordersAtOnce, carts.count)])
            try buy(part, customer, phone.tote)
        }
    }

    private static func trying<Outcome: Sendable>(
        _ body: @Sendable () async throws -> Outcome
    ) async -> Result<Outcome, RunFailure> {
        do {
            return .success(try await body())
        } catch let failure as RunFailure {
            return .failure(failure)
        } catch {
            return .failure(RunFailure(.unavailable, "a phone: \(error)"))
        }
    }

    private func buy(_ carts: [SalesCart], _ customer: Int, _ tote: Tote) throws(RunFailure) {
        let stores = index.stores
        let bought: Result<[QueuedOrder], RunFailure> = Blocking.wait {
            await Self.trying {
                var bought: [QueuedOrder] = []
                for cart in carts {
                    for line in cart.lines {
                        try await tote.cart().add(line.sku, quantity: Int(line.quantity))
                    }
                    bought.append(
                        try await tote.cart().place(OrderRequest(store: stores[cart.store].id)))
                }
                _ = try await tote.syncOnce(deadline: .seconds(60))
                return bought
            }
        }
        let queued = try bought.get()
        let rows = carts.reduce(0) { $0 + $1.rows }
        var placed: [Int: [String]] = [:]
        let shown = Blocking.wait { await tote.orders }
        for (cart, one) in zip(carts, queued) {
            if shown.contains(where: { $0.id == one.order && $0.state != .queued }) {
                placed[cart.store, default: []].append(one.order.text)
            } else {
                try noteRefused(one, tote)
            }
        }
        var handedOver: [String: SalesCounter.HandedOver] = [:]
        for (store, ids) in placed.sorted(by: { $0.key < $1.key }) {
            let found = try counter.collect(ids, at: store)
            handedOver.merge(found) { $1 }
            state.withLock { state in
                state.totals.stores[store, default: 0] += found.values.reduce(0) { $0 + $1.total }
                state.totals.ordersByStore[store, default: 0] += found.count
            }
        }
        try noteCollected(placed.values.flatMap { $0 }, customer, tote)
        state.withLock { $0.totals.lines += rows }
    }

    /// What each customer earns, by the name that the server knows.
    var expectedPoints: [(customer: String, points: Int64)] {
        totals.points.sorted { $0.key < $1.key }.map { ("\(prefix)c\($0.key + 1)", $0.value) }
    }

    private func noteRefused(_ queued: QueuedOrder, _ tote: Tote) throws(RunFailure) {
        let receipt = Blocking.wait { try? await tote.receipt(queued.receipt) }
        var code = "no_answer"
        if case .rejected(let rejection)? = receipt?.state { code = rejection.code }
        state.withLock { $0.totals.refused[code, default: 0] += 1 }
    }

    /// The phone learns that its orders were handed over; what it was charged is what it shows.
    private func noteCollected(
        _ ids: [String], _ customer: Int, _ tote: Tote
    ) throws(RunFailure) {
        let shown: Result<[Order], RunFailure> = Blocking.wait {
            await Self.trying {
                _ = try await tote.syncOnce(deadline: .seconds(60))
                return await tote.orders
            }
        }
        let wanted = Set(ids)
        let found = try shown.get().filter { wanted.contains($0.id.text) }
        guard found.count == wanted.count, found.allSatisfy({ $0.state == .collected }) else {
            throw RunFailure(.expectation, "a phone does not show that its orders were collected")
        }
        state.withLock { state in
            for order in found {
                let account = SalesIndex.Account(customer: customer, currency: order.currency)
                state.totals.accounts[account, default: 0] += order.total
                state.totals.ordersByCustomer[customer, default: 0] += 1
                state.totals.points[customer, default: 0] += SalesPoints.earned(order)
                state.totals.orders += 1
            }
        }
    }
}
