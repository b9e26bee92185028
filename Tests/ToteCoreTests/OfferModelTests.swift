import Foundation
import Testing
import ToteCore

/// The bounded exhaustive model of offers: two customers, three devices, an offer of two uses, one
/// or two for each. What a device sends is sent again until it is answered, replies are lost,
/// devices lease what they have and spend without a network; every order of it is gone through.
///
/// The rules are the production ones, `OfferPool` and `Account`; what stands here is the world
/// around them. A deeper run: `TOTE_MODEL_DEPTH=11 swift test -c release --filter OfferModel`.
struct OfferModelTests {
    struct Search: CustomTestStringConvertible, Sendable {
        var total: Int64
        var each: Int64
        var testDescription: String { "\(total) in all, \(each) for each" }
    }

    private static let depth =
        ProcessInfo.processInfo.environment["TOTE_MODEL_DEPTH"].flatMap { Int($0) } ?? 7

    @Test(arguments: [Search(total: 1, each: 1), Search(total: 2, each: 2)])
    func `no order of events issues or spends too much`(search: Search) {
        let result = OfferModel.search(total: search.total, each: search.each, depth: Self.depth)
        print("offer model, \(search): \(result.states) states to depth \(Self.depth)")
        #expect(result.fault == nil, "\(result.fault ?? "") after \(result.trace)")
        #expect(result.states > 1_000)
    }

    @Test(arguments: OfferModel.Plant.allCases)
    func `a planted fault is found`(plant: OfferModel.Plant) {
        let search: Search =
            switch plant {
            case .sharesPerDevice: Search(total: 3, each: 1)
            case .ignoresQueue: Search(total: 1, each: 1)
            default: Search(total: 2, each: 2)
            }
        let result = OfferModel.search(
            total: search.total, each: search.each, depth: 7, plant: plant)
        print("offer model, \(plant): \(result.fault ?? "-") after \(result.trace)")
        #expect(result.fault != nil, "\(plant) is not found in \(result.states) states")
    }
}

/// A state of the model, and all that can follow.
struct OfferModel: Hashable {
    enum Plant: String, CaseIterable {
        /// What is sent again is judged again.
        case forgetsNonces
        /// Each device has a share, and not each customer.
        case sharesPerDevice
        /// Whatever is left is enough.
        case ignoresTotal
        /// What nobody has is leased.
        case leasesFromNothing
        /// A device does not count what it spent and has not sent.
        case ignoresQueue
    }

    enum Kind: UInt8 { case activate, lease, spendHere, spendOnline }

    struct Item: Hashable {
        var kind: Kind
        var nonce: UInt8
    }

    struct Device: Hashable {
        let customer: Int
        var queue: [Item] = []
        var made: UInt8 = 0
        /// What its lease had left when it was last told.
        var left: Int64 = 0
    }

    enum Action: Hashable {
        case make(Int, Kind)
        /// Everything is sent; the reply may be lost.
        case send(Int, isLost: Bool)
    }

    private var pool: OfferPool
    private var accounts = [Account(), Account()]
    private var devices = [Device(customer: 0), Device(customer: 0), Device(customer: 1)]
    /// Nonces that were judged, and whether they were accepted.
    private var judged: [UInt8: Bool] = [:]
    private var honoured: [Int64] = [0, 0]
    private var fault: String?

    private static let terms = LeaseTerms(
        unitsMax: Limits.integerMax, share: Programme.shareMax, stopMilliseconds: 10,
        graceMilliseconds: 10)
    /// How much a device makes in one history.
    private static let madeMax: UInt8 = 3

    private init(total: Int64, each: Int64) {
        pool = OfferPool(total: total, each: each, issued: 0)
    }

    private var actions: [Action] {
        devices.indices.flatMap { index -> [Action] in
            let device = devices[index]
            var actions: [Action] = []
            if device.made < Self.madeMax {
                actions += [.make(index, .activate), .make(index, .lease)]
                actions += [.make(index, .spendOnline), .make(index, .spendHere)]
            }
            if !device.queue.isEmpty {
                actions += [.send(index, isLost: true), .send(index, isLost: false)]
            }
            return actions
        }
    }

    /// - Returns: `nil` for what a device does not let its user do.
    private func after(_ action: Action, _ plant: Plant?) -> OfferModel? {
        var next = self
        switch action {
        case .make(let index, let kind):
            let device = devices[index]
            let spent = Int64(device.queue.count { $0.kind == .spendHere })
            let here = device.left - (plant == .ignoresQueue ? 0 : spent)
            if kind == .spendHere, here < 1 { return nil }
            let nonce = UInt8(index) << 4 | device.made
            next.devices[index].queue.append(Item(kind: kind, nonce: nonce))
            next.devices[index].made += 1
        case .send(let index, let isLost):
            for item in devices[index].queue { next.judge(item, from: index, plant) }
            guard !isLost else { break }
            next.devices[index].queue = []
            next.devices[index].left =
                next.accounts[devices[index].customer].lease(Self.lease(index))?.rest.total ?? 0
        }
        return next
    }

    private static func lease(_ index: Int) -> LeaseID { LeaseID(high: 0, low: UInt64(index)) }

    private mutating func judge(_ item: Item, from index: Int, _ plant: Plant?) {
        guard plant == .forgetsNonces || judged[item.nonce] == nil else { return }
        let customer = devices[index].customer
        judged[item.nonce] = true
        do {
            switch item.kind {
            case .activate:
                let before =
                    plant == .sharesPerDevice
                    ? judged.filter { $0.key >> 4 == UInt8(index) }.count > 1 ? pool.each : 0
                    : accounts[customer].totals.granted
                if plant == .ignoresTotal {
                    let total = pool.total
                    pool.total = Limits.integerMax
                    defer { pool.total = total }
                    try issue(to: customer, having: before)
                } else {
                    try issue(to: customer, having: before)
                }
            case .lease:
                if plant == .leasesFromNothing, accounts[customer].available.isEmpty {
                    _ = try accounts[customer].grant(
                        one, for: "plant", due: 0, expires: nil, at: 0)
                }
                _ = try accounts[customer].lease(
                    Self.lease(index), to: .device(ReplicaID(UInt64(index))), two,
                    terms: Self.terms, at: 0)
            case .spendHere:
                _ = try accounts[customer].spend(one, by: Self.lease(index))
                honoured[customer] += 1
            case .spendOnline:
                _ = try accounts[customer].spend(one)
                honoured[customer] += 1
            }
        } catch {
            judged[item.nonce] = false
            // What a device spends inside its lease is never refused.
            if item.kind == .spendHere { fault = "an honest device's spend is refused" }
        }
    }

    private var one: Amount { amount(1) }
    private var two: Amount { amount(2) }
    private func amount(_ units: Int64) -> Amount {
        guard let amount = Amount(units) else { preconditionFailure("\(units) is an amount") }
        return amount
    }

    private mutating func issue(to customer: Int, having before: Int64) throws {
        guard let amount = try pool.issue(having: before) else { return }
        _ = try accounts[customer].grant(amount, for: "offer", due: 0, expires: nil, at: 0)
    }

    private var found: String? {
        if let fault { return fault }
        let granted = accounts.map(\.totals.granted)
        if granted.reduce(0, +) > pool.total { return "\(granted) of \(pool.total) are issued" }
        if pool.issued != granted.reduce(0, +) { return "\(granted) are issued, not counted so" }
        if let most = granted.max(), most > pool.each { return "\(most) of \(pool.each) for each" }
        for (customer, units) in honoured.enumerated() where units > granted[customer] {
            return "\(units) of \(granted[customer]) are honoured"
        }
        return accounts.lazy.compactMap(\.faults.first).first
    }

    struct Result {
        var states = 1
        var fault: String?
        var trace: [Action] = []
    }

    /// Goes through everything that can happen, the shortest histories first.
    static func search(total: Int64, each: Int64, depth: Int, plant: Plant? = nil) -> Result {
        var result = Result()
        let start = OfferModel(total: total, each: each)
        var seen: Set<OfferModel> = [start]
        var level: [(state: OfferModel, trace: [Action])] = [(start, [])]
        for _ in 1...depth {
            var next: [(state: OfferModel, trace: [Action])] = []
            for (state, trace) in level {
                for action in state.actions {
                    guard let after = state.after(action, plant), seen.insert(after).inserted
                    else { continue }
                    if let fault = after.found {
                        return Result(
                            states: seen.count, fault: fault, trace: trace + [action])
                    }
                    next.append((after, trace + [action]))
                }
            }
            level = next
        }
        result.states = seen.count
        return result
    }
}
