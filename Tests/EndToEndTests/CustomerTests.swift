import Foundation
import Testing

/// `tote customer`: what a customer may ask for, and that they are forgotten.
@Suite(.timeLimit(.minutes(5))) struct CustomerTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func `all that is kept of a customer is in it, and nothing of another`() async throws {
        let world = try await CafeWorld()
        let used = try await world.phone(
            "menu refresh", "cart add latte 2 size=L", "cart note latte \"with oat\" size=L",
            "wish add mug", "sync", "order place paris-republique", "sync", "sync",
            "cart add croissant 3", "share new list Weekly", "share add tea 7", "share sync",
            "sync")
        #expect(used.exit == 0, "\(used)")
        for (customer, reference) in [("demo", "gift-of-ada"), ("eve", "gift-of-eve")] {
            let entered = try await world.operate(
                "ledger", "enter", customer, "500", "--reference", reference, "--reason", "a gift")
            #expect(entered.exit == 0, "\(entered)")
        }
        _ = try await world.phone("sync", "reserve 100", "sync")
        let told = try await world.operate("customer", "export", "demo")
        #expect(told.exit == 0, "\(told)")
        let export = try object(told.out)
        func list(_ name: String) throws -> [[String: Any]] {
            try #require(export[name] as? [[String: Any]], "\(name)")
        }
        #expect(export["customer"] as? String == "demo" && export["format"] as? Int == 1)
        let croissant = try #require(
            try list("documents").first { $0["item"] as? String == "croissant" })
        #expect((croissant["fields"] as? [String: Any])?["quantity"] as? Int == 3)
        let order = try #require(try list("orders").first?["order"] as? [String: Any])
        #expect(order["store"] as? String == "paris-republique")
        let references = try list("entries").compactMap { $0["reference"] as? String }
        #expect(references.contains { $0.contains("gift-of-ada") }, "\(references)")
        #expect(try list("leases").first?["left"] as? Int == 100)
        #expect(try list("devices").count == 1 && list("tokens").count >= 1)
        let share = try #require(try list("shares").first)
        #expect(share["role"] as? String == "owner")
        let shared = try #require(share["documents"] as? [[String: Any]])
        #expect(shared.contains { ($0["fields"] as? [String: Any])?["quantity"] as? Int == 7 })
        // What is not there any more was said nevertheless: the log has it.
        let changes = try JSONSerialization.data(withJSONObject: try list("changes"))
        #expect(String(decoding: changes, as: UTF8.self).contains("with oat"))
        #expect(!told.out.contains("gift-of-eve") && !told.out.contains("eve"))
        let key = told.out.range(of: #""secret":"[0-9a-f]"#, options: .regularExpression)
        #expect(
            key == nil && told.out.contains(#""secret":"(hidden)""#), "what codes are made with")
        #expect(!told.out.contains("tote_"), "no token opens anything by it")
        let asJSON = try object(
            try await world.operate("customer", "export", "demo", "--json").out)
        #expect((asJSON["document"] as? [String: Any])?["customer"] as? String == "demo")
        let typo = try await world.operate("customer", "export", "dmo")
        #expect(typo.exit == 66 && typo.error.contains("did you mean demo?"), "\(typo)")
    }

    /// Which words are in any file under a directory.
    private func words(_ wanted: [String], in directory: String) throws -> Set<String> {
        var found: Set<String> = []
        let files = try #require(FileManager.default.enumerator(atPath: directory))
        for case let name as String in files {
            guard let bytes = FileManager.default.contents(atPath: "\(directory)/\(name)") else {
                continue
            }
            for word in wanted where bytes.range(of: Data(word.utf8)) != nil {
                found.insert(word)
            }
        }
        return found
    }

    @Test func `nothing on the server's disk says who was erased, nor does a restore`() async throws
    {
        let world = try await CafeWorld()
        let said = [
            "customer:demo", "Kanarie-note", "Kanarie-wish", "Kanarie-gift", "Kanarie-why",
            "Kanarie-comment", "Kanarie-request",
        ]
        let used = try await world.phone(
            "menu refresh", "cart add latte 2 size=L", "cart note latte Kanarie-note size=L",
            "wish add mug", "wish note mug Kanarie-wish", "sync",
            "order place paris-republique", "sync", "sync", "rate last 2 Kanarie-comment",
            "ask last Kanarie-request", "sync")
        #expect(used.exit == 0, "\(used)")
        _ = try await world.operate(
            "ledger", "enter", "demo", "500", "--reference", "Kanarie-gift", "--reason",
            "Kanarie-why")
        _ = try await world.phone("sync", "reserve 100", "sync")
        let former = world.directory.appendingPathComponent("former.db").path
        #expect(try await world.operate("backup", former).exit == 0)
        #expect(try words(said, in: world.data) == Set(said), "before it")
        let unsure = try await world.operate("customer", "erase", "demo")
        #expect(unsure.exit == 64 && unsure.error.contains("--yes"), "\(unsure)")
        let open = try await world.operate("customer", "erase", "demo", "--yes")
        #expect(open.exit == 1 && open.error.contains("1 orders are open"), "\(open)")
        _ = try await world.phone("order cancel last", "sync")
        let erased = try await world.operate("customer", "erase", "demo", "--yes")
        #expect(erased.exit == 0 && erased.out.contains("1 orders stay"), "\(erased)")
        #expect(try words(said, in: world.data) == [], "file, log and what is beside them")
        #expect(!world.log.contains("demo/") && said.allSatisfy { !world.log.contains($0) })
        #expect(try await world.operate("customer", "export", "demo").exit == 66)
        let copies = world.directory.appendingPathComponent("copies")
        try FileManager.default.createDirectory(at: copies, withIntermediateDirectories: true)
        #expect(
            try await world.operate("backup", copies.appendingPathComponent("new.db").path).exit
                == 0)
        #expect(try words(said, in: copies.path) == [], "a fresh backup")
        // The backup of before, with the list of the directory that is given up.
        let restored = world.directory.appendingPathComponent("restored").path
        let back = try await SimulatorProgram.run(
            "tote",
            [
                "restore", former, "--data", restored, "--erased", world.data + "/erased",
                "--json",
            ])
        #expect(back.exit == 0, "\(back)")
        #expect(try object(back.out)["erased"] as? Int == 1)
        #expect(try words(said, in: restored) == [], "a restored backup of before")
        let sound = try await SimulatorProgram.run("tote", ["verify", "--data", restored])
        #expect(sound.exit == 0, "\(sound)")
        let again = try await world.operate("customer", "erase", "demo", "--yes")
        #expect(again.exit == 0 && again.out.contains("before"), "\(again)")
        let told = try await world.phone("sync", "expect erased yes", "expect lines 0")
        #expect(told.exit == 0, "\(told)")
    }

    @Test func `a restore without the list says so, and the file is held against it later`()
        async throws
    {
        let world = try await CafeWorld()
        _ = try await world.phone("cart add croissant", "sync")
        let former = world.directory.appendingPathComponent("former.db").path
        #expect(try await world.operate("backup", former).exit == 0)
        #expect(try await world.operate("customer", "erase", "demo", "--yes").exit == 0)
        let data = world.directory.appendingPathComponent("back").path
        func tote(_ words: String...) async throws -> SimulatorProgram.Outcome {
            try await SimulatorProgram.run("tote", words + ["--data", data])
        }
        let back = try await tote("restore", former)
        #expect(back.exit == 0 && back.out.contains("no list of erased customers"), "\(back)")
        #expect(try await tote("customer", "export", "demo").exit == 0, "they are back")
        // The list turns up, copied by hand without its end.
        var list = try String(contentsOfFile: world.data + "/erased", encoding: .utf8)
        list.removeLast()
        try list.write(toFile: data + "/erased", atomically: false, encoding: .utf8)
        let found = try await tote("verify")
        #expect(found.exit == 1 && found.out.contains("erased is there"), "\(found)")
        #expect(try await tote("ledger", "show", "demo").exit == 66, "erased before it answers")
        #expect(try await tote("verify").exit == 0)
        #expect(try await tote("customer", "export", "demo").exit == 66)
        try (list + "\nnonsense\n").write(
            toFile: data + "/erased", atomically: false, encoding: .utf8)
        let damaged = try await tote("status")
        #expect(damaged.exit == 65 && damaged.error.contains("line 2 of \(data)/erased"))
    }

    @Test func `a token that was revoked since the backup is no good after a restore`() async throws
    {
        let world = try await CafeWorld()
        let former = world.directory.appendingPathComponent("former.db").path
        #expect(try await world.operate("backup", former).exit == 0)
        let listed = try await world.operate("token", "list")
        let id = try #require(
            listed.out.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("tok_") })
        #expect(try await world.operate("token", "revoke", String(id)).exit == 0)
        let data = world.directory.appendingPathComponent("restored").path
        let back = try await SimulatorProgram.run(
            "tote",
            ["restore", former, "--data", data, "--erased", world.data + "/erased", "--json"])
        #expect(try object(back.out)["revoked"] as? Int == 1, "\(back)")
        let now = try await SimulatorProgram.run("tote", ["token", "list", "--data", data])
        let line = now.out.split(separator: "\n").first { $0.hasPrefix(id) }
        #expect(line?.contains("revoked") == true, "\(now)")
    }

    /// Found by somebody who tried it: each line that was added took the others with it.
    @Test func `whoever was erased is on the list, however many there are`() async throws {
        let world = try await CafeWorld()
        let names = (1...6).map { "guest-\($0)" }
        for name in names {
            let entered = try await world.operate(
                "ledger", "enter", name, "5", "--reference", name, "--reason", "r")
            #expect(entered.exit == 0)
        }
        let former = world.directory.appendingPathComponent("former.db").path
        #expect(try await world.operate("backup", former).exit == 0)
        for name in names {
            #expect(try await world.operate("customer", "erase", name, "--yes").exit == 0)
        }
        let list = try String(contentsOfFile: world.data + "/erased", encoding: .utf8)
        #expect(list.split(separator: "\n").count == names.count, "\(list)")
        let back = world.directory.appendingPathComponent("back").path
        let restored = try await SimulatorProgram.run(
            "tote",
            [
                "restore", former, "--data", back, "--erased", world.data + "/erased", "--json",
            ])
        #expect(try object(restored.out)["erased"] as? Int == names.count, "\(restored)")
        #expect(try words(names, in: back) == [])
        // What is named is read to its end.
        let copy = world.directory.appendingPathComponent("copy").path
        try list.replacing("\n", with: "\r\n").write(
            toFile: copy, atomically: false, encoding: .utf8)
        let other = world.directory.appendingPathComponent("other").path
        let windows = try await SimulatorProgram.run(
            "tote", ["restore", former, "--data", other, "--erased", copy, "--json"])
        #expect(try object(windows.out)["erased"] as? Int == names.count)
        try "no list".write(toFile: copy, atomically: false, encoding: .utf8)
        let wrong = try await SimulatorProgram.run(
            "tote",
            [
                "restore", former, "--data", world.directory.appendingPathComponent("3").path,
                "--erased", copy,
            ])
        #expect(wrong.exit == 65 && wrong.error.contains("line 1 of"), "\(wrong)")
    }

    @Test func `a report counts orders and things by where they came from`() async throws {
        let world = try await CafeWorld()
        let used = try await world.phone(
            "menu refresh", "scan WALL-1 2", "scan MAIL-SPRING", "cart add croissant",
            "order place paris-republique", "sync", "sync", "cart add croissant 4",
            "order place paris-republique", "sync", "sync", "order cancel last", "sync", "sync")
        #expect(used.exit == 0, "\(used)")
        let told = try await world.operate("report", "channels", "--json")
        let report = try object(told.out)
        let rows = try #require(report["channels"] as? [[String: Any]])
        func row(_ name: String) throws -> [String: Any] {
            try #require(rows.first { $0["channel"] as? String == name }, "\(told.out)")
        }
        #expect(try row("app")["orders"] as? Int == 2 && row("app")["cancelled"] as? Int == 1)
        #expect(try row("app")["items"] as? Int == 0, "the scanned ones came from elsewhere")
        #expect(try row("wall")["items"] as? Int == 2 && row("mail")["items"] as? Int == 2)
        let intents = try #require(try row("app")["intents"] as? [String: Int])
        #expect(intents["place"] == 2 && intents["cancel"] == 1)
        let text = try await world.operate("report", "channels", "--store", "paris-republique")
        #expect(text.exit == 0 && text.out.contains("wall") && !text.out.contains("place"))
        let none = try await world.operate("report", "channels", "--store", "nowhere")
        #expect(none.out.contains("nothing was ordered"), "\(none)")
        let wrong = try await world.operate("report", "channels", "--since", "long")
        #expect(wrong.exit == 64, "\(wrong)")
    }
}

/// What customers write at length, and in words that look the same, leaves the server in order.
@Suite(.timeLimit(.minutes(5))) struct LengthyCustomerTests {
    @Test func `long carts, threads and names can be backed up, looked at and exported`()
        async throws
    {
        let world = try await CafeWorld()
        let placed = try await world.phone(
            "menu refresh", "cart add latte 2 size=L", "sync", "order place paris-republique",
            "sync", "sync")
        #expect(placed.exit == 0, "\(placed)")
        let said = (0..<8).map { "ask last \"\($0) " + String(repeating: "x", count: 900) + "\"" }
        let lines = (0..<100).map {
            "cart add " + String(repeating: "p", count: 50) + "-\($0) 1 size=L"
        }
        let noted = "cart note croissant " + String(repeating: "n", count: 600) + " cart:work"
        let used = try await world.phone(
            lines: said
                + [
                    "set preferences café x 1", "set preferences cafe\u{301} x 2", "sync",
                    "sign-out",
                ] + lines
                + ["cart add croissant cart:work", noted, "sign-in", "sync", "sync", "kill"])
        #expect(used.error.isEmpty || used.exit != 1, "\(used)")
        let shown = try await world.phone(
            "expect lines 100", "expect lines 1 cart:work", "expect thread last 8 asked",
            "expect receipts rejected 0")
        #expect(shown.exit == 0, "\(shown)")
        let copy = world.directory.appendingPathComponent("copy.db").path
        let kept = try await world.operate("backup", copy)
        #expect(kept.exit == 0, "\(kept)")
        #expect(try await world.operate("customer", "export", "demo").exit == 0)
        let alerts = try await world.operate("alerts", "--store", "paris-republique")
        #expect(alerts.out.contains("request_unanswered"), "\(alerts)")
        let typo = try await world.operate("alerts", "--store", "paris-republic")
        #expect(typo.exit == 66, "\(typo)")
    }
}
