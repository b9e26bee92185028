import ToteClient
import ToteCommandLine
import ToteCore

/// Verbs of carts that are lists: ticked off, sent and taken in, walked through.
extension DeviceSession {
    func runList(_ line: VerbLine) async throws -> Answer? {
        guard line.verb.name.hasPrefix("cart ") else { return nil }
        let words = try VerbWords(line)
        let cart = tote.cart(words.cart)
        switch line.verb.name {
        case "cart tick":
            try words.atMost(2)
            guard words.plain.count < 2 || words.plain[1] == "off" else {
                throw VerbFailure(.usage, "write: cart tick SKU, or cart tick SKU off")
            }
            let receipt = try await cart.setTicked(
                words.plain.count < 2, of: try words.word(0), options: words.options)
            return Answer(lines: [receipt == nil ? "nothing to do" : "saved"])
        case "cart title":
            try words.atMost(1)
            try await cart.setTitle(try words.text(0))
            return Answer(lines: ["saved"])
        case "cart export":
            try words.atMost(1)
            let list = ListText(await cart.value)
            switch words.plain.first ?? "text" {
            case "text": return Answer(lines: list.text.split(separator: "\n").map(String.init))
            case "json": return Answer(lines: [list.json])
            case "link": return Answer(lines: [list.link])
            default: throw VerbFailure(.usage, "a list is exported as text, json or link")
            }
        case "cart import":
            try words.atMost(1)
            return try await takeIn(try words.word(0), cart)
        case "cart walk":
            try words.atMost(1)
            return try await walk(cart, at: try words.word(0))
        case "cart from":
            try words.atMost(1)
            let receipts = try await cart.addAll(of: try words.word(0))
            return Answer(lines: [receipts.isEmpty ? "nothing to do" : "saved"])
        default: return nil
        }
    }

    private func takeIn(_ word: String, _ cart: CartReference) async throws -> Answer {
        let text =
            word.hasPrefix("tote:")
            ? word : String(decoding: try Files.read(word), as: UTF8.self)
        let list: ListText
        do throws(ListText.Refusal) { list = try ListText(reading: text) } catch {
            throw VerbFailure(.refused, "\(error)", code: "list_malformed")
        }
        let receipts = try await cart.add(list)
        return Answer(lines: ["saved \(list.lines.count) lines in \(receipts.count) changes"])
    }

    private func walk(_ cart: CartReference, at store: String) async throws -> Answer {
        guard let catalog = await tote.catalog else {
            throw VerbFailure(.refused, "no catalogue is here yet", code: "no_catalog")
        }
        guard catalog.store(store) != nil else {
            throw VerbFailure(.refused, "no store is called \(store)", code: "store_unknown")
        }
        return Answer(
            lines: catalog.walk(await cart.value.lines, at: store).map { line, place in
                let box = line.isTicked ? "[x]" : "[ ]"
                let stands = place.map { "\($0.aisle)\($0.bin.map { " \($0)" } ?? "")" } ?? "?"
                return "\(stands)  \(box) \(line.quantity) × \(DeviceText.line(line.name))"
            })
    }
}
