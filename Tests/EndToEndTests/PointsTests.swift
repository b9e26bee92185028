import Foundation
import Testing

/// Points on `tote-sim device` and `tote-sim counter`: real programs, real files.
@Suite(.serialized) struct PointsProgramTests {
    /// What a phone says that begins so.
    private func code(_ prefix: String, _ outcome: SimulatorProgram.Outcome) throws -> String {
        let lines = outcome.out.split(separator: "\n").map(String.init)
        return try #require(lines.last { $0.hasPrefix(prefix) }, "\(outcome)")
    }

    private func world(points: Int) async throws -> CafeWorld {
        let world = try await CafeWorld()
        let given = try await world.operate(
            "ledger", "enter", "demo", "\(points)", "--reference", "g-1", "--reason", "a test")
        #expect(given.exit == 0, "\(given.error)")
        return world
    }

    @Test func `points are reserved, spent without a network and told in the ledger`()
        async throws
    {
        let world = try await world(points: 1_000)
        let phone = try await world.phone(
            "sync", "menu refresh", "points", "cart add croissant 2", "rewards paris-republique",
            "reserve 500", "sync", "expect points 500 here", "net offline",
            "redeem croissant paris-republique", "expect points 300 here",
            "cart add croissant", "expect refused balance_too_low redeem treat paris-republique",
            "expect refused reward_unknown redeem nothing paris-republique", "net wifi", "sync",
            "expect order last placed", "expect entries 1 spend", "order show", "ledger")
        #expect(phone.exit == 0, "\(phone.error)")
        #expect(phone.out.contains("1050 points: 1050 available"), "\(phone.out)")
        #expect(phone.out.contains("croissant  200 points, worth 1.50 EUR"), "\(phone.out)")
        #expect(phone.out.contains("paid with 200 points (croissant)"), "\(phone.out)")
        #expect(phone.out.contains("spend  200 points  order:"), "\(phone.out)")
    }

    @Test func `a counter that is cut off takes a reservation, and says so later`() async throws {
        let world = try await world(points: 1_000)
        let named = try await world.operate("store", "redeemer", CafeWorld.store, world.till)
        #expect(named.exit == 0, "\(named.error)")
        let ready = try await world.counter(
            "expect redeemer ready within 10s", options: ["--redeemer"])
        #expect(ready.exit == 0, "\(ready.error)")
        let phone = try await world.phone(
            "sync", "menu refresh", "reserve 300 at=\(CafeWorld.store)", "sync",
            "expect points 300 elsewhere", "qr last", "qr last text", "qr member text")
        #expect(phone.exit == 0, "\(phone.error)")
        #expect(phone.out.contains("█"), "\(phone.out)")
        let (lease, member) = (try code("TOTE.L1.", phone), try code("TOTE.M1.", phone))
        let counter = try await world.counter(
            "expect redeemer ready within 10s", "net offline",
            "redeem \(lease) croissant price=1.50",
            "expect refused balance_too_low redeem \(lease) small-treat",
            "expect refused code_unknown redeem \(member) small-treat", "expect unsent 1",
            "net wifi", "expect unsent 0 within 10s", "redeem \(member) small-treat",
            "receipt \(member) 12.50 croissant 2 id=r-1", "receipt \(member) 12.50 id=r-1",
            options: ["--redeemer"])
        #expect(counter.exit == 1, "another receipt has this id: \(counter.out)")
        #expect(counter.error.contains("receipt_exists"), "\(counter.error)")
        #expect(counter.out.contains("redeemed: 200 for 1.50 EUR, 100 left"), "\(counter.out)")
        #expect(counter.out.contains("redeemed: 250 for 2.00 EUR"), "\(counter.out)")
        #expect(counter.out.contains("receipt r-1 earned 125"), "\(counter.out)")
        let back = try await world.counter("return receipt r-1")
        #expect(back.exit == 0, "\(back.error)")
        #expect(back.out.contains("12.50 EUR to give back here"), "\(back.out)")
        let after = try await world.phone("sync", "expect points 600", "expect entries 2 spend")
        #expect(after.exit == 0, "\(after.error)")
    }

    @Test func `a counter that is no redeemer says what to do`() async throws {
        let world = try await world(points: 100)
        let counter = try await world.counter(
            "redeemer", "net offline", "expect refused not_redeemer redeem TOTE.L1 treat",
            "expect refused offline receipt TOTE.M1 1.00")
        #expect(counter.exit == 0, "\(counter.error)")
        #expect(counter.out.contains("start with --redeemer"), "\(counter.out)")
    }

    @Test func `an operator sees leases, writes them off, and names one redeemer a store`()
        async throws
    {
        let world = try await world(points: 1_000)
        let named = try await world.operate("store", "redeemer", CafeWorld.store, world.till)
        #expect(named.exit == 0 && named.out.contains("not fetched yet"), "\(named)")
        let other = try await world.operate("store", "redeemer", CafeWorld.store, "tok_0")
        #expect(other.exit == 65 && other.error.contains("valid staff token"), "\(other)")
        let key = try await world.counter(
            "expect redeemer ready within 10s", options: ["--redeemer"])
        #expect(key.exit == 0, "\(key.error)")
        let phone = try await world.phone(
            "sync", "reserve 300", "reserve 200 at=\(CafeWorld.store)", "sync",
            "expect points 300 here")
        #expect(phone.exit == 0, "\(phone.error)")
        let all = try await world.operate("lease", "list")
        #expect(all.exit == 0 && all.out.split(separator: "\n").count == 2, "\(all)")
        let atStore = try await world.operate("lease", "list", "--store", CafeWorld.store)
        #expect(atStore.out.contains("200 of 200"), "\(atStore)")
        let lease = try #require(atStore.out.split(separator: " ").first.map(String.init))
        let silent = try await world.operate("lease", "write-off", lease)
        #expect(silent.exit == 64 && silent.error.contains("--reason"), "\(silent)")
        let missing = try await world.operate(
            "lease", "write-off", String(repeating: "0", count: 32), "--reason", "x")
        #expect(missing.exit == 66, "\(missing)")
        let off = try await world.operate("lease", "write-off", lease, "--reason", "till stolen")
        #expect(off.exit == 0, "\(off)")
        let none = try await world.operate("lease", "list", "--store", CafeWorld.store)
        #expect(none.out.contains("no leases"), "\(none)")
        let lost = try await world.operate(
            "store", "write-off", CafeWorld.store, "--reason", "till stolen")
        #expect(lost.exit == 0, "\(lost)")
        let gone = try await world.operate("store", "redeemer", CafeWorld.store)
        #expect(gone.exit == 66, "\(gone)")
        let shown = try await world.operate("ledger", "show", "demo")
        #expect(shown.out.contains("points  available 750  held 300"), "\(shown)")
        let amount = try await world.operate("ledger", "enter", "demo", "0", "--reference", "r")
        #expect(amount.exit == 64 && amount.error.contains("no amount"), "\(amount)")
        let verified = try await world.operate("verify")
        #expect(verified.exit == 0 && verified.out.contains("ledger entries"), "\(verified)")
    }

    @Test func `a redeemer whose disk was restored takes nothing of what its lost self held`()
        async throws
    {
        let world = try await world(points: 1_000)
        _ = try await world.operate("store", "redeemer", CafeWorld.store, world.till)
        let ready = try await world.counter(
            "expect redeemer ready within 10s", options: ["--redeemer"])
        #expect(ready.exit == 0, "\(ready.error)")
        let phone = try await world.phone(
            "sync", "menu refresh", "reserve 300 at=\(CafeWorld.store)", "sync", "qr last text")
        let lease = try code("TOTE.L1.", phone)
        // The disk of before the redemption comes back; what is kept outside of it does not.
        let disk = try #require(world.redeemerDisk())
        let kept = world.directory.appendingPathComponent("kept")
        try FileManager.default.copyItem(at: disk, to: kept)
        let taken = try await world.counter(
            "net offline", "redeem \(lease) croissant price=1.50", "expect unsent 1",
            options: ["--redeemer"])
        #expect(taken.exit == 0, "\(taken.error)")
        try FileManager.default.removeItem(at: disk)
        try FileManager.default.moveItem(at: kept, to: disk)
        let again = try await world.counter(
            "net offline", "expect redeemer without-key", "net wifi",
            "expect redeemer ready within 10s", "net offline",
            "expect refused lease_not_held redeem \(lease) croissant price=1.50",
            options: ["--redeemer"])
        #expect(again.exit == 0, "\(again.out)\(again.error)")
        // Its points stay blocked until the operator writes the lost one off.
        let held = try await world.operate("ledger", "show", "demo")
        #expect(held.out.contains("held 300"), "\(held)")
        let off = try await world.operate(
            "store", "write-off", CafeWorld.store, "--reason", "disk restored")
        #expect(off.exit == 0, "\(off)")
        let free = try await world.operate("ledger", "show", "demo")
        #expect(free.out.contains("available 1050  held 0"), "\(free)")
    }
}
