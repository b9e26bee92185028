import Testing
import ToteSimulation

/// How many schedules of each family every test run goes through. A deep run: `tote-sim world
/// --seeds`.
private let schedulesPerFamily: UInt64 = 250

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
