import Foundation
import Testing

/// `tote-sim counter` and the orders of `tote-sim device`: real programs, real files.
@Suite(.serialized) struct CounterProgramTests {
    @Test func `an order goes from a phone over a counter to its customer`() async throws {
        let world = try await CafeWorld()
        let phone = try await world.phone(
            "sync", "menu refresh", "cart add latte 2 size=L", "quote paris-republique",
            "order place paris-republique name=Ada note=hot", "sync", "order show", "orders")
        #expect(phone.exit == 0, "\(phone.error)")
        #expect(phone.out.contains("total 9.00 EUR"), "\(phone.out)")
        #expect(phone.out.contains("2 × latte size=L  4.50 EUR"), "\(phone.out)")
        let counter = try await world.counter(
            "expect board 1 placed within 10s", "board", "prepare last", "ready last", "show last",
            "collect last", "expect refused already_collected collect last", "board")
        #expect(counter.exit == 0, "\(counter.error)")
        #expect(counter.out.contains("2 × Latte size=L  9.00 EUR  for Ada"), "\(counter.out)")
        #expect(counter.out.contains("no open orders"), "\(counter.out)")
        let after = try await world.phone("sync", "expect order last collected", "order show last")
        #expect(after.exit == 0, "\(after.error)")
        #expect(after.out.contains("collected by till"), "\(after.out)")
    }

    @Test func `a counter goes on where it was left, also what it had to tell`() async throws {
        let world = try await CafeWorld()
        _ = try await world.phone(
            "menu refresh", "cart add latte size=M", "order place paris-republique", "sync")
        let cut = try await world.counter(
            "expect board 1 placed within 10s", "ready last", "net offline", "collect last",
            "queue", "kill")
        #expect(cut.signal == SIGKILL)
        #expect(cut.out.contains("the server is told when the network is back"), "\(cut.out)")
        let again = try await world.counter(
            "status", "expect queue 1", "net wifi", "expect queue 0 within 10s",
            "expect gone 1 collected within 10s", "expect doubled 0")
        #expect(again.exit == 0, "\(again.error)")
        #expect(again.out.contains("network offline"), "\(again.out)")
    }

    @Test(arguments: [
        ("bord", "'bord' is no verb: did you mean `board`?"), ("collect", "for example: collect"),
        ("ready ACDE", "no order here has the code or the id ACDE"),
        ("auto maybe", "write: auto on"), ("net wif", "did you mean `net wifi`?"),
        ("expect bord 1", "did you mean `board`?"), ("expect board 7", "wanted 7, found 0"),
        ("expect refused wrong_code board", "it was done"),
        ("expect refused locked collect ZZZZ", "expected locked, found wrong_code"),
    ])
    func `a counter's script stops at the first line that fails`(
        line: String, message: String
    ) async throws {
        let world = try await CafeWorld()
        let outcome = try await world.counter(
            "expect status online within 10s", line, "sold-out latte")
        #expect(outcome.exit == 1)
        #expect(outcome.error.hasPrefix("line 2: error: "), "\(outcome.error)")
        #expect(outcome.error.contains(message), "\(outcome.error)")
    }

    @Test func `a device says why an order cannot be`() async throws {
        let world = try await CafeWorld()
        let outcome = try await world.phone(
            "cart add latte", "expect refused no_catalog order place paris-republique",
            "menu refresh", "expect refused options_invalid order place paris-republique",
            "expect refused store_unknown order place nowhere",
            "expect refused order_unknown order cancel 0f", "order place at=soon store")
        #expect(outcome.exit == 1)
        #expect(outcome.error.contains("line 7: error: 'soon' is no time"), "\(outcome.error)")
    }

    @Test func `a counter needs a token, and has its directory for itself`() async throws {
        let none = try await SimulatorProgram.simulate("counter", "s-17")
        #expect(none.exit == 64)
        #expect(none.error.contains("tote token mint --role staff"), "\(none.error)")
        let world = try await CafeWorld()
        let arguments = [
            "counter", CafeWorld.store, "--server", world.url, "--dir", world.directory.path,
            "--token-file", world.directory.appendingPathComponent("till.token").path, "--json",
        ]
        let first = try RunningProgram("tote-sim", arguments)
        _ = first.readLine()
        let second = try await world.counter("board")
        #expect(second.exit == 75, "\(second.error)")
        first.end(SIGKILL)
    }

    @Test func `help names every verb of a counter with an example`() async throws {
        let world = try await CafeWorld()
        let outcome = try await world.counter("help", "help collect", "help net", "help expect")
        #expect(outcome.exit == 0, "\(outcome.error)")
        for word in ["collect CODE|ID|last", "auto on [PAUSE]|off", "gone N STATE", "lost-reply"] {
            #expect(outcome.out.contains(word), "\(word)")
        }
    }
}
