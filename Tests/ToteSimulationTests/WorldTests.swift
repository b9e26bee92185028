import Testing
import ToteSimulation

/// How many schedules of each family every test run goes through. A deep run: `tote-sim world
/// --seeds`.
private let schedulesPerFamily: UInt64 = 150

@Test(arguments: WorldOptions.Family.allCases)
func `no schedule of a family loses, doubles or forks anything`(
    family: WorldOptions.Family
) throws {
    for seed in 0..<schedulesPerFamily {
        let world = try World(seed: seed, family: family)
        do {
            try world.run()
        } catch let failure as WorldFailure {
            Issue.record("\(failure)\n\(failure.lines.joined(separator: "\n"))")
            return
        }
    }
}

/// Schedules that once broke a promise, with what they found.
@Test(
    arguments: [
        // A change that a snapshot confirmed before its push was answered was not held.
        (WorldOptions.Family.restores, 12_053),
        // A push that no reply came for, two restores, and a late answer of the first epoch.
        (.restores, 1_863),
        // A late reply of a former epoch gave its ticket to a batch of the present one.
        (.restores, 12_674),
        // A wrong clock of a former boot made a fresh change too old on its way.
        (.lostReplies, 321),
        // A copy that cancelled an order which its twin had placed withdrew its own change instead.
        (.orders, 4_635),
    ] as [(WorldOptions.Family, UInt64)])
func `a schedule that once failed holds`(family: WorldOptions.Family, seed: UInt64) throws {
    #expect(throws: Never.self) { try World(seed: seed, family: family).run() }
}
