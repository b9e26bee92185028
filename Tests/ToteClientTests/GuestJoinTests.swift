import Testing
import ToteClient
import ToteCore
import ToteTesting

/// Guests join an account: once, and to the same documents in whatever order their devices sign in.
@Suite(.timeLimit(.minutes(5))) struct GuestJoinTests {
    private struct Dice {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
    }

    private static let items: [Name] = ["latte|size=L", "muffin", "tea"]
    private static let orders = [
        [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0],
    ]

    /// What a person may do to a cart and a wishlist, by the production rules.
    private func edit(_ replica: Replica, _ dice: inout Dice, at reading: ClockReading) throws {
        let (cart, item): (Name, Name) = ("cart:main", Self.items[dice.below(3)])
        let view = replica.view
        let writes: [Write]
        switch dice.below(8) {
        case 0..<3: writes = view.adding(Int64(1 + dice.below(3)), collection: cart, item: item)
        case 3: writes = view.adding(-1, collection: cart, item: item)
        case 4: writes = view.setting(Int64(dice.below(5)), collection: cart, item: item)
        case 5: writes = view.erasing(collection: cart, item: item)
        case 6:
            writes = view.registering(
                .text("note \(dice.below(9))"), Key(cart, item, Fields.note))
        default: writes = view.flagging(collection: "wishlist:w", item: item)
        }
        _ = try replica.commit(writes, at: reading)
    }

    private func reading(_ device: Int, _ now: UInt64) -> ClockReading {
        ClockReading(
            wallMilliseconds: now, uptimeMilliseconds: now - 1_700_000_000_000,
            bootID: UInt64(device + 1))
    }

    /// What every device shows.
    private func shown(_ replica: Replica) -> [String] {
        replica.view.merged.sortedItems().map { collection, item in
            let fields = replica.view.merged.items(collection)[item]?.sortedFields ?? []
            let values = fields.map { field in
                "\(field.name) "
                    + (Fold.register(field.cells).map { "\($0.value)" }
                        ?? "\(Fold.counter(field.cells)) \(Fold.flag(field.cells))")
            }
            return "\(collection) \(item) \(values)"
        }
    }

    @Test(arguments: 0..<40)
    func `guests join once, to the same documents in whatever order`(seed: Int) async throws {
        let bed = try TestBed()
        try await bed.server.inside { server in
            let now = server.clock.milliseconds
            let draw: () -> UInt64 = { [clock = server.clock] in clock.draw() }
            var dice = Dice(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
            // Three devices without an account, each for itself; their days overlap.
            var guests: [[UInt8]] = []
            var made: Set<Nonce> = []
            for device in 0..<3 {
                let guest = try Replica(image: nil, random: draw)
                for step in 0..<1 + dice.below(14) {
                    let at = now - 60_000 + UInt64(step * 3_000 + device * 997)
                    try edit(guest, &dice, at: reading(device, at))
                }
                made.formUnion(guest.pending.map(\.change.nonce))
                guests.append(try guest.image())
            }
            let before = dice
            var found: [String]?
            for (index, order) in Self.orders.enumerated() {
                // The account has something before; the same in each.
                dice = before
                let customer = "ada-\(index)"
                let secret = try server.mint(customer)
                let space = "customer:\(customer)"
                let first = try Replica(image: nil, random: draw)
                for step in 0..<4 {
                    let at = now - 90_000 + UInt64(step * 500)
                    try edit(first, &dice, at: reading(9, at))
                }
                try server.settle(first, secret, space: space, at: reading(9, now))
                for device in order {
                    var account = try Replica(image: nil, random: draw)
                    try account.adopt(try Replica(image: guests[device], random: draw))
                    if dice.below(2) == 0 {
                        // The app ended before the guest's file was removed, and does it again.
                        account = try Replica(after: account, random: draw)
                        try account.adopt(try Replica(image: guests[device], random: draw))
                    }
                    if dice.below(3) > 0 {
                        try server.settle(
                            account, secret, space: space, at: reading(device, now))
                        // And once more, after everything was sent.
                        try account.adopt(try Replica(image: guests[device], random: draw))
                        #expect(account.unsentCount == 0)
                    }
                    try server.settle(account, secret, space: space, at: reading(device, now))
                    // The guest's file was copied, and its copy signs in elsewhere.
                    if dice.below(2) == 0 {
                        let other = try Replica(image: nil, random: draw)
                        try server.settle(other, secret, space: space, at: reading(device + 3, now))
                        try other.adopt(try Replica(image: guests[device], random: draw))
                        try server.settle(other, secret, space: space, at: reading(device + 3, now))
                    }
                }
                let reader = try Replica(image: nil, random: draw)
                try server.settle(reader, secret, space: space, at: reading(7, now))
                let judged = try server.judged(customer)
                #expect(made.allSatisfy { judged[$0] == 1 }, "order \(order)")
                let shown = shown(reader)
                if let found { #expect(shown == found, "order \(order)") }
                found = found ?? shown
            }
        }
    }

    /// Two lines of the account, three guests' carts, by each policy and in each order.
    @Test(arguments: [CartPolicy.max, .replace], 0..<20)
    func `a policy gives the same cart in whatever order, however often, and tells how`(
        policy: CartPolicy, seed: Int
    ) async throws {
        let bed = try TestBed()
        try await bed.server.inside { server in
            let now = server.clock.milliseconds
            let draw: () -> UInt64 = { [clock = server.clock] in clock.draw() }
            var dice = Dice(state: UInt64(seed + 1) &* 0x9E37_79B9_7F4A_7C15)
            var guests: [[UInt8]] = []
            var carts: [[String: Int64]] = []
            for device in 0..<3 {
                let guest = try Replica(image: nil, random: draw)
                for step in 0..<1 + dice.below(5) {
                    let at = now - 60_000 + UInt64(step * 3_000 + device * 997)
                    let writes = guest.view.adding(
                        Int64(1 + dice.below(4)), collection: "cart:main",
                        item: Self.items[dice.below(3)])
                    _ = try guest.commit(writes, at: reading(device, at))
                }
                carts.append(quantities(guest))
                guests.append(try guest.image())
            }
            let before = dice
            for (index, order) in Self.orders.enumerated() {
                dice = before
                let customer = "ada-\(index)"
                let secret = try server.mint(customer)
                let space = "customer:\(customer)"
                let first = try Replica(image: nil, random: draw)
                for item in Self.items.prefix(2) {
                    _ = try first.commit(
                        first.view.adding(
                            Int64(1 + dice.below(4)), collection: "cart:main", item: item),
                        at: reading(9, now - 90_000))
                }
                let had = quantities(first)
                try server.settle(first, secret, space: space, at: reading(9, now))
                for device in order {
                    var account = try Replica(image: nil, random: draw)
                    // It has heard what time it is, as an app has that signs in online.
                    try server.settle(account, secret, space: space, at: reading(device, now))
                    for round in 0..<3 {
                        let guest = try Replica(image: guests[device], random: draw)
                        try account.adopt(guest, carts: policy)
                        if round == 0, dice.below(2) == 0 {
                            account = try Replica(after: account, random: draw)
                        } else {
                            try server.settle(
                                account, secret, space: space, at: reading(device, now))
                        }
                    }
                }
                let reader = try Replica(image: nil, random: draw)
                try server.settle(reader, secret, space: space, at: reading(7, now))
                #expect(reader.joins.count == 3)
                switch policy {
                case .max:
                    let most = carts.reduce(had) { $0.merging($1) { max($0, $1) } }
                    #expect(quantities(reader) == most, "order \(order)")
                case .replace:
                    // The one who touched their cart last.
                    let lasts = try guests.map { image in
                        try Replica(image: image, random: draw).pending.last?.change.time
                    }
                    let last = lasts.indices.max { left, right in
                        (lasts[left]?.rawValue ?? 0) < (lasts[right]?.rawValue ?? 0)
                    }
                    #expect(quantities(reader) == carts[last ?? 0], "order \(order)")
                case .union: break
                }
            }
        }
    }

    private func quantities(_ replica: Replica) -> [String: Int64] {
        Cart(replica.view.merged, name: "main").lines
            .reduce(into: [:]) { $0[$1.name.item.text] = $1.quantity }
    }
}
