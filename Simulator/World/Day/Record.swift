internal import ToteCore

/// One thing that happened in a day: what a user did, what went over the wire, what struck, and
/// what everybody showed at the end. Never what a core thinks of itself: its judge reads nothing
/// else, so that a bug cannot hide in its own oracle.
enum Record: Sendable {
    /// A write, with what its author's screen showed under it.
    struct Write: Sendable {
        var key: Key
        /// Whether it leaves a cell: an erasing one does not.
        var isCell: Bool
        /// What it says of a quantity.
        var counted: Counted?
        /// The changes whose cells it replaces.
        var saw: [Nonce]
    }

    /// What a write makes of a quantity: so many, or so many more.
    enum Counted: Hashable, Sendable {
        case base(Int64)
        case delta(Int64)

        init?(_ payload: Payload?) {
            switch payload {
            case .base(let amount): self = .base(amount)
            case .delta(let amount): self = .delta(amount)
            case .register, .flag, .other, nil: return nil
            }
        }
    }

    /// What a change asks for beside its writes.
    enum Act: String, Sendable {
        case edit
        /// An edit of a guest, who joins the account later: it is stamped no later than it joined.
        case guest
        /// An edit of a collection that its token may not write.
        case forbidden
        case place, cancel
        /// Points are set aside for a device, and given back: by its user, or by the app itself.
        case reserve, release
        /// The customer takes their share of an offer.
        case activate

        var isEdit: Bool { self == .edit || self == .guest }
    }

    struct Seen: Sendable {
        var position: UInt64
        var dot: Dot
        var nonce: Nonce
        /// `accepted`; `empty` for one that was accepted with nothing in it, which fills the place
        /// of a change that a former epoch refused; `same_as`; or why it was refused.
        var outcome: String
        /// What its author's clock made of when it was made; 0 where only its name is told.
        var stamp = Timestamp.zero
    }

    case began(customers: Int, devices: Int, rates: [Fault: Int])
    case acted(device: Int, customer: Int, Act, Nonce, [Write], order: OrderID?)
    case sent(device: Int, request: UInt64, kind: String, [Nonce], position: UInt64)
    case answered(device: Int, request: UInt64, status: Int, epoch: UInt64, [Seen], fates: [Nonce])
    /// A reply came after its request was given up, and was not looked at.
    case dropped(device: Int, request: UInt64)
    case struck(Fault, device: Int?)
    /// A counter was answered.
    case counter(Int, String, OrderID, status: Int)
    /// The server took a batch, and gave its author a ticket for the next, which must show it.
    case ticketed(ReplicaID, epoch: UInt64, shown: UInt64?, given: UInt64, [Nonce])
    /// A store gave something for points; what is booked is under the source.
    case redeemed(customer: Int, source: String, units: Int64)
    /// A counter took the code of a phone, or was refused it.
    case handedOff(device: Int, HandOffID, status: Int)
    /// A counter said whether a product is to be had.
    case availability(sku: String, isOut: Bool, status: Int)
    /// What a customer was shown that an order comes to, minor units.
    case priced(OrderID, total: Int64)
    /// What a user was told could not be saved was there: it is told of now, and was made before.
    case found(Nonce)
    /// The leases that a change opens or raises, spends by, or gives back.
    case drew(Nonce, [LeaseID])
    /// The operator gave points, for a reference.
    case gave(customer: Int, units: Int64, reference: String)
    /// No fault from here on.
    case healed
    case settled
    /// The whole log of a customer, as somebody reads it who was not there.
    case logged(customer: Int, Seen)
    /// What a device shows at the end.
    case shows(device: Int, customer: Int, digest: [UInt8], cells: [Cell], orders: [Shown])
    /// The quantities on a device's screen at the end.
    case counts(device: Int, customer: Int, [Key: Int64])
    /// An entry of a customer's ledger, as the API tells it.
    case entry(
        customer: Int, account: String, kind: String, reference: String, source: String,
        units: Int64)

    struct Cell: Sendable {
        var key: Key
        var dot: Dot
    }

    struct Shown: Sendable, Hashable {
        var id: OrderID
        var state: String
        var total: Int64
        var points: Int64
    }
}

/// A record and when it was made: milliseconds of true time since the day began.
package struct Stamped: Sendable {
    package var at: UInt64
    var record: Record
}

extension Stamped {
    /// One line of `history.ndjson`, without its end.
    package var line: String {
        var members: [Value.Entry] = [Value.Entry("t", .int(Int64(at)))]
        func add(_ name: String, _ value: Value) { members.append(Value.Entry(name, value)) }
        func add(_ name: String, _ number: Int) { add(name, .int(Int64(number))) }
        func add(_ name: String, _ text: String) { add(name, .text(text)) }
        switch record {
        case .began(let customers, let devices, let rates):
            add("what", "began")
            add("customers", customers)
            add("devices", devices)
            add(
                "rates",
                .map(
                    rates.sorted { $0.key < $1.key }.map {
                        Value.Entry($0.key.rawValue, .int(Int64($0.value)))
                    }))
        case .acted(let device, let customer, let act, let nonce, let writes, let order):
            add("what", act.rawValue)
            add("device", device)
            add("customer", customer)
            add("change", Hex.string(nonce))
            if let order { add("order", order.text) }
            add("writes", .array(writes.map(Self.value)))
        case .sent(let device, let request, let kind, let nonces, let position):
            add("what", "sent")
            add("device", device)
            add("request", Int(request))
            add("kind", kind)
            add("changes", .array(nonces.map { .text(Hex.string($0)) }))
            add("position", Int(position))
        case .answered(let device, let request, let status, let epoch, let seen, let fates):
            add("what", "answered")
            add("device", device)
            add("request", Int(request))
            add("status", status)
            add("epoch", Hex.string(epoch))
            add("events", .array(seen.map(Self.value)))
            add("fates", .array(fates.map { .text(Hex.string($0)) }))
        case .dropped(let device, let request):
            add("what", "dropped")
            add("device", device)
            add("request", Int(request))
        case .struck(let fault, let device):
            add("what", "fault")
            add("fault", fault.rawValue)
            if let device { add("device", device) }
        case .counter(let counter, let what, let order, let status):
            add("what", "counter")
            add("counter", counter)
            add("does", what)
            add("order", order.text)
            add("status", status)
        case .ticketed(let replica, let epoch, let shown, let given, let nonces):
            add("what", "ticketed")
            add("replica", Hex.string(replica.rawValue))
            add("epoch", Hex.string(epoch))
            if let shown { add("shown", Hex.string(shown)) }
            add("given", Hex.string(given))
            add("changes", .array(nonces.map { .text(Hex.string($0)) }))
        case .redeemed(let customer, let source, let units):
            add("what", "redeemed")
            add("customer", customer)
            add("source", source)
            add("units", .int(units))
        case .handedOff(let device, let id, let status):
            add("what", "handed-off")
            add("device", device)
            add("hand-off", id.text)
            add("status", status)
        case .availability(let sku, let isOut, let status):
            add("what", "availability")
            add("sku", sku)
            add("out", .bool(isOut))
            add("status", status)
        case .priced(let order, let total):
            add("what", "priced")
            add("order", order.text)
            add("total", .int(total))
        case .found(let nonce):
            add("what", "found")
            add("change", Hex.string(nonce))
        case .drew(let nonce, let leases):
            add("what", "drew")
            add("change", Hex.string(nonce))
            add("leases", .array(leases.map { .text($0.text) }))
        case .gave(let customer, let units, let reference):
            add("what", "gave")
            add("customer", customer)
            add("units", Int(units))
            add("reference", reference)
        case .healed: add("what", "healed")
        case .settled: add("what", "settled")
        case .logged(let customer, let seen):
            add("what", "log")
            add("customer", customer)
            add("event", Self.value(seen))
            add("stamp", Int(seen.stamp.milliseconds))
        case .shows(let device, let customer, let digest, let cells, let orders):
            add("what", "shows")
            add("device", device)
            add("customer", customer)
            add("digest", Hex.string(digest))
            add("cells", cells.count)
            add("orders", .array(orders.map { .text("\($0.id.text) \($0.state)") }))
        case .counts(let device, let customer, let quantities):
            add("what", "counts")
            add("device", device)
            add("customer", customer)
            add("quantities", .array(quantities.sorted { $0.key < $1.key }.map(Self.value)))
        case .entry(let customer, let account, let kind, let reference, _, let units):
            add("what", "entry")
            add("customer", customer)
            add("account", account)
            add("kind", kind)
            add("reference", reference)
            add("units", Int(units))
        }
        return String(decoding: Encoding.json.encode(.map(members)), as: UTF8.self)
    }

    private static func value(_ write: Record.Write) -> Value {
        .array([
            .text(write.key.collection.text), .text(write.key.item.text),
            .text(write.key.field.text), .bool(write.isCell), value(write.counted),
            .array(write.saw.map { .text(Hex.string($0)) }),
        ])
    }

    private static func value(_ counted: Record.Counted?) -> Value {
        switch counted {
        case .base(let amount): .array([.text("base"), .int(amount)])
        case .delta(let amount): .array([.text("delta"), .int(amount)])
        case nil: .null
        }
    }

    private static func value(_ quantity: (key: Key, value: Int64)) -> Value {
        .array([
            .text(quantity.key.collection.text), .text(quantity.key.item.text),
            .int(quantity.value),
        ])
    }

    private static func value(_ seen: Record.Seen) -> Value {
        .array([
            .int(Int64(seen.position)),
            .text("\(Hex.string(seen.dot.replica.rawValue)):\(seen.dot.counter)"),
            .text(Hex.string(seen.nonce)), .text(seen.outcome),
        ])
    }
}
