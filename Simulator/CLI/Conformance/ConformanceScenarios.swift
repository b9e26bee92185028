/// The scenarios that a client is put through (Protocol/conformance.md, section 4).
enum ConformanceScenarios {
    typealias Scenario = (
        name: String, play: @Sendable (ConformanceWorld, _ customer: String) throws -> Void
    )

    static let all: [Scenario] = [
        ("alone", alone), ("together", together), ("unseen", unseen), ("many", many),
        ("lost-reply", lostReply), ("killed", killed), ("refused", refused), ("copied", copied),
        ("restored", restored), ("wrong-clock", wrongClock), ("portal", portal),
    ]

    /// Every device syncs twice, and then all show the same.
    private static func settle(_ devices: [ConformanceDevice], _ lines: [String: Int]) throws {
        for _ in 0..<2 {
            for device in devices { try device.sync() }
        }
        for device in devices { try device.expect(lines) }
    }

    @Sendable private static func alone(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        phone.relay.use(.down)
        try phone.add("latte|milk=oat", 2)
        try phone.add("scone", 1)
        try phone.set("scone", 3)
        try phone.add("tea", 1)
        try phone.remove("tea")
        try phone.expect(["latte|milk=oat": 2, "scone": 3], outbox: 5)
        try phone.sync(expecting: "offline")
        phone.relay.use(.open)
        let tablet = try world.device("tablet", of: customer)
        try settle([phone, tablet], ["latte|milk=oat": 2, "scone": 3])
    }

    @Sendable private static func together(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        let tablet = try world.device("tablet", of: customer)
        try phone.add("latte", 1)
        try settle([phone, tablet], ["latte": 1])
        try phone.add("latte", 2)
        try tablet.add("latte", 4)
        try settle([phone, tablet], ["latte": 7])
    }

    @Sendable private static func unseen(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        let tablet = try world.device("tablet", of: customer)
        try phone.add("latte", 5)
        try settle([phone, tablet], ["latte": 5])
        try phone.remove("latte")
        try tablet.add("latte", 1)
        try settle([phone, tablet], ["latte": 1])
    }

    @Sendable private static func many(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        let tablet = try world.device("tablet", of: customer)
        try phone.add("item-0", 1)
        try settle([phone, tablet], ["item-0": 1])
        var lines = ["item-0": 1]
        for index in 0..<250 {
            try phone.add("item-\(index % 50)", 1)
            lines["item-\(index % 50)", default: 0] += 1
        }
        try phone.expect(lines, outbox: 250)
        try settle([phone, tablet], lines)
    }

    @Sendable private static func lostReply(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        try phone.add("latte", 1)
        phone.relay.use(.repliesLost)
        for _ in 0..<3 { try phone.sync(expecting: "offline") }
        guard phone.relay.lost > 0 else {
            throw ConformanceFault("the phone sent nothing, so that no reply could be lost")
        }
        // What is added meanwhile is another batch.
        try phone.add("latte", 1)
        try phone.sync(expecting: "offline")
        phone.relay.use(.open)
        let tablet = try world.device("tablet", of: customer)
        try settle([phone, tablet], ["latte": 2])
    }

    @Sendable private static func killed(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        try phone.add("latte", 1)
        try phone.restart()
        try phone.expect(["latte": 1], outbox: 1)
        phone.relay.use(.repliesLost)
        try phone.sync(expecting: "offline")
        try phone.restart()
        phone.relay.use(.open)
        try phone.sync()
        try phone.expect(["latte": 1])
        for round in 0..<12 {
            try phone.add("latte", 1)
            try phone.killDuringSync(after: .milliseconds(round * 4))
        }
        let tablet = try world.device("tablet", of: customer)
        try settle([phone, tablet], ["latte": 13])
    }

    @Sendable private static func refused(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer, write: ["cart:*"])
        try phone.add("latte", 1)
        try phone.add("secret", 1, to: "wishlist:other")
        try phone.add("scone", 2)
        try phone.sync()
        try phone.expect(["latte": 1, "scone": 2], refused: ["not_allowed"])
        guard try phone.show("wishlist:other").lines.isEmpty else {
            throw ConformanceFault("the phone still shows what was refused")
        }
        let tablet = try world.device("tablet", of: customer)
        try settle([tablet], ["latte": 1, "scone": 2])
        try phone.restart()
        try phone.expect(["latte": 1, "scone": 2], refused: ["not_allowed"])
    }

    @Sendable private static func copied(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        try phone.add("latte", 1)
        try phone.sync()
        // It is in both outboxes, and counts once.
        try phone.add("scone", 1)
        let copy = try world.copy(phone, as: "copy")
        try phone.add("latte", 1)
        try copy.add("tea", 2)
        try copy.sync()
        try phone.add("latte", 1)
        try settle([phone, copy], ["latte": 3, "scone": 1, "tea": 2])
        try copy.add("tea", 1)
        try phone.add("tea", 1)
        try settle([phone, copy], ["latte": 3, "scone": 1, "tea": 4])
    }

    @Sendable private static func restored(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        let tablet = try world.device("tablet", of: customer)
        try phone.add("latte", 1)
        try settle([phone, tablet], ["latte": 1])
        try world.server.makeBackup(customer)
        try phone.add("latte", 1)
        try tablet.add("scone", 3)
        try settle([phone, tablet], ["latte": 2, "scone": 3])
        try world.server.restore(customer)
        try tablet.add("tea", 1)
        try settle([phone, tablet], ["latte": 2, "scone": 3, "tea": 1])
        let late = try world.device("late", of: customer)
        try settle([late], ["latte": 2, "scone": 3, "tea": 1])
    }

    @Sendable private static func wrongClock(_ world: ConformanceWorld, _ customer: String) throws {
        let year = 365 * 86_400_000
        let ahead = try world.device("ahead", of: customer, clockOffset: 3 * year)
        let behind = try world.device("behind", of: customer, clockOffset: -20 * year)
        try ahead.set("latte", 5)
        try settle([ahead, behind], ["latte": 5])
        try behind.set("latte", 2)
        try settle([ahead, behind], ["latte": 2])
        try ahead.set("latte", 7)
        try settle([ahead, behind], ["latte": 7])
    }

    @Sendable private static func portal(_ world: ConformanceWorld, _ customer: String) throws {
        let phone = try world.device("phone", of: customer)
        try phone.add("latte", 1)
        phone.relay.use(.portal)
        for _ in 0..<2 { try phone.sync(expecting: "offline") }
        try phone.expect(["latte": 1], outbox: 1)
        phone.relay.use(.open)
        try settle([phone], ["latte": 1])
    }
}
