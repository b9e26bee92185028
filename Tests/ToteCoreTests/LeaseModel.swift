import ToteCore

/// The bounded model of leases: one server, two phones, at most one copy of the first, two stores
/// with a redeemer each, three points.
///
/// The rules are the production ones (`Account`, `LeaseRegister`); what stands here is the world
/// around them: streams, lost replies, copies, disks, clocks. All that happens is one of `Action`'s
/// cases; `LeaseModelSearch` goes through all orders of them.
struct LeaseModel {
    /// Something that a stream carries to the server.
    struct Item: Hashable {
        enum Kind: UInt8 { case lease, release, spend, redeem, watermark }

        /// Who made it in the high half, a number that is not in use in the low one.
        var nonce: UInt8
        var kind: Kind
        /// A lease is called by the nonce of its first request.
        var lease: UInt8 = 0
        var amount: UInt8 = 0
        /// The store that is to hold the lease, counted from 1; until when a spend is covered; the
        /// moment of a watermark.
        var extra: UInt8 = 0
    }

    struct Phone {
        /// Its present id.
        var replica: UInt8
        /// The id that it had before it was found to be forked.
        var former: UInt8?
        /// How many of its stream's items it knows the fate of; counted from what the log keeps.
        var acked: UInt8 = 0
        var requests: UInt8 = 0
        var spends: UInt8 = 0
        var queue: [Item] = []
        /// What it last heard of the open leases: a place in `AccountTable.views`.
        var view = 0
        /// Copied once, or a copy: not honest any more in the sense of what is promised.
        var isCopied = false
    }

    struct Counter {
        /// A place in `RegisterTable.registers`.
        var register: Int
        var takes: UInt8 = 0
        var queue: [Item] = []
        /// Goods that left the store by each lease: no disk can take this back.
        var given: [UInt8: UInt8] = [:]
        var restores: UInt8 = 0
        /// What the disk had when somebody made an image of it.
        var image: Image?
    }

    struct Image: Hashable {
        var register: Int
        var queue: [Item]
    }

    struct Spend {
        var nonce: UInt8
        /// A place in `AccountTable.lots`.
        var parts: UInt8
        var amount: UInt8
        var refunds: UInt8 = 0
    }

    // The server.
    var account: Int
    /// Leases that were ever opened.
    var rows: [UInt8] = []
    /// Of stores' leases that were closed: what they were granted, and what goods were given for.
    var closed: [UInt8: UInt8] = [:]
    /// By replica, what was judged: the nonce and whether it was accepted.
    var logs: [[UInt16]] = [[], []]
    var spends: [Spend] = []
    /// Nonces of redeemers' items that were taken in.
    var booked: [UInt8] = []
    var loss: UInt8 = 0
    var now: UInt8 = 0

    var phones = [Phone(replica: 0), Phone(replica: 1)]
    var counters: [Counter]

    // What the judges need to know.
    var spentOnline: UInt8 = 0
    /// Goods given by leases that are gone for good.
    var givenBefore: UInt8 = 0
    /// Lost replies, copies, lost disks and what else is not the rule, so far.
    var troubles: UInt8 = 0
    /// What was left of stores' leases when the operator wrote them off: so much may be lost.
    var excused: UInt8 = 0
    var writeOffs: UInt8 = 0
    /// Devices' leases that the customer revoked.
    var revoked: [UInt8] = []
    /// What each sealed lease had been granted.
    var sealed: [UInt8: UInt8] = [:]
    /// The stores are alike: the one that is used first is called the first.
    var isFirstStoreUsed = false
    /// What was found to be wrong on the way here.
    var fault: String?

    /// Points that the customer has: one expires when the first lease ends, two never.
    static let granted: UInt8 = 3
    static let moments: [UInt8] = [0, 20, 21]
    static let terms = LeaseTerms(
        unitsMax: 3, share: 1_000, stopMilliseconds: 10, graceMilliseconds: 10)

    init(_ accounts: AccountTable, _ registers: RegisterTable) {
        account = accounts.start
        counters = (0..<2).map { _ in Counter(register: registers.start) }
        for index in phones.indices { phones[index].view = accounts.view(of: account) }
    }

    private static let ids = (0...UInt64(0xFF)).map { LeaseID(high: 0, low: $0) }
    static func id(_ lease: UInt8) -> LeaseID { ids[Int(lease)] }

    /// What left the retailer's hands: orders paid and not given back, goods given at counters.
    var honoured: Int {
        spends.reduce(0) { $0 + ($1.refunds > 0 ? 0 : Int($1.amount)) } + Int(spentOnline)
            + Int(givenBefore)
            + counters.reduce(0) { $0 + $1.given.values.reduce(0) { $0 + Int($1) } }
    }

    /// The state as bytes, without what no later step can tell apart.
    var key: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        func add(_ number: Int) {
            bytes.append(UInt8(truncatingIfNeeded: number))
            bytes.append(UInt8(truncatingIfNeeded: number >> 8))
        }
        func add(_ list: [UInt8]) {
            bytes.append(UInt8(list.count))
            bytes += list
        }
        func add(_ queue: [Item]) {
            bytes.append(UInt8(queue.count))
            for item in queue {
                bytes += [item.nonce, item.kind.rawValue, item.lease, item.amount, item.extra]
            }
        }
        func add(_ map: [UInt8: UInt8]) {
            bytes.append(UInt8(map.count))
            for (key, value) in map.sorted(by: { $0.key < $1.key }) { bytes += [key, value] }
        }
        add(account)
        add(rows)
        add(closed)
        bytes.append(UInt8(logs.count))
        for log in logs {
            bytes.append(UInt8(log.count))
            for entry in log { add(Int(entry)) }
        }
        bytes.append(UInt8(spends.count))
        for spend in spends { bytes += [spend.nonce, spend.parts, spend.amount, spend.refunds] }
        add(booked)
        bytes += [
            loss, now, spentOnline, givenBefore, troubles, excused, writeOffs,
            isFirstStoreUsed ? 1 : 0,
        ]
        add(revoked)
        add(sealed)
        for phone in phones {
            bytes += [
                phone.replica, phone.former ?? 0xFF, phone.acked, phone.requests, phone.spends,
                phone.isCopied ? 1 : 0,
            ]
            add(phone.view)
            add(phone.queue)
        }
        for counter in counters {
            add(counter.register)
            bytes += [counter.takes, counter.restores, counter.image == nil ? 0 : 1]
            add(counter.queue)
            add(counter.given)
            guard let image = counter.image else { continue }
            add(image.register)
            add(image.queue)
        }
        return bytes
    }

    /// Calls `body` with everything that may still be sent.
    private func forWaiting(_ body: (Item) -> Void) {
        for phone in phones { for item in phone.queue { body(item) } }
        for counter in counters {
            for item in counter.queue { body(item) }
            guard let image = counter.image else { continue }
            for item in image.queue { body(item) }
        }
    }

    /// Forgets what nothing can ask for any more: fates that every phone of a stream knows, leases
    /// that nobody names. Histories that differ in them alone are one.
    mutating func forget(_ accounts: AccountTable) {
        var nonces = Names()
        var named = accounts.names(in: accounts.view(of: account))
        forWaiting { item in
            nonces.insert(item.nonce)
            named.insert(item.lease)
        }
        for replica in logs.indices where !logs[replica].isEmpty {
            var known = UInt8(logs[replica].count)
            for phone in phones where phone.replica == replica { known = min(known, phone.acked) }
            var count: UInt8 = 0
            while count < known, !nonces.contains(UInt8(logs[replica][Int(count)] >> 1)) {
                count += 1
            }
            guard count > 0 else { continue }
            logs[replica].removeFirst(Int(count))
            for index in phones.indices where phones[index].replica == replica {
                phones[index].acked -= count
            }
        }
        if !booked.isEmpty { booked.removeAll { !nonces.contains($0) } }
        if !spends.isEmpty {
            for log in logs { for entry in log { nonces.insert(UInt8(entry >> 1)) } }
            for index in spends.indices where !nonces.contains(spends[index].nonce) {
                spends[index].nonce = Names.none
            }
            spends.removeAll { $0.refunds > 1 && $0.nonce == Names.none }
            spends.sort { ($0.nonce, $0.parts, $0.refunds) < ($1.nonce, $1.parts, $1.refunds) }
        }
        for phone in phones { named.formUnion(accounts.names(in: phone.view)) }
        for lease in rows where !named.contains(lease) {
            rows.removeAll { $0 == lease }
            revoked.removeAll { $0 == lease }
            sealed[lease] = nil
            closed[lease] = nil
            for index in counters.indices {
                givenBefore += counters[index].given.removeValue(forKey: lease) ?? 0
            }
        }
    }

    /// A nonce that nothing has.
    func freshNonce(of author: Int, _ registers: RegisterTable) -> UInt8 {
        var used = Names()
        forWaiting { used.insert($0.nonce) }
        for row in rows { used.insert(row) }
        for spend in spends { used.insert(spend.nonce) }
        for nonce in booked { used.insert(nonce) }
        for log in logs { for entry in log { used.insert(UInt8(entry >> 1)) } }
        for counter in counters {
            used.formUnion(registers.names[counter.register])
            if let image = counter.image { used.formUnion(registers.names[image.register]) }
        }
        var nonce = UInt8(author) << 4
        while used.contains(nonce) { nonce += 1 }
        precondition(nonce >> 4 == author, "an author of 16 things that are all in use")
        return nonce
    }
}

/// A set of nonces and leases.
struct Names {
    /// What stands for no nonce.
    static let none: UInt8 = 0x7F

    private var low: UInt64 = 0
    private var high: UInt64 = 0

    mutating func insert(_ name: UInt8) {
        if name < 64 { low |= 1 << UInt64(name) } else { high |= 1 << UInt64(name & 63) }
    }

    func contains(_ name: UInt8) -> Bool {
        (name < 64 ? low >> UInt64(name) : high >> UInt64(name & 63)) & 1 == 1
    }

    mutating func formUnion(_ other: Names) {
        low |= other.low
        high |= other.high
    }
}

/// The states that a redeemer's register can be in, with the production rules between them.
final class RegisterTable {
    private(set) var registers: [LeaseRegister] = []
    /// The leases that each has taken of or closed.
    private(set) var names: [Names] = []
    private var places: [LeaseRegister: Int] = [:]
    private(set) var start = 0

    init() { start = place(LeaseRegister(incarnation: 0)) }

    func place(_ register: LeaseRegister) -> Int {
        if let place = places[register] { return place }
        registers.append(register)
        places[register] = registers.count - 1
        var known = Names()
        for id in register.taken.keys {
            known.insert(UInt8(id.text.suffix(2), radix: 16) ?? Names.none)
        }
        names.append(known)
        return registers.count - 1
    }

    /// - Returns: where the register is after the change.
    func change(
        _ place: Int, _ body: (inout LeaseRegister) throws(LeaseRegister.Refusal) -> Void
    ) -> Int? {
        var register = registers[place]
        do throws(LeaseRegister.Refusal) { try body(&register) } catch { return nil }
        return self.place(register)
    }
}
