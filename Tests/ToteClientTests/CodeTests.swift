import Synchronization
import Testing
import ToteClient
import ToteTesting
import ToteCore

/// Codes that a phone shows, and what a till that is in touch makes of them.
@Suite(.timeLimit(.minutes(5))) struct CodeTests {
    private func receipt(_ id: String, _ code: String) -> String {
        """
        {"receipt":"\(id)","code":"\(code)","currency":"EUR","total":1250,
        "lines":[{"sku":"tea","quantity":4,"amount":1250}]}
        """
    }

    @Test func `a member code is recognised at the till, also of a phone without a network`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.member()
        await bed.server.setDown(true)
        bed.clock.advance(by: .seconds(3_600))
        let code = try #require(await tote.memberCode())
        let answer = try await bed.server.counter("receipts", receipt("r-1", code.text))
        #expect(answer.status == 201 && answer.value["earned"] == .int(12))
        bed.clock.advance(by: .seconds(300))
        let late = try await bed.server.counter("receipts", receipt("r-2", code.text))
        #expect(late.status == 422 && late.value["code"] == .text("code_expired"))
        let fresh = try #require(await tote.memberCode())
        #expect(fresh != code)
        let altered = String(fresh.text.dropLast()) + (fresh.text.hasSuffix("0") ? "1" : "0")
        let forged = try await bed.server.counter("receipts", receipt("r-3", altered))
        #expect(forged.value["code"] == .text("code_unknown"))
        await bed.server.setDown(false)
        _ = try await tote.syncOnce()
        #expect(await tote.points.total == 1_012)
        #expect(await tote.ledger.first?.source == "receipt:s-1:r-1")
    }

    @Test func `a code tells the time by the server, not by the wall clock`() async throws {
        let bed = try TestBed()
        let tote = try await bed.member()
        bed.clock.wallSkewMilliseconds = 3 * 365 * 86_400_000
        let code = try #require(await tote.memberCode())
        let body = "{\"code\":\"\(code.text)\",\"currency\":\"EUR\",\"reward\":\"two-off\"}"
        let answer = try await bed.server.counter("redemptions", body)
        #expect(answer.status == 200 && answer.value["value"] == .int(200))
        _ = try await tote.syncOnce()
        #expect(await tote.points.total == 850)
    }

    @Test func `nobody has a code before the first sync`() async throws {
        let bed = try TestBed()
        let guest = try bed.open()
        #expect(await guest.memberCode() == nil)
        #expect(await guest.points.total == 0)
        await #expect(throws: ToteError.self) {
            try await guest.release(LeaseID(high: 1, low: 2))
        }
        #expect(await guest.leaseCode(LeaseID(high: 1, low: 2)) == nil)
    }

    @Test func `a store's reservation is known by its code at the till in touch, too`()
        async throws
    {
        let bed = try TestBed()
        let tote = try await bed.member()
        let till = try await bed.redeemer()
        let lease = try await tote.reserved(300, at: "s-1")
        let code = try #require(await tote.leaseCode(lease))
        let body = "{\"code\":\"\(code.text)\",\"currency\":\"EUR\",\"reward\":\"two-off\"}"
        #expect(try await bed.server.counter("redemptions", body).status == 200)
        await #expect { try await tote.release(lease) } throws: {
            ToteError.code(of: $0) == "lease_not_held"
        }
        await till.close()
    }
}
