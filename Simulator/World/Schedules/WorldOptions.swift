/// What may go wrong in a world, and how often: rates in hundredths of the steps or messages.
package struct WorldOptions: Sendable, Hashable {
    package var devices = 3
    package var steps = 60
    package var lostRequests = 0
    package var lostReplies = 0
    package var duplicates = 0
    package var kills = 0
    /// Edits into a collection that the token may not write: they are rejected.
    package var forbiddenEdits = 0
    package var clones = 0
    package var rollbacks = 0
    package var backups = 0
    package var restores = 0
    /// Devices' wall clocks may be off by up to ±10 years, and jump.
    package var wildClocks = false
    /// Advances time beyond the horizon now and then.
    package var horizonJumps = 0
    package var withdrawals = 0
    /// Steps in which somebody orders, cancels, cooks or hands over.
    package var orders = 0
    /// Steps in which somebody reserves, spends, redeems or gives points.
    package var points = 0
    /// The till's disk may go back to an image of before.
    package var tillRollbacks = 0

    package init() {}

    /// The families of schedules that must hold for any seed, and all of them together.
    package enum Family: String, CaseIterable, Sendable {
        case lostReplies = "lost-replies"
        case clones
        case restores
        case orders
        case points
        case everything
    }

    /// Draws the options from the seed first: some faults off, some wild.
    package init(family: Family, generator: inout SeededGenerator) {
        devices = 2 + generator.below(3)
        steps = 30 + generator.below(60)
        lostRequests = generator.below(3) * 10
        lostReplies = 10 + generator.below(4) * 15
        duplicates = generator.below(3) * 10
        kills = generator.below(3) * 4
        withdrawals = generator.below(2) * 3
        wildClocks = generator.chance(40)
        switch family {
        case .lostReplies:
            forbiddenEdits = 5 + generator.below(3) * 10
            horizonJumps = generator.below(2) * 2
        case .clones:
            clones = 3 + generator.below(3) * 3
            rollbacks = 2 + generator.below(3) * 3
            forbiddenEdits = generator.below(2) * 10
        case .restores:
            backups = 6
            restores = 2 + generator.below(3) * 2
            forbiddenEdits = generator.below(2) * 10
        case .orders:
            steps += 40
            orders = 30 + generator.below(3) * 10
            clones = generator.below(2) * 3
            if generator.chance(25) {
                clones = 0
                backups = 6
                restores = 2
            }
        case .points:
            devices = 2 + generator.below(2)
            wildClocks = generator.chance(15)
            withdrawals = 0
            steps = 30 + generator.below(40)
            orders = 30
            points = 55
            tillRollbacks = generator.below(2)
            clones = generator.below(3)
            rollbacks = generator.below(2) * clones
            if generator.chance(20) {
                (clones, rollbacks, tillRollbacks) = (0, 0, 0)
                backups = 5
                restores = 2
            }
        case .everything:
            forbiddenEdits = generator.below(3) * 10
            horizonJumps = generator.below(2)
            // A copied device *and* a restored server: a name may then stand for two changes, and
            // what one of the copies erased may come back. Protocol §6.4 states this residual; here
            // it is either.
            if generator.chance(50) {
                backups = 6
                restores = generator.below(3) * 2
            } else {
                clones = generator.below(3) * 3
                rollbacks = generator.below(3) * 3
            }
        }
    }
}
