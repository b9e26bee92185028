import Foundation
import Testing

/// `tote explain`, `tote tail` and `tote-sim inspect` on what really happened.
@Suite struct DiagnosisTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// Every file of a directory with its bytes.
    private func bytes(of directory: URL) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
            let url = directory.appendingPathComponent(name)
            found[name] = (try? Data(contentsOf: url)) ?? Data()
        }
        return found
    }

    @Test func `a line is explained by the changes that made it`()
        async throws
    {
        let world = try await CafeWorld()
        _ = try await world.phone(
            "menu refresh", "cart add latte 2 size=L", "sync", "cart add latte size=L", "sync",
            "cart note latte \"extra hot\" size=L", "cart set croissant 1", "sync")
        let ordered = try await world.phone("order place paris-republique", "sync", "sync")
        #expect(ordered.exit == 0, "\(ordered)")
        let line = ["explain", "line", "customer:demo", "cart:main", "latte", "size=L"]
        let data = world.directory.appendingPathComponent("data").path
        let told = try await SimulatorProgram.run("tote", line + ["--data", data])
        #expect(told.exit == 0, "\(told)")
        // Ordered, so gone; the changes that made it and the server's that took it are there.
        #expect(told.out.hasPrefix("cart:main  latte|size=L: is not there\n"), "\(told.out)")
        #expect(told.out.contains("quantity = 2") || told.out.contains("quantity +2"))
        #expect(told.out.contains("quantity +1") && told.out.contains("= \"extra hot\""))
        #expect(told.out.contains("the server  accepted") && told.out.contains("erased"))
        let asJSON = try object(
            try await SimulatorProgram.run("tote", line + ["--data", data, "--json"]).out)
        let history = try #require(asJSON["history"] as? [[String: Any]])
        #expect(history.count >= 4 && asJSON["version"] as? Int == 1)
        let first = try #require(history.first)
        let replica = try #require(first["replica"] as? String)
        #expect(first["outcome"] as? String == "accepted" && first["server"] as? Bool == false)

        // The change by its name, and that a later one stands in its place.
        let change = try await world.operate(
            "explain", "change", "customer:demo", "\(replica):1")
        #expect(change.exit == 0 && change.out.contains("nothing of it is left"), "\(change)")
        #expect(change.out.contains("in place of \(replica):1"), "\(change.out)")
        let croissant = try await world.operate(
            "explain", "line", "customer:demo", "cart:main", "croisant")
        #expect(croissant.exit == 66 && croissant.error.contains("cart:main has no croisant"))
        let later = try await world.operate(
            "explain", "change", "customer:demo", "\(replica):900")
        #expect(later.exit == 66 && later.error.contains("has not arrived"), "\(later)")
        let device = try await world.operate("explain", "device", "customer:demo", replica)
        #expect(device.exit == 0 && device.out.contains("judged 1…"), "\(device)")
        let all = try await world.operate("explain", "device", "customer:demo")
        #expect(all.out.split(separator: "\n").count == 1, "the server is no device: \(all.out)")
        let placing = try #require(
            (try object(
                try await SimulatorProgram.run(
                    "tote",
                    ["explain", "device", "customer:demo", replica, "--data", data, "--json"]
                ).out)["devices"] as? [[String: Any]])?.first?["latest"] as? [[String: Any]])
        let last = try #require(placing.last?["counter"] as? Int)
        let order = try await world.operate(
            "explain", "change", "customer:demo", "\(replica):\(last)")
        let says = order.out.range(
            of: "placed order [0-9a-f]{32} at paris-republique, which is placed",
            options: .regularExpression)
        #expect(says != nil, "\(order.out)")
        // What the customer's codes are made with is not for a terminal.
        for options in [[], ["--json"]] {
            let member = try await SimulatorProgram.run(
                "tote",
                ["explain", "line", "customer:demo", "ledger", "member", "--data", data] + options)
            #expect(member.exit == 0, "\(member)")
            #expect(member.out.contains(#""secret":"(hidden)""#), "\(member.out)")
            let key = member.out.range(
                of: #""secret":"[0-9a-f]"#, options: .regularExpression)
            #expect(key == nil, "\(member.out)")
        }
        let typo = try await world.operate("explain", "device", "customer:dmo")
        #expect(typo.exit == 66 && typo.error.contains("did you mean customer:demo?"), "\(typo)")
    }

    @Test func `a refused change says why, on its device too`() async throws {
        let world = try await CafeWorld()
        _ = try await world.phone(
            "menu refresh", "cart add croissant", "net offline", "order place paris-republique")
        _ = try await world.counter("sold-out croissant")
        _ = try await world.phone("net wifi", "sync")
        let devices = try object(
            try await world.operate("explain", "device", "customer:demo", "--json").out)
        let all = try #require(devices["devices"] as? [[String: Any]])
        let rejected = all.flatMap { $0["rejected"] as? [[String: Any]] ?? [] }
        #expect(rejected.first?["code"] as? String == "sold_out", "\(devices)")
        let line = try await world.operate(
            "explain", "line", "customer:demo", "cart:main", "croissant")
        #expect(line.out.contains("rejected: sold_out"), "\(line.out)")
    }

    @Test func `tail shows what is there, then what comes, and ends with its reader`()
        async throws
    {
        let world = try await CafeWorld()
        _ = try await world.phone("cart add latte 2", "sync")
        let data = world.directory.appendingPathComponent("data").path
        let shown = try await world.operate("tail", "customer:demo", "--no-follow")
        #expect(shown.exit == 0 && shown.out.contains("cart:main  latte  quantity"), "\(shown)")
        let tail = try RunningProgram(
            "tote", ["tail", "customer:demo", "--last", "1", "--json", "--data", data])
        defer { tail.end(SIGKILL) }
        // It has begun: what comes now it must show.
        #expect(tail.readLine() != nil)
        _ = try await world.phone("cart add mug", "sync")
        let line = try object(try #require(tail.readLine()))
        let writes = try #require(line["writes"] as? [[String: Any]])
        #expect(line["version"] as? Int == 1 && line["outcome"] as? String == "accepted")
        #expect(writes.contains { $0["item"] as? String == "mug" }, "\(line)")
        let none = try await world.operate("tail", "customer:nobody")
        #expect(none.exit == 66, "\(none)")
    }

    @Test func `inspect shows a device's files and leaves every byte of them`() async throws {
        let world = try await CafeWorld()
        _ = try await world.phone("cart add latte 2", "sync", "net offline", "wish add mug")
        let phone = world.directory.appendingPathComponent("phone")
        let before = try bytes(of: phone.appendingPathComponent("store"))
        let shown = try await SimulatorProgram.simulate("inspect", phone.path)
        #expect(shown.exit == 0, "\(shown)")
        #expect(shown.out.contains(".sqlite (shows)\n"), "\(shown.out)")
        #expect(shown.out.contains("outbox    1 pending\n"), "\(shown.out)")
        #expect(shown.out.contains("  saved  "), "\(shown.out)")
        let told = try object(
            try await SimulatorProgram.simulate("inspect", phone.path, "--json").out)
        let files = try #require(told["files"] as? [[String: Any]])
        let file = try #require(files.first { $0["shows"] as? Bool == true })
        #expect((file["outbox"] as? [[String: Any]])?.count == 1)
        #expect((file["receipts"] as? [[String: Any]])?.count == 2)
        #expect((file["cursor"] as? [String: Any])?["position"] as? Int ?? 0 > 0, "\(file)")
        #expect(try bytes(of: phone.appendingPathComponent("store")) == before)

        let running = try RunningProgram(
            "tote-sim",
            ["device", "phone", "--dir", world.directory.path, "--live", "off", "--json"])
        defer { running.end(SIGKILL) }
        _ = running.readLine()
        #expect(try await SimulatorProgram.simulate("inspect", phone.path).exit == 75)
        #expect(try await SimulatorProgram.simulate("inspect", "/none").exit == 66)
    }
}
