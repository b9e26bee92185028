import Testing
import ToteCore

struct OracleTests {
    /// The laws alone would accept a cart that forgets everything. The history would not.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `random histories of several replicas fold to what the history says`(
        block: UInt64
    ) throws {
        for seed in block * 30..<block * 30 + 30 {
            if let fault = runHistory(seed: seed) {
                Issue.record("seed \(seed): \(fault)")
                return
            }
        }
    }

    private func runHistory(seed: UInt64) -> String? {
        var random = SeededGenerator(seed: seed)
        let items: [Name] = ["latte|size=L", "tea"]
        var world = TestWorld(devices: 2 + random.below(3))
        let rejections = random.below(3) * 10
        if random.chance(50) {
            for index in world.devices.indices { world.setSkew(random.below(41) - 20, of: index) }
        }
        for _ in 0..<60 {
            let device = random.below(world.devices.count)
            switch random.below(10) {
            case 0: world.push(device, most: 1 + random.below(3))
            case 1: world.pull(device, most: 1 + random.below(5))
            case 2: world.sync(device)
            default:
                let edit: TestWorld.Edit =
                    switch random.below(8) {
                    case 0, 1, 2: .add(Int64(1 + random.below(2)))
                    case 3, 4: .add(-Int64(1 + random.below(2)))
                    case 5: .set(Int64(random.below(5)))
                    case 6: .remove
                    default: .note("note \(random.below(100))")
                    }
                let agrees = world.edit(
                    edit, item: random.pick(items), on: device,
                    isForbidden: random.chance(rejections))
                if !agrees { return "device \(device): \(edit) wrote where the oracle did not" }
            }
            world.devices[device].view.checkInvariants()
            if let fault = world.disagreement(device, items: items) { return fault }
        }
        world.settle()
        return world.finalFault(items: items)
    }

    /// What one device may do next in the exhaustive run.
    enum Step: CaseIterable { case add, takeAway, set, remove, sync }

    private static func take(_ step: Step, _ device: Int, _ world: inout TestWorld) -> Bool {
        switch step {
        case .add: return world.edit(.add(1), on: device)
        case .takeAway: return world.edit(.add(-1), on: device)
        case .set: return world.edit(.set(Int64(3 + device)), on: device)
        case .remove: return world.edit(.remove, on: device)
        case .sync:
            world.sync(device)
            return true
        }
    }

    private static func explore(
        _ world: TestWorld, depth: Int, path: String, faults: inout [String], leaves: inout Int
    ) {
        if let fault = world.disagreement(0, items: ["latte"])
            ?? world.disagreement(1, items: ["latte"])
        {
            faults.append("\(path): \(fault)")
        }
        guard depth > 0, faults.isEmpty else {
            leaves += 1
            var end = world
            end.settle()
            if let fault = end.finalFault(items: ["latte"]) { faults.append("\(path): \(fault)") }
            return
        }
        for device in 0..<2 {
            for step in Step.allCases {
                var next = world
                guard take(step, device, &next) else {
                    faults.append("\(path) \(device)\(step): who writes is not agreed")
                    return
                }
                explore(
                    next, depth: depth - 1, path: "\(path) \(device)\(step)", faults: &faults,
                    leaves: &leaves)
            }
        }
    }

    @Test(arguments: Step.allCases)
    func `2 devices agree with the history after every 5 steps`(first: Step) {
        var world = TestWorld(devices: 2)
        var faults: [String] = []
        var leaves = 0
        // The devices are each other's mirror: the first step may be device 0's.
        guard Self.take(first, 0, &world) else {
            Issue.record("\(first)")
            return
        }
        Self.explore(world, depth: 4, path: "0\(first)", faults: &faults, leaves: &leaves)
        #expect(faults == [])
        #expect(leaves == 10_000)
    }

    /// Each replica edits once and syncs once; every order of these six, from three starts.
    @Test(arguments: [0, 1, 2])
    func `3 replicas agree with the history in all interleavings of 3 operations`(start: Int) {
        let edits: [TestWorld.Edit] = [.add(1), .add(-1), .set(3), .remove]
        var orders: [[Int]] = []
        func order(_ prefix: [Int]) {
            if prefix.count == 6 { orders.append(prefix) }
            for replica in 0..<3 where prefix.count(where: { $0 == replica }) < 2 {
                order(prefix + [replica])
            }
        }
        order([])
        #expect(orders.count == 90)
        var begin = TestWorld(devices: 3)
        for _ in 0..<start { begin.edit(.add(1), on: 0) }
        begin.settle()
        for choice in 0..<64 {
            let chosen = [edits[choice % 4], edits[choice / 4 % 4], edits[choice / 16]]
            for order in orders {
                var world = begin
                var hasEdited = [false, false, false]
                for replica in order {
                    if hasEdited[replica] {
                        world.sync(replica)
                    } else {
                        hasEdited[replica] = true
                        guard world.edit(chosen[replica], on: replica) else {
                            Issue.record("\(start) \(chosen) \(order)")
                            return
                        }
                    }
                }
                world.settle()
                if let fault = world.finalFault(items: ["latte"]) {
                    Issue.record("start \(start), \(chosen) in order \(order): \(fault)")
                    return
                }
            }
        }
    }
}
