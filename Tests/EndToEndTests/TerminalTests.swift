import Foundation
import Testing

/// What only happens at a terminal: lines that are edited and completed, colour.
@Suite(.enabled(if: Tools.areThere("python3"), "python3 is missing")) struct TerminalTests {
    private struct Talk: Decodable {
        let written: String
        let lacking: String?
        let exit: Int32
        let restored: Bool
    }

    private enum Step: Encodable {
        case send(String)
        case see(String)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .send(let text): try container.encode(["send": text])
            case .see(let text): try container.encode(["see": text])
            }
        }
    }

    private func talk(
        _ program: String, _ arguments: [String], _ steps: [Step], columns: Int = 80,
        environment: [String: String] = [:]
    ) async throws -> Talk {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Terminal/talk.py").standardized
        let input = String(decoding: try JSONEncoder().encode(steps), as: UTF8.self)
        let path = SimulatorProgram.executable(program).path
        let outcome = try await Tools.run(
            "python3", ["-B", script.path, "\(columns)", path] + arguments, input: input,
            environment: environment)
        let talk = try JSONDecoder().decode(Talk.self, from: Data(outcome.out.utf8))
        #expect(talk.lacking == nil, "\(talk.lacking ?? "") in \(talk.written.debugDescription)")
        return talk
    }

    private let right = "\u{1B}[C"
    private let up = "\u{1B}[A"
    private let left = "\u{1B}[D"

    @Test func `a day is held, stepped through and cut off by keys`() async throws {
        let talk = try await talk(
            "tote-sim", ["watch", "3", "--pace", "20"],
            [
                .see("devices of"), .see("device"), .send(" "), .see("held"), .send("s"),
                .see("  "), .send("o"), .see("everybody is offline"), .see("FAULT partition"),
                .send("o"), .see("everybody is back"), .send(" "), .see("goes on"),
                .send("+"), .see("40 s a second"), .send("q"), .see("ended before it was over"),
            ])
        #expect(talk.exit == 2 && talk.restored)
        #expect(talk.written.contains("changed by hand"))
    }

    @Test func `a device's lines are completed, edited and called back`() async throws {
        let world = try await CafeWorld()
        _ = try await world.phone("menu refresh", "cart set latte 1 cart:work")
        let device = ["device", "phone", "--dir", world.directory.path, "--live", "off"]
        let talk = try await talk(
            "tote-sim", device + ["--server", world.url],
            [
                .see("phone> "),
                // A verb, its second word, then what is sold and its options.
                .send("cart\t"), .see("cart "), .send("a\t"), .see("cart add "),
                .send("lat\t"), .see("latte "), .send("2 siz\t"), .see("size="),
                .send("\t"), .see("size=L"), .see("size=S"), .send("L\r"), .see("saved"),
                .see("phone> "),
                // The line before, changed in its middle: 2 becomes 7.
                .send(up), .see("cart add latte 2 size=L"),
                .send(String(repeating: left, count: 7) + "\u{7F}7\r"), .see("saved"),
                .see("phone> "),
                .send("expect cart latte 9 size=L\r"), .see("as expected"), .see("phone> "),
                // A document's name, a store, a network.
                .send("cart clear cart:w\t"), .see("cart:work "), .send("\r"), .see("saved"),
                .see("phone> "),
                .send("quote paris-r\t"), .see("paris-republique "), .send("\u{3}"),
                .send("net off\t"), .see("net offline "), .send("\r"), .see("network offline"),
                .see("phone> "),
                // Letters that take several bytes, and Ctrl-W.
                .send("cart note . \"für\u{7F}r Ada\" gone\u{17}\r"), .see("saved"),
                .see("phone> "),
                .send("expect note . \"für Ada\"\r"), .see("as expected"), .see("phone> "),
                .send("xyz\r"), .see("'xyz' is no verb"), .see("phone> "), .send("\u{4}"),
            ])
        #expect(talk.exit == 0 && talk.restored, "\(talk)")
    }

    @Test func `Ctrl-C takes a line back, then ends the program as a signal does`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let talk = try await talk(
            "tote-sim", ["device", "phone", "--dir", directory.path, "--live", "off"],
            [
                .see("phone> "), .send("cart add latte"), .see("latte"), .send("\u{3}"),
                .send("cart list\r"), .see("no carts"), .see("phone> "), .send("\u{3}"),
            ])
        #expect(talk.exit == -SIGINT && talk.restored, "\(talk)")
    }

    @Test func `a line that is wider than the terminal stays on its row`() async throws {
        let directory = try SimulatorProgram.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let note = "cart note . \"" + String(repeating: "0123456789", count: 5) + "\""
        let talk = try await talk(
            "tote-sim", ["device", "phone", "--dir", directory.path, "--live", "off"],
            [.see("phone> "), .send(note + "\r"), .see("saved"), .see("phone> "), .send("\u{4}")],
            columns: 40)
        let drawn = talk.written.components(separatedBy: "\r").filter { $0.hasPrefix("phone> ") }
        #expect(drawn.contains { $0.contains("23456789\"") }, "the end of the line shows")
        for row in drawn {
            let shown = row.prefix { $0 != "\u{1B}" && $0 != "\n" }
            #expect(shown.count < 40, "\(row)")
        }
        #expect(talk.exit == 0, "\(talk)")
    }

    @Test func `colour is for terminals, and NO_COLOR turns it off`() async throws {
        let colored = try await talk("tote-sim", ["list"], [])
        #expect(colored.written.contains("\u{1B}["), "\(colored.written.prefix(200))")
        let plain = try await talk("tote-sim", ["list"], [], environment: ["NO_COLOR": "1"])
        #expect(!plain.written.contains("\u{1B}["), "\(plain.written.prefix(200))")
        let failed = try await talk("tote", ["status", "--data", "/none"], [])
        #expect(failed.written.contains("\u{1B}[31merror:"), "\(failed.written)")
        let piped = try await SimulatorProgram.run("tote", ["status", "--data", "/none"])
        #expect(!piped.error.contains("\u{1B}["), "\(piped.error)")
    }
}
