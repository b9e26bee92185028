/// How a day goes: drawn from the seed first (a swarm: some faults off, some wild), then narrowed
/// by whoever asks for less.
package struct DayOptions: Sendable, Hashable {
    /// Customers, each with a space of its own.
    package var customers = 2
    /// Devices of each at the start.
    package var devicesEach = 2
    /// How long everything may fail, in seconds.
    package var seconds: UInt64 = 1_800
    /// Milliseconds between two acts of one device's user, on average.
    package var actMilliseconds: UInt64 = 20_000
    /// Milliseconds from what a device's user did last until the app is put away, and syncs no
    /// more before it is taken out again; `nil` for never.
    package var openMilliseconds: UInt64?
    /// How often each fault strikes: of 1,000 messages, or of 1,000 looks at a device or the
    /// server. One that is not here never does.
    package var rates: [Fault: Int] = [:]
    /// Single events that do not come about, see `Day.events`.
    package var skipped: Set<String> = []
    /// Milliseconds between two looks: about as often as users act, so that a long day of few acts
    /// is not one of faults alone.
    var lookMilliseconds: UInt64 { max(15_000, actMilliseconds / 2) }
    /// How often a fault strikes that was asked for, and that the seed leaves out.
    private static let onlyRate = 60

    /// Fewer than the seed says: what shrinking tries.
    package struct Limits: Sendable, Hashable {
        package var without: Set<Fault> = []
        /// The only faults that strike, and they do, whatever the seed says; `nil` for all.
        package var only: Set<Fault>?
        package var customers: Int?
        package var devicesEach: Int?
        package var seconds: UInt64?
        /// More of the same: a long day of many. Replaces what the seed says.
        package var actMilliseconds: UInt64?
        package var openMilliseconds: UInt64?
        /// Single events that are left out, by their names in `Day.events`.
        package var skipped: Set<String> = []

        package init() {}
    }

    /// Draws the options of a seed.
    package init(seed: UInt64, limits: Limits = Limits()) {
        var random = SeededGenerator(seed: seed ^ 0x0DA1)
        customers = 1 + random.below(3)
        devicesEach = 1 + random.below(3)
        seconds = UInt64(300 + random.below(4) * 600)
        actMilliseconds = UInt64(4_000 + random.below(4) * 8_000)
        // Drawn for every fault in the same order, so that leaving one out changes no other.
        for fault in Fault.allCases {
            let (isOn, isWild) = (random.chance(45), random.chance(25))
            let rate = 5 + random.below(isWild ? 250 : 60)
            if isOn { rates[fault] = rate }
        }
        // A copied device *and* a restored server: a name may then stand for two changes, and what
        // one of the copies erased may come back (Protocol §6.4). Here it is either.
        if random.chance(50) {
            rates[.restored] = nil
        } else {
            (rates[.copied], rates[.rolledBack]) = (nil, nil)
        }
        if !random.chance(40) { for fault in Fault.ofDisks { rates[fault] = nil } }
        if random.chance(30) { openMilliseconds = UInt64(2_000 + random.below(40_000)) }
        narrow(limits)
    }

    /// Whether what devices and the server keep is on disks that fail, rather than in memory.
    var hasDisks: Bool { rates.keys.contains(where: Fault.ofDisks.contains) }

    private mutating func narrow(_ limits: Limits) {
        if let only = limits.only {
            rates = rates.filter { only.contains($0.key) }
            for fault in only where rates[fault] == nil { rates[fault] = Self.onlyRate }
        }
        for fault in limits.without { rates[fault] = nil }
        customers = limits.customers ?? customers
        devicesEach = limits.devicesEach ?? devicesEach
        seconds = limits.seconds ?? seconds
        actMilliseconds = limits.actMilliseconds ?? actMilliseconds
        openMilliseconds = limits.openMilliseconds ?? openMilliseconds
        skipped = limits.skipped
    }
}
