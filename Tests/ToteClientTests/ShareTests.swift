import Foundation
import Testing
import ToteClient
import ToteTesting
import ToteCore

/// Lists and totes that several share, on their devices.
@Suite(.timeLimit(.minutes(5))) struct ShareTests {
    private let bed: TestBed

    init() throws { bed = try TestBed() }

    @Test func `who is removed keeps nothing, at the next contact`() async throws {
        let ada = try await bed.device("ada", "ada")
        let ben = try await bed.device("ben", "ben")
        let list = try await ada.makeList(title: "Surprise")
        _ = try await list.cart.add("quince-jam")
        #expect(try await list.syncOnce().isComplete)
        let invitation = try await list.invite(as: .editor)
        let theirs = try await ben.joinShare(try #require(invitation.code))
        #expect(try await theirs.syncOnce().isComplete)
        #expect(await theirs.cart.value.quantity("quince-jam") == 1)
        #expect(try bed.isOn("ben", "quince-jam"))
        _ = try await theirs.cart.add("unsent-thing")
        _ = try await list.syncOnce()
        let member = try #require(await list.members.first { !$0.isSelf })
        #expect(member.role == .editor)
        try await list.setRole(of: member.id, to: nil)
        #expect(await refusal { try await theirs.syncOnce() } == "not_found")
        #expect(try !bed.isOn("ben", "quince-jam") && !bed.isOn("ben", "unsent-thing"))
        #expect(await ben.shares == [])
        #expect(await ben.endedShares.map(\.id) == [list.id])
        #expect(await ben.endedShares.map(\.lostCount) == [1])
        #expect(await refusal { try await ben.joinShare(invitation.link) } == "invitation_taken")
    }

    @Test func `a tote is gone when its day is over, without a network, also after a restart`()
        async throws
    {
        let secret = try await bed.server.staff()
        let token: TokenProvider = { AccessToken(secret) }
        let tablet = try bed.open("tablet")
        let tote = try await tablet.makeTote(at: "s-1", transport: bed.server, token: token)
        _ = try await tote.cart.add("quince-jam")
        #expect(try await tote.syncOnce().isComplete)
        await bed.server.setDown(true)
        bed.clock.advance(by: .seconds(86_399))
        #expect(await tablet.shares.map(\.id) == [tote.id])
        await tablet.close()
        bed.clock.advance(by: .seconds(2))
        let again = try bed.open("tablet")
        #expect(await again.shares == [])
        #expect(try !bed.isOn("tablet", "quince-jam"))
        #expect(
            await refusal {
                try await again.openShare(
                    tote.id, at: "s-1", transport: bed.server, token: token)
            } == "not_found")
    }

    @Test func `a restored server makes no device lose a share, open or not`() async throws {
        let ada = try await bed.device("ada", "ada")
        let ben = try await bed.device("ben", "ben")
        let list = try await ada.makeList()
        #expect(try await list.syncOnce().isComplete)
        _ = try await ben.syncOnce()
        let backup = try await bed.server.backup()
        let invitation = try await list.invite(as: .editor)
        let joined = try await ben.joinShare(try #require(invitation.code))
        _ = try await joined.cart.add("quince-jam")
        #expect(try await joined.syncOnce().isComplete)
        _ = try await joined.cart.add("unsent-thing")
        #expect(try await ben.syncOnce().isComplete)
        await ben.close()
        try await bed.server.restore(backup)

        // Only the account is synced: its documents know nothing of the share any more.
        let again = try bed.open("ben")
        try await bed.signIn(again, "ben")
        for _ in 0..<3 { _ = try? await bed.passing { try await again.syncOnce() } }
        #expect(await again.shares.map(\.id) == [list.id])
        let kept = try await again.openShare(list.id)
        _ = try? await bed.passing { try await kept.syncOnce(deadline: .seconds(1)) }
        #expect(await kept.cart.value.quantity("quince-jam") == 1)
        #expect(await kept.cart.value.quantity("unsent-thing") == 1)

        _ = try await list.syncOnce()
        let anew = try await list.invite(as: .editor)
        let back = try await again.joinShare(anew.link)
        #expect(try await back.syncOnce().isComplete)
        #expect(try await list.syncOnce().isComplete)
        #expect(await list.cart.value.quantity("quince-jam") == 1)
        #expect(await list.cart.value.quantity("unsent-thing") == 1)
        // And who is removed then, is.
        let member = try #require(await list.members.first { !$0.isSelf })
        try await list.setRole(of: member.id, to: nil)
        #expect(await refusal { try await back.syncOnce() } == "not_found")
        #expect(try !bed.isOn("ben", "quince-jam"))
    }

    @Test func `what is refused for another reason is kept, and tried again`() async throws {
        let ada = try await bed.device("ada", "ada")
        for _ in 0..<100 { #expect(try await ada.makeList().syncOnce().isComplete) }
        let list = try await ada.makeList()
        _ = try await list.cart.add("quince-jam")
        let report = try? await bed.passing { try await list.syncOnce(deadline: .seconds(1)) }
        #expect(report?.isComplete != true)
        #expect(await list.cart.value.quantity("quince-jam") == 1)
        #expect(await ada.shares.count == 101)
        let first = try #require(await ada.shares.first { $0.id != list.id })
        try await ada.openShare(first.id).leave()
        #expect(try await list.syncOnce().isComplete)
    }

    @Test func `a tablet that gets another token keeps its tote, and goes on by a new invitation`()
        async throws
    {
        let tablet = try bed.open("tablet")
        let first = try await bed.server.staff()
        let tote = try await tablet.makeTote(at: "s-1", transport: bed.server) {
            AccessToken(first)
        }
        #expect(try await tote.syncOnce().isComplete)
        let ada = try await bed.device("ada", "ada")
        let owner = try await ada.joinShare(try await tote.invite(as: .owner).link)
        _ = try await tote.cart.add("quince-jam")
        let second = try await bed.server.staff()
        let again = try await tablet.openShare(tote.id, at: "s-1", transport: bed.server) {
            AccessToken(second)
        }
        let report = try? await bed.passing { try await again.syncOnce(deadline: .seconds(1)) }
        #expect(report?.isComplete != true)
        #expect(await again.cart.value.quantity("quince-jam") == 1)
        let code = try #require(try await owner.invite(as: .editor).code)
        let joined = try await tablet.joinShare(code, at: "s-1", transport: bed.server) {
            AccessToken(second)
        }
        #expect(try await joined.syncOnce().isComplete)
        #expect(try await owner.syncOnce().isComplete)
        #expect(await owner.cart.value.quantity("quince-jam") == 1)
    }

    @Test func `nothing is answered as saved in what is removed`() async throws {
        let ada = try await bed.device("ada", "ada")
        let list = try await ada.makeList()
        #expect(try await list.syncOnce().isComplete)
        try await list.leave()
        #expect(await refusal { try await list.cart.add("tea") } == "storage")
        #expect(await refusal { try await ada.openShare(list.id) } == "not_found")
        // A customer who cannot tell the server stays a member, and keeps what there is.
        let other = try await ada.makeList()
        _ = try await other.cart.add("quince-jam")
        #expect(try await other.syncOnce().isComplete)
        await bed.server.setDown(true)
        #expect(await refusal { try await other.leave(deadline: .milliseconds(1)) } == "server")
        #expect(await other.cart.value.quantity("quince-jam") == 1)
    }

    @Test func `many who open one share at once get the same`() async throws {
        let ada = try await bed.device("ada", "ada")
        let list = try await ada.makeList()
        _ = try await list.cart.add("tea")
        try await ada.signOut()
        try await bed.signIn(ada, "ada")
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let share = try await ada.openShare(list.id)
                    _ = try await share.cart.add("tea")
                    return await share.cart.value.quantity("tea")
                }
            }
            for try await quantity in group { #expect(quantity > 1) }
        }
        #expect(try await ada.openShare(list.id).cart.value.quantity("tea") == 17)
    }

    @Test func `what signs out stays, what is erased takes its shares along`() async throws {
        let ada = try await bed.device("ada", "ada")
        let list = try await ada.makeList()
        _ = try await list.cart.add("quince-jam")
        try await ada.signOut()
        #expect(await ada.shares == [])
        #expect(await refusal { try await ada.openShare(list.id) } == "signed_out")
        try await bed.signIn(ada, "ada")
        let opened = try await ada.openShare(list.id)
        #expect(await opened.cart.value.quantity("quince-jam") == 1)
        #expect(try await opened.syncOnce().isComplete)
        try await bed.signIn(ada, "ben")
        #expect(await refusal { try await ada.openShare(list.id) } == "not_found")
        try await bed.signIn(ada, "ada")
        try await ada.eraseAccount()
        #expect(try !bed.isOn("ada", "quince-jam"))
    }
}
