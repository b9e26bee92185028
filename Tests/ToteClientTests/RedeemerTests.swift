import Foundation
import Testing
import ToteClient
import ToteTesting
import ToteCore

/// A counter that is cut off and takes its customers' reservations.
@Suite(.timeLimit(.minutes(5))) struct RedeemerTests {
    /// A customer with a reservation at the store, and the store's counter; both cut off.
    private func cutOff(
        _ bed: TestBed, units: Int64 = 300, of account: AccountName = .points
    ) async throws -> (tote: Tote, till: Redeemer, lease: LeaseID) {
        let tote = try await bed.member(card: 2_000)
        let till = try await bed.redeemer()
        let lease = try await tote.reserved(units, of: account, at: "s-1")
        await bed.server.setDown(true)
        return (tote, till, lease)
    }

    private func code(_ tote: Tote, _ lease: LeaseID) async throws -> String {
        try #require(await tote.leaseCode(lease)).text
    }

    private func refusal(
        _ till: Redeemer, _ code: String, _ what: RedeemedFor
    ) async throws -> String? {
        do {
            _ = try await till.redeem(code, for: what)
            return nil
        } catch {
            return ToteError.code(of: error)
        }
    }

    @Test func `rewards are taken offline up to the reservation, and booked later`() async throws {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        let code = try await code(tote, lease)
        let taken = try await till.redeem(code, for: .reward("free-tea", price: 300))
        #expect(taken.units == 100 && taken.value == 300 && taken.left == 200)
        #expect(taken.account == .points && taken.reward == "free-tea")
        #expect(try await till.redeem(code, for: .reward("two-off")).left == 50)
        #expect(try await refusal(till, code, .reward("free-tea", price: 300)) == "balance_too_low")
        #expect(await till.unsentCount == 2)
        await bed.server.setDown(false)
        #expect(try await till.syncOnce().isComplete)
        #expect(try await till.settled(taken.receipt).state == .accepted)
        _ = try await tote.syncOnce()
        #expect(await tote.points.total == 750)
        #expect(await tote.points.heldElsewhere[0].units == 50)
        let source = await tote.ledger.first { $0.kind == .spend && $0.units == 100 }?.source
        #expect(source == "redemption:\(taken.id)")
        #expect(try await bed.server.ledgerFaults() == [])
    }

    @Test func `stored value is taken offline`() async throws {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed, units: 1_000, of: .card("EUR"))
        let code = try await code(tote, lease)
        #expect(try await refusal(till, code, .amount(1_001)) == "balance_too_low")
        #expect(try await till.redeem(code, for: .amount(999)).left == 1)
        #expect(try await refusal(till, code, .amount(2)) == "balance_too_low")
        #expect(try await refusal(till, code, .reward("two-off")) == "reward_unknown")
        await bed.server.setDown(false)
        #expect(try await till.syncOnce().isComplete)
        _ = try await tote.syncOnce()
        #expect(await tote.card("EUR").total == 1_001)
        #expect(try await bed.server.ledgerFaults() == [])
    }

    @Test func `codes that are old, altered, of another store or of no lease are refused`()
        async throws
    {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        let text = try await code(tote, lease)
        let what = RedeemedFor.reward("two-off")
        #expect(try await refusal(till, text, .amount(5)) == "currency_mismatch")
        #expect(try await refusal(till, text, .reward("free-tea")) == "reward_unknown")
        #expect(try await refusal(till, text, .reward("nothing")) == "reward_unknown")
        #expect(try await refusal(till, "TOTE.X", what) == "code_unknown")
        let member = try #require(await tote.memberCode()).text
        #expect(try await refusal(till, member, what) == "code_unknown")
        // Every character changed by itself, the whole of it under the code.
        for index in text.indices where text[index] != "." && text[index] != ":" {
            var altered = text
            altered.replaceSubrange(index...index, with: text[index] == "7" ? "8" : "7")
            #expect(try await refusal(till, altered, what) != nil, "\(altered) was taken")
        }
        let certificate = try #require(LeaseCode(text)).certificate
        let foreign = LeaseCode(
            certificate, secret: certificate.secret(storeKey: [UInt8](repeating: 7, count: 32)),
            at: bed.clock.milliseconds)
        #expect(try await refusal(till, foreign.text, what) == "code_unknown")
        bed.clock.advance(by: .seconds(150))
        #expect(try await refusal(till, text, what) == "code_expired")
        let fresh = try await code(tote, lease)
        #expect(try await refusal(till, fresh, what) == nil)
    }

    @Test func `what is taken is durable before it returns`() async throws {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        let taken = try await till.redeem(try await code(tote, lease), for: .reward("two-off"))
        // The files as they are at this moment, as a kill would leave them.
        try bed.copy("till", to: "killed")
        try FileManager.default.copyItem(
            atPath: bed.directory("till") + ".incarnation",
            toPath: bed.directory("killed") + ".incarnation")
        for suffix in ["-wal", "-shm"] {
            let path = bed.directory("till") + ".incarnation" + suffix
            if FileManager.default.fileExists(atPath: path) {
                try FileManager.default.copyItem(
                    atPath: path, toPath: bed.directory("killed") + ".incarnation" + suffix)
            }
        }
        let incarnation = await till.incarnation
        await till.close()
        let again = try await Redeemer(
            directory: bed.directory("killed"), store: "s-1", clock: bed.clock.device())
        #expect(await again.incarnation == incarnation)
        #expect(await again.isEnrolled)
        #expect(await again.receipts.map(\.id).contains(taken.receipt))
        let code = try await code(tote, lease)
        #expect(try await refusal(again, code, .reward("two-off")) == nil)
        #expect(try await refusal(again, code, .reward("two-off")) == "balance_too_low")
        await again.close()
    }

    @Test func `a restored directory takes nothing of earlier reservations`() async throws {
        let bed = try TestBed()
        let token = try await bed.server.nameRedeemer()
        let tote = try await bed.member()
        var till = try await bed.redeemer(token: token)
        let former = await till.incarnation
        let lease = try await tote.reserved(300, at: "s-1")
        await till.close()
        try bed.copy("till", to: "backup")
        till = try await Redeemer(
            directory: bed.directory("till"), store: "s-1", clock: bed.clock.device())
        _ = try await till.redeem(try await code(tote, lease), for: .reward("two-off"))
        await till.close()
        try bed.copy("backup", to: "till")
        till = try await Redeemer(
            directory: bed.directory("till"), store: "s-1", clock: bed.clock.device())
        #expect(await till.incarnation != former)
        let text = try await code(tote, lease)
        #expect(try await refusal(till, text, .reward("two-off")) == "not_redeemer")
        try await till.connect(transport: bed.server) { AccessToken(token) }
        try await till.syncOnce()
        try await till.enrol()
        #expect(try await refusal(till, text, .reward("two-off")) == "lease_not_held")
        // Its watermark frees nothing of the former one: only a write-off does.
        bed.clock.advance(by: .seconds(80 * 3_600))
        try await till.syncOnce()
        try await till.promiseWatermark()
        #expect(try await till.syncOnce().isComplete)
        _ = try await tote.syncOnce()
        #expect(await tote.points.heldElsewhere.map(\.units) == [300])
        // A new reservation is taken, under a new id.
        let refused = try await tote.reserve(100, at: "s-1")
        _ = try await tote.syncOnce()
        #expect(try await tote.settled(refused.receipt).state.code == "lease_not_held")
        let other = try await tote.reserved(200, at: "s-1")
        #expect(other != lease)
        let fresh = try await code(tote, other)
        #expect(try await refusal(till, fresh, .reward("two-off")) == nil)
        await till.close()
    }

    /// What was given back or promised frees the customer's units: a file that does not know of it
    /// would take them a second time.
    @Test(arguments: [true, false])
    func `a directory of before a return or a promise is noticed`(isReturn: Bool) async throws {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        let text = try await code(tote, lease)
        _ = try await till.redeem(text, for: .reward("two-off"))
        let former = await till.incarnation
        await till.close()
        try bed.copy("till", to: "backup")
        let again = try await Redeemer(
            directory: bed.directory("till"), store: "s-1", clock: bed.clock.device())
        if isReturn {
            try await again.release(lease)
        } else {
            #expect(try await again.promiseWatermark() != nil)
        }
        await again.close()
        try bed.copy("backup", to: "till")
        let restored = try await Redeemer(
            directory: bed.directory("till"), store: "s-1", clock: bed.clock.device())
        #expect(await restored.incarnation != former)
        #expect(try await refusal(restored, text, .reward("two-off")) == "not_redeemer")
        await restored.close()
    }

    @Test func `a copy of a redeemer on another machine is another incarnation`() async throws {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        let incarnation = await till.incarnation
        await till.close()
        try bed.copy("till", to: "thief")
        let thief = try await Redeemer(
            directory: bed.directory("thief"), store: "s-1", clock: bed.clock.device())
        #expect(await thief.incarnation != incarnation)
        let text = try await code(tote, lease)
        #expect(try await refusal(thief, text, .reward("two-off")) == "not_redeemer")
        await thief.close()
    }

    @Test func `a watermark frees what has ended, after all that was taken`() async throws {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        _ = try await till.redeem(try await code(tote, lease), for: .reward("two-off"))
        bed.clock.advance(by: .seconds(73 * 3_600))
        await bed.server.setDown(false)
        #expect(try await till.syncOnce().isComplete)
        _ = try await tote.syncOnce()
        #expect(await tote.points.heldElsewhere.map(\.units) == [150])
        try await till.promiseWatermark()
        #expect(try await till.promiseWatermark() == nil, "the same moment is promised once")
        #expect(try await till.syncOnce().isComplete)
        _ = try await tote.syncOnce()
        #expect(await tote.points.heldElsewhere.isEmpty)
        #expect(await tote.points.available == 850)
        #expect(await till.receipts.allSatisfy { $0.state == .accepted })
        #expect(try await bed.server.ledgerFaults() == [])
    }

    @Test func `a lease that has ended is refused, near its end and below the watermark`()
        async throws
    {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        bed.clock.advance(by: .seconds(72 * 3_600 - 90))
        let text = try await code(tote, lease)
        #expect(try await refusal(till, text, .reward("two-off")) == "lease_expired")
    }

    @Test func `a counter gives a reservation back and takes nothing of it any more`()
        async throws
    {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        let text = try await code(tote, lease)
        _ = try await till.redeem(text, for: .reward("two-off"))
        try await till.release(lease)
        #expect(try await refusal(till, text, .reward("two-off")) == "lease_expired")
        await bed.server.setDown(false)
        #expect(try await till.syncOnce().isComplete)
        _ = try await tote.syncOnce()
        #expect(await tote.points.available == 850)
        #expect(try await bed.server.ledgerFaults() == [])
    }

    @Test func `a lost reply books a redemption once`() async throws {
        let bed = try TestBed()
        let (tote, till, lease) = try await cutOff(bed)
        _ = try await till.redeem(try await code(tote, lease), for: .reward("two-off"))
        await bed.server.setDown(false)
        await bed.server.fail(.lost, .replyLost)
        await till.start()
        for _ in 0..<2 {
            while await !till.status.isOffline { try await Task.sleep(for: .milliseconds(2)) }
            await till.networkMayBeBack()
        }
        for receipt in await till.receipts { _ = try await till.settled(receipt.id) }
        _ = try await tote.syncOnce()
        #expect(await tote.points.total == 850)
        #expect(try await bed.server.ledgerFaults() == [])
        await till.close()
    }

    @Test func `another device of the store is not its redeemer`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        _ = try await bed.server.nameRedeemer()
        let (_, secret) = try await bed.server.mintStaff()
        let other = try await Redeemer(
            directory: bed.directory("other"), store: "s-1", clock: bed.clock.device())
        try await other.connect(transport: bed.server) { AccessToken(secret) }
        try await other.syncOnce()
        await #expect { try await other.enrol() } throws: {
            ToteError.code(of: $0) == "not_redeemer"
        }
        #expect(await !other.isEnrolled)
        await other.close()
        await tote.close()
    }

    @Test func `live sync fetches the key and promises by itself`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        let secret = try await bed.server.nameRedeemer()
        let till = try await Redeemer(
            directory: bed.directory("till"), store: "s-1", clock: bed.clock.device())
        try await till.connect(transport: bed.server) { AccessToken(secret) }
        await till.start()
        while await !till.isEnrolled { try await Task.sleep(for: .milliseconds(5)) }
        _ = try await tote.reserved(100, at: "s-1")
        await till.close()
    }
}
