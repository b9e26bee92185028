import Foundation
import Synchronization
import Testing
import ToteClient
import ToteSQLite
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

    @Test func `a share shows the role that its member has now`() async throws {
        let ada = try await bed.device("ada", "ada")
        let ben = try await bed.device("ben", "ben")
        let list = try await ada.makeList()
        #expect(try await list.syncOnce().isComplete)
        let joined = try await ben.joinShare(try await list.invite(as: .editor).link)
        #expect(try await joined.syncOnce().isComplete)
        #expect(await ben.shares.map(\.role) == [.editor])
        _ = try await list.syncOnce()
        let member = try #require(await list.members.first { !$0.isSelf })
        try await list.setRole(of: member.id, to: .viewer)
        #expect(try await ben.syncOnce().isComplete)
        #expect(await ben.shares.map(\.role) == [.viewer])
        // And who only looks is told so, where they write.
        #expect(try await joined.syncOnce().isComplete)
        #expect(await refusal { try await joined.cart.add("tea") } == "not_allowed")
        try await list.setRole(of: member.id, to: .editor)
        #expect(try await joined.syncOnce().isComplete)
        _ = try await joined.cart.add("tea")
        #expect(try await joined.syncOnce().unsentCount == 0)
    }

    @Test func `what is ordered of a tote is what was found, and says where it came from`()
        async throws
    {
        let ada = try await bed.device("ada", "ada")
        let list = try await ada.makeList()
        for sku in ["tea", "latte", "scone", "bun"] {
            _ = try await list.cart.add(sku, quantity: 2)
        }
        _ = try await list.cart.setPick(.gathered, of: "tea")
        _ = try await list.cart.setPick(.missing, of: "latte")
        _ = try await list.cart.setPick(.substituted(LineName("bun")), of: "scone")
        _ = try await list.add(to: ada.cart())
        let lines = await ada.cart().value.lines
        #expect(lines.map(\.sku) == ["bun", "tea"] && lines.map(\.quantity) == [4, 2])
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

    @Test func `a store's device is told of what nobody opens there, also while a cart is joined`()
        async throws
    {
        let secret = try await bed.server.staff()
        let token: TokenProvider = { AccessToken(secret) }
        let tablet = try bed.open("tablet")
        var totes: [SharedSpace] = []
        for sku in ["quince-jam", "plum-jam", "fig-jam"] {
            let tote = try await tablet.makeTote(at: "s-1", transport: bed.server, token: token)
            _ = try await tote.cart.add(sku)
            #expect(try await tote.syncOnce().isComplete)
            totes.append(tote)
        }
        let ada = try await bed.device("ada", "ada")
        var hers: [SharedSpace] = []
        for tote in totes.prefix(2) {
            let link = try await tote.invite(as: .owner).link
            hers.append(try await ada.joinShare(link))
        }
        await tablet.close()

        let again = try bed.open("tablet")
        _ = try await again.openShare(
            totes[2].id, at: "s-1", transport: bed.server, token: token)
        try await hers[0].end()
        bed.clock.advance(by: .seconds(301))
        #expect(try await gone("quince-jam"))
        #expect(await again.endedShares.map(\.id) == [totes[0].id])

        let offer = try await ada.offerHandOff()
        try await again.joinHandOff(offer.text, at: "s-1", transport: bed.server, token: token)
        try await hers[1].end()
        bed.clock.advance(by: .seconds(301))
        #expect(try await gone("plum-jam"))
        #expect(try bed.isOn("tablet", "fig-jam"))
    }

    /// Whether a word is soon in no file of the tablet.
    private func gone(_ word: String) async throws -> Bool {
        for _ in 0..<2_000 {
            if try !bed.isOn("tablet", word) { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
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
        #expect(await refusal { try await list.cart.add("tea") } == "not_found")
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

    @Test
    func `a restored server that knows only of a former membership makes nobody lose a share`()
        async throws
    {
        let ada = try await bed.device("ada", "ada")
        let ben = try await bed.device("ben", "ben")
        let list = try await ada.makeList()
        #expect(try await list.syncOnce().isComplete)
        _ = try await ben.joinShare(try await list.invite(as: .editor).link)
        _ = try await list.syncOnce()
        let member = try #require(await list.members.first { !$0.isSelf })
        try await list.setRole(of: member.id, to: nil)
        let invitation = try await list.invite(as: .editor)
        let backup = try await bed.server.backup()
        let joined = try await ben.joinShare(invitation.link)
        _ = try await joined.cart.add("quince-jam")
        #expect(try await joined.syncOnce().isComplete)
        _ = try await joined.cart.add("unsent-thing")
        try await bed.server.restore(backup)

        _ = try? await bed.passing { try await joined.syncOnce(deadline: .seconds(60)) }
        #expect(await ben.shares.map(\.id) == [list.id])
        let report = try await bed.passing { try await joined.syncOnce() }
        #expect(report.isComplete)
        _ = try await bed.passing { try await list.syncOnce() }
        #expect(await list.cart.value.quantity("quince-jam") == 1)
        #expect(await list.cart.value.quantity("unsent-thing") == 1)
    }

    @Test func `two customers of one device share one list, each for themselves`() async throws {
        let tablet = try await bed.device("tablet", "ada")
        let list = try await tablet.makeList()
        _ = try await list.cart.add("quince-jam")
        #expect(try await list.syncOnce().isComplete)
        let invitation = try await list.invite(as: .viewer)
        try await bed.signIn(tablet, "ben")
        let theirs = try await tablet.joinShare(invitation.link)
        #expect(try await theirs.syncOnce().isComplete)
        #expect(await theirs.cart.value.quantity("quince-jam") == 1)
        try await theirs.leave()
        #expect(await tablet.shares == [])
        try await bed.signIn(tablet, "ada")
        let again = try await tablet.openShare(list.id)
        #expect(await again.cart.value.quantity("quince-jam") == 1)
        #expect(try await again.syncOnce().isComplete)
        #expect(await again.members.map(\.role) == [.owner])
    }

    @Test func `a directory of schema 5 keeps its shares`() async throws {
        let ada = try await bed.device("ada", "ada")
        let list = try await ada.makeList()
        _ = try await list.cart.add("quince-jam")
        #expect(try await list.syncOnce().isComplete)
        await ada.close()
        let record = bed.directory("ada") + "/installation.sqlite"
        do {
            let database = try Database(path: record)
            let folder = try #require(
                try database.row("SELECT folder FROM shares") { $0.text(0) })
            // As it was called then: by its space alone.
            let former = "share-" + Hex.string(Array(SHA256.digest(Array(list.id.utf8)).prefix(8)))
            let root = bed.directory("ada")
            try FileManager.default.moveItem(
                atPath: "\(root)/\(folder)", toPath: "\(root)/\(former)")
            try database.execute(
                """
                ALTER TABLE shares RENAME TO later;
                CREATE TABLE shares (
                    space TEXT PRIMARY KEY, account TEXT NOT NULL, seed TEXT, invitation TEXT,
                    role TEXT, member TEXT, until INTEGER, boot INTEGER NOT NULL,
                    since INTEGER NOT NULL, deadline INTEGER NOT NULL,
                    ended INTEGER NOT NULL DEFAULT 0
                ) STRICT;
                INSERT INTO shares SELECT space, account, seed, invitation, role, member, until,
                    boot, since, deadline, ended FROM later;
                DROP TABLE later;
                PRAGMA user_version=5;
                """)
        }
        let again = try bed.open("ada")
        try await bed.signIn(again, "ada")
        #expect(await again.shares.map(\.role) == [.owner])
        let opened = try await again.openShare(list.id)
        #expect(await opened.cart.value.quantity("quince-jam") == 1)
        #expect(try await opened.syncOnce().isComplete)
    }

    @Test func `one sync of an account is the contact: what was taken away is gone behind it`()
        async throws
    {
        let ada = try await bed.device("ada", "ada")
        let ben = try await bed.device("ben", "ben")
        let list = try await ada.makeList()
        _ = try await list.cart.add("quince-jam")
        #expect(try await list.syncOnce().isComplete)
        let joined = try await ben.joinShare(try await list.invite(as: .editor).link)
        #expect(try await joined.syncOnce().isComplete)
        _ = try await ben.syncOnce()
        _ = try await list.syncOnce()
        await ben.close()
        let member = try #require(await list.members.first { !$0.isSelf })
        try await list.setRole(of: member.id, to: nil)
        // As a slot in the background: it opens nothing, and ends at once.
        let again = try bed.open("ben")
        try await bed.signIn(again, "ben")
        #expect(try bed.isOn("ben", "quince-jam"))
        _ = try await again.syncOnce()
        #expect(try !bed.isOn("ben", "quince-jam"))
        await again.close()
    }

    @Test func `a tote is gone in time where nobody opened it, or its customer signed out`()
        async throws
    {
        let secret = try await bed.server.staff()
        let token: TokenProvider = { AccessToken(secret) }
        let tablet = try bed.open("tablet")
        let tote = try await tablet.makeTote(at: "s-1", transport: bed.server, token: token)
        _ = try await tote.cart.add("quince-jam")
        #expect(try await tote.syncOnce().isComplete)
        let ada = try await bed.device("ada", "ada")
        let joined = try await ada.joinShare(try await tote.invite(as: .editor).link)
        #expect(try await joined.syncOnce().isComplete)
        await tablet.close()
        let again = try bed.open("tablet")
        try await ada.signOut()
        await bed.server.setDown(true)
        #expect(try bed.isOn("tablet", "quince-jam") && bed.isOn("ada", "quince-jam"))
        bed.clock.advance(by: .seconds(86_401))
        for device in ["tablet", "ada"] {
            for _ in 0..<500 where try bed.isOn(device, "quince-jam") {
                // Its timer may have begun behind the leap.
                bed.clock.advance(by: .milliseconds(10))
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try !bed.isOn(device, "quince-jam"), "\(device)")
        }
        #expect(await again.endedShares.map(\.id) == [tote.id])
    }

    @Test func `nobody has left who could not say so, nor loses what could not be sent`()
        async throws
    {
        let ada = try await bed.device("ada", "ada")
        let list = try await ada.makeList()
        #expect(try await list.syncOnce().isComplete)
        let phone = try await bed.device("phone", "ada")
        #expect(try await phone.syncOnce().isComplete)
        await bed.server.setDown(true)
        let opened = try await phone.openShare(list.id)
        #expect(await refusal { try await opened.leave(deadline: .milliseconds(1)) } == "server")
        #expect(await phone.shares.map(\.id) == [list.id])
        _ = try await opened.cart.add("quince-jam")
        let left = await refusal {
            try await bed.passing { try await opened.leave(deadline: .milliseconds(1)) }
        }
        #expect(left == "server")
        await bed.server.setDown(false)
        #expect(try await bed.passing { try await opened.syncOnce() }.isComplete)
        #expect(try await opened.leave().lostCount == 0)
        for device in [phone, ada] {
            _ = try await bed.passing { try await device.syncOnce() }
            #expect(await device.shares == [])
        }
    }

    @Test func `something that answers in place of the server changes nothing`() async throws {
        let ada = try await bed.device("ada", "ada")
        let list = try await ada.makeList()
        _ = try await list.cart.add("quince-jam")
        #expect(try await list.syncOnce().isComplete)
        let role = await ada.shares
        let portal = Portal(bed.server)
        let secret = try await bed.server.mint("ada")
        try await ada.signIn(customer: "ada", transport: portal) { AccessToken(secret) }
        for body in ["{}", "<html>", #"{"space":"\(list.id)","role":"king"}"#] {
            for status in [200, 201, 404, 409, 410] {
                portal.answer(status, body)
                let opened = try await ada.openShare(list.id)
                _ = try? await bed.passing { try await opened.syncOnce(deadline: .seconds(1)) }
                _ = await refusal {
                    try await bed.passing { try await opened.leave(deadline: .milliseconds(1)) }
                }
                _ = await refusal { try await ada.joinShare("ACDEFG") }
                #expect(await ada.shares == role, "\(status) \(body)")
                #expect(await opened.cart.value.quantity("quince-jam") == 1)
            }
        }
        portal.answer(nil, "")
        let opened = try await ada.openShare(list.id)
        #expect(try await bed.passing { try await opened.syncOnce() }.isComplete)
    }
}

/// A network where something answers in place of the server.
private final class Portal: Transport {
    private let server: TestServer
    private let page = Mutex<TransportResponse?>(nil)

    init(_ server: TestServer) { self.server = server }

    func answer(_ status: Int?, _ body: String) {
        page.withLock { page in
            page = status.map {
                TransportResponse(
                    status: $0, headers: ["Content-Type": "application/json"],
                    body: Array(body.utf8))
            }
        }
    }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        if let page = page.withLock({ $0 }) { return page }
        return try await server.send(request)
    }
}
