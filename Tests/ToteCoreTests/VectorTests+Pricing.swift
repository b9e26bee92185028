import Testing
import ProtocolChecks
import ToteCore

/// Protocol/vectors/pricing.json: what carts cost, and when they can be picked up.
@Suite struct PricingVectorTests {
    @Test func `stores stand in the order in which one would go to them`() throws {
        let vectors = try JSON.vectors("nearest").filter { $0["choices"] != nil }
        let catalogs = try Self.catalogs(vectors)
        func milliseconds(_ value: JSON?) -> UInt64? { value?.int.map { UInt64($0) } }
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            let catalog = try #require(catalogs[vector["catalog"]?.text ?? id], "\(id)")
            let near = vector["near"]?.array.compactMap(\.int) ?? []
            let full = (vector["full"]?.members ?? []).map { name, starts in
                (name, Set(starts.array.compactMap { milliseconds($0) }))
            }
            let found = catalog.choices(
                for: (vector["lines"]?.array ?? []).map { line in
                    (LineName(line.array[0].text ?? ""), line.array[1].int ?? 0)
                },
                near: near.count == 2 ? GeoPoint(latitude: near[0], longitude: near[1]) : nil,
                at: try #require(milliseconds(vector["at"])),
                pickupAt: milliseconds(vector["wanted"]),
                full: Dictionary(uniqueKeysWithValues: full))
            let told = found.map { choice -> JSON in
                let outcome: [JSON] =
                    choice.pickupAt.map { [.int(Int64($0))] }
                    ?? [.text(choice.obstacle?.code ?? "")]
                    + (choice.obstacle?.lines ?? []).map { .text($0.item.text) }
                return .array(
                    [.text(choice.store.id), choice.metres.map { .int($0) } ?? .null] + outcome)
            }
            #expect(JSON.array(told) == vector["choices"], "\(id)")
            if let wrong = vector["wrong"] { #expect(JSON.array(told) != wrong, "\(id)") }
        }
    }

    @Test func `a scanned code stands for its line, store and channel`() throws {
        let vectors = try JSON.vectors("channels").filter { $0["scan"] != nil }
        let catalogs = try Self.catalogs(vectors)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            let catalog = try #require(catalogs[vector["catalog"]?.text ?? id], "\(id)")
            let found = catalog.scanned(vector["scan"]?.text ?? "").map { code in
                JSON.object(
                    [("item", JSON.text(code.line.item.text))]
                        + (code.store.map { [("store", JSON.text($0))] } ?? [])
                        + (code.channel.map { [("channel", JSON.text($0.rawValue))] } ?? []))
            }
            #expect(found ?? .null == vector["means"], "\(id)")
            if let wrong = vector["wrong"] { #expect(found != wrong, "\(id)") }
        }
    }

    /// `catalog` is one, or the id of the vector that has it.
    private static func catalogs(_ vectors: [JSON]) throws -> [String: Catalog] {
        var catalogs: [String: Catalog] = [:]
        for vector in vectors {
            guard let catalog = vector["catalog"], catalog.text == nil else { continue }
            catalogs[vector["id"]?.text ?? ""] = try Catalog(Encoding.json.value(catalog.bytes))
        }
        return catalogs
    }

    @Test func `carts are priced and times are found as the vectors say`() throws {
        let vectors = try JSON.vectors("pricing")
        #expect(vectors.count >= 40)
        let catalogs = try Self.catalogs(vectors)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            let catalog = try #require(catalogs[vector["catalog"]?.text ?? id], "\(id)")
            let store = vector["store"]?.text ?? ""
            if let times = vector["times"] {
                let at = UInt64(vector["at"]?.int ?? 0)
                #expect(try Self.times(#require(catalog.store(store)), at) == times, "\(id)")
                continue
            }
            let lines = (vector["lines"]?.array ?? []).map { line in
                (
                    item: LineName(item: Name(line.array[0].text ?? "")),
                    quantity: line.array[1].int ?? -1
                )
            }
            do throws(QuoteRefusal) {
                let quote = Self.json(try catalog.quote(lines, at: store))
                #expect(quote == vector["quote"], "\(id)")
                #expect(quote != vector["wrong"], "\(id)")
            } catch {
                #expect(Self.json(error) == vector["refused"], "\(id)")
            }
        }
    }

    private static func json(_ quote: Quote) -> JSON {
        .object([
            ("currency", .text(quote.currency)), ("tax_included", .bool(quote.taxIncluded)),
            (
                "lines",
                .array(
                    quote.lines.map {
                        .array([.text($0.item), .int($0.quantity), .int($0.price)])
                    })
            ),
            ("subtotal", .int(quote.subtotal)),
            (
                "taxes",
                .array(
                    quote.taxes.map {
                        .array([.text($0.category), .int($0.rate), .int($0.amount)])
                    })
            ),
            ("total", .int(quote.total)),
        ])
    }

    private static func json(_ refusal: QuoteRefusal) -> JSON {
        switch refusal {
        case .storeUnknown: .object([("code", .text("store_unknown"))])
        case .amountOutOfRange: .object([("code", .text("amount_out_of_range"))])
        case .lines(let code, let items):
            .object([("code", .text(code)), ("items", .array(items.map { .text($0) }))])
        }
    }

    private static func times(_ store: Catalog.Store, _ at: UInt64) -> JSON {
        func time(_ time: UInt64?) -> JSON { time.map { .int(Int64($0)) } ?? .null }
        return .object([
            ("is_open", .bool(store.isOpen(at: at))),
            ("next_opening", time(store.nextOpening(after: at))),
            ("earliest_pickup", time(store.earliestPickup(at: at))),
            ("slot", time(store.slot(of: at))),
        ])
    }

    /// The areas of orders.md that vectors name, each requirement kept and broken.
    @Test func `what is said of prices is kept by a vector and broken by another`() throws {
        let vectors = try JSON.vectors("pricing")
        #expect(Set(vectors.compactMap { $0["id"]?.text }).count == vectors.count)
        for which in ["keeps", "breaks"] {
            let named = Set(vectors.flatMap { $0[which]?.array ?? [] }.compactMap(\.text))
            #expect(named == ["M-PRC-1", "M-PRC-2"], "\(which)")
        }
    }
}
