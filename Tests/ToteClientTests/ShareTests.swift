import Foundation
import Testing
import ToteClient
import ToteTesting
import ToteCore

/// Lists and totes that several share, on their devices.
@Suite(.timeLimit(.minutes(5))) struct ShareTests {
    private let bed: TestBed

    init() throws { bed = try TestBed() }

    /// Whether any file of a device holds these bytes.
    private func isOn(_ device: String, _ text: String) throws -> Bool {
        let root = bed.directory(device)
        return try FileManager.default.subpathsOfDirectory(atPath: root).contains { name in
            var isFolder: ObjCBool = false
            let path = root + "/" + name
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
                !isFolder.boolValue
            else { return false }
            return try Data(contentsOf: URL(filePath: path)).range(of: Data(text.utf8)) != nil
        }
    }

    private func refusal<Result>(_ body: () async throws -> Result) async -> String? {
        do {
            _ = try await body()
            return nil
        } catch let error as ToteError {
            return error.rejection?.code ?? error.code.rawValue
        } catch {
            return "\(error)"
        }
    }

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
        #expect(try isOn("ben", "quince-jam"))
        _ = try await theirs.cart.add("unsent-thing")
        _ = try await list.syncOnce()
        let member = try #require(await list.members.first { !$0.isSelf })
        #expect(member.role == .editor)
        try await list.setRole(of: member.id, to: nil)
        #expect(await refusal { try await theirs.syncOnce() } == "not_found")
        #expect(try !isOn("ben", "quince-jam") && !isOn("ben", "unsent-thing"))
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
        #expect(try !isOn("tablet", "quince-jam"))
        #expect(
            await refusal {
                try await again.openShare(
                    tote.id, at: "s-1", transport: bed.server, token: token)
            } == "not_found")
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
        #expect(try !isOn("ada", "quince-jam"))
    }
}
