import ToteCore

/// Devices that edit by the production rules, and a log in total order, beside the oracle that
/// watches them.
///
/// A value: copying it forks the whole world, which is how the exhaustive runs branch.
struct TestWorld {
    struct Device {
        let replica: ReplicaID
        var view = LocalView()
        /// Events of the log that are in the confirmed state.
        var cursor = 0
        var counter: UInt64 = 0
        /// How many pending changes the log has.
        var sentCount = 0
        /// Steps of the world that its clock is off.
        var skew = 0
        var clock = HybridClock()
        /// The oracle's names of what is confirmed and accepted here, and of what is pending.
        var confirmedOps = OpSet()
        var pendingOps = OpSet()
    }

    enum Edit: Hashable {
        case add(Int64)
        case set(Int64)
        case remove
        case note(String)
    }

    static let cart: Name = "cart:main"

    private(set) var devices: [Device]
    private(set) var log: [Event] = []
    private(set) var oracle = Oracle()
    private var step = 0

    init(devices count: Int) {
        devices = (0..<count).map { Device(replica: ReplicaID(UInt64($0 + 1))) }
    }

    mutating func setSkew(_ steps: Int, of device: Int) { devices[device].skew = steps }

    /// Makes an edit on a device, on both sides.
    ///
    /// - Returns: whether product and oracle agree on whether anything was written.
    @discardableResult
    mutating func edit(
        _ edit: Edit, item: Name = "latte", on index: Int, isForbidden: Bool = false
    ) -> Bool {
        step += 1
        let view = devices[index].view
        let writes: [Write] =
            switch edit {
            case .add(let amount): view.adding(amount, collection: Self.cart, item: item)
            case .set(let value): view.setting(value, collection: Self.cart, item: item)
            case .remove: view.erasing(collection: Self.cart, item: item)
            case .note(let text):
                view.registering(.text(text), Key(Self.cart, item, Fields.note))
            }
        let visible = devices[index].confirmedOps.union(devices[index].pendingOps)
        let meant = oracle.meaning(of: edit, item: item, visible: visible)
        guard !writes.isEmpty else { return meant == nil || !oracle.hasTrace(item, visible) }
        guard var op = meant else { return false }
        devices[index].counter += 1
        let now = UInt64(1_000 + step + devices[index].skew)
        op.dot = Dot(devices[index].replica, devices[index].counter)
        op.time = devices[index].clock.stamp(atMilliseconds: now)
        op.isAccepted = !isForbidden
        let number = oracle.record(op)
        devices[index].pendingOps.insert(number)
        let change = Change(nonce: UInt64(number), time: op.time, writes: writes)
        devices[index].view.append(LocalView.Pending(dot: op.dot, change: change))
        return true
    }

    /// Sends the outbox: the log judges each change alone, in its order.
    mutating func push(_ index: Int, most: Int = .max) {
        let pending = devices[index].view.pending
        for entry in pending.dropFirst(devices[index].sentCount).prefix(most) {
            devices[index].sentCount += 1
            let isAccepted = oracle.ops[Int(entry.change.nonce)].isAccepted
            log.append(
                Event(
                    dot: entry.dot, change: entry.change,
                    outcome: isAccepted ? .accepted : .rejected(Rejection(code: "not_allowed"))))
        }
    }

    /// Applies what the log has that the device lacks, at most so many events.
    mutating func pull(_ index: Int, most: Int = .max) {
        var device = devices[index]
        let events = log[device.cursor...].prefix(most)
        guard !events.isEmpty else { return }
        device.cursor += events.count
        var confirmed = device.view.confirmed
        var pending = device.view.pending
        for event in events {
            let number = Int(event.change.nonce)
            if event.outcome == .accepted {
                confirmed.apply(event.change, dot: event.dot)
                device.confirmedOps.insert(number)
                device.clock.observe(event.change.time)
            }
            if event.dot.replica == device.replica {
                pending.removeFirst()
                device.sentCount -= 1
                device.pendingOps.remove(number)
            }
        }
        device.view = LocalView(confirmed: confirmed, pending: pending)
        devices[index] = device
    }

    mutating func sync(_ index: Int) {
        push(index)
        pull(index)
    }

    /// Everybody sends, then everybody pulls.
    mutating func settle() {
        for index in devices.indices { push(index) }
        for index in devices.indices { pull(index) }
    }

    func quantity(on index: Int, item: Name = "latte") -> Int64 {
        devices[index].view.quantity(Self.cart, item)
    }

    /// Where a device shows something else than the oracle, or `nil`.
    func disagreement(_ index: Int, items: [Name]) -> String? {
        let device = devices[index]
        let visible = device.confirmedOps.union(device.pendingOps)
        for item in items {
            let expected = oracle.quantity(item, visible)
            let shown = device.view.quantity(Self.cart, item)
            if shown != expected {
                return "device \(index) shows \(shown) \(item.text), the history says \(expected)"
            }
            let note = oracle.note(item, visible)
            let noted = Fold.register(
                device.view.merged.cells(Key(Self.cart, item, Fields.note)))?.value.textValue
            if note != noted {
                return "device \(index) notes \(noted ?? "-"), the history says \(note ?? "-")"
            }
        }
        return nil
    }

    /// The confirmed state of a device as bytes.
    func bytes(_ index: Int) -> [UInt8] {
        Encoding.cbor.encode(
            Snapshot(position: UInt64(log.count), documents: devices[index].view.confirmed))
    }

    /// What is wrong after everything settled, or `nil`.
    func finalFault(items: [Name]) -> String? {
        for index in devices.indices {
            if let fault = disagreement(index, items: items) { return fault }
            if !devices[index].view.pending.isEmpty { return "device \(index) did not settle" }
            if bytes(index) != bytes(0) { return "device \(index) has other bytes than device 0" }
        }
        return nil
    }
}
