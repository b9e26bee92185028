import Testing
import ProtocolChecks
import ToteCore

/// Protocol/vectors/programme.json: what is earned, ranks, rewards, and dates.
@Suite struct ProgrammeVectorTests {
    /// A vector's catalogue: its own, or that of the vector that it names, with its programme.
    private static func catalog(_ vector: JSON, _ catalogs: [String: JSON]) throws -> JSON {
        let catalog = try #require(
            vector["catalog"]?.text.map { catalogs[$0] } ?? vector["catalog"])
        guard let programme = vector["programme"] else { return catalog }
        return .object(
            catalog.members.filter { $0.name != "programme" } + [("programme", programme)])
    }

    @Test func `programmes are read and answer as the vectors say`() throws {
        let vectors = try JSON.vectors("programme")
        #expect(vectors.count >= 100)
        var catalogs: [String: JSON] = [:]
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            let form = try Self.catalog(vector, catalogs)
            catalogs[id] = form
            let found: JSON
            let wanted: JSON?
            if let faults = vector["faults"] {
                found = try Self.faults(form)
                wanted = faults
                #expect(found.array.count == faults.array.count, "\(id)")
                #expect(found.array.allSatisfy(faults.array.contains), "\(id): \(found)")
                continue
            }
            let catalog = try Catalog(Encoding.json.value(form.bytes))
            (found, wanted) = try Self.answer(#require(catalog.programme), vector)
            #expect(found == wanted, "\(id): \(found)")
            #expect(found != vector["wrong"], "\(id)")
        }
    }

    private static func faults(_ form: JSON) throws -> JSON {
        let members = form.members.filter { $0.name != "version" }
        let value = try Encoding.json.value(JSON.object(members).bytes)
        do throws(CatalogFaults) {
            _ = try Catalog(imported: value)
            return .array([])
        } catch {
            return .array(error.faults.map { .array([.text($0.path), .text($0.code)]) })
        }
    }

    /// What a programme says, and what the vector does.
    private static func answer(
        _ programme: Programme, _ vector: JSON
    ) throws -> (found: JSON, wanted: JSON?) {
        let currency = vector["currency"]?.text ?? ""
        let lines = pairs(vector["lines"]).map { (sku: $0.0, price: $0.1) }
        if let order = vector["earn"] {
            let points = programme.earned(
                lines: pairs(order["lines"]).map { (sku: $0.0, amount: $0.1) },
                total: order["total"]?.int ?? -1, paidWithPoints: order["paid"]?.int ?? -1,
                currency: order["currency"]?.text ?? "", times: order["times"]?.int ?? -1)
            return (.int(points), vector["points"])
        }
        if let id = vector["reward"]?.text {
            let value = programme.reward(id).flatMap {
                programme.value(of: $0.benefit, lines: lines, currency: currency)
            }
            return (value.map { .int($0) } ?? .null, vector["value"])
        }
        if let points = vector["reach"]?.int {
            let rewards = programme.rewardsInReach(
                points: points, lines: lines, currency: currency)
            return (
                .array(rewards.map { .array([.text($0.reward.id), .int($0.value)]) }),
                vector["rewards"]
            )
        }
        if let time = vector["earned_at"]?.int {
            let pending = Int64(programme.pendingUntil(UInt64(time)))
            #expect(JSON.int(pending) == vector["pending_until"], "\(vector)")
            let expiry = programme.expiry(ofPointsEarnedAt: UInt64(time))
            return (expiry.map { .int(Int64($0)) } ?? .null, vector["expired"])
        }
        let time = UInt64(vector["at"]?.int ?? 0)
        let period = programme.period(at: time).map { period in
            JSON.array([.int(Int64(period.start)), .int(Int64(period.end))])
        }
        #expect(period ?? .null == vector["period"], "\(vector)")
        let earned = (vector["earned"]?.array ?? []).map {
            (UInt64($0.array[0].int ?? 0), $0.array[1].int ?? 0)
        }
        let tier = programme.tier(
            earned: Dictionary(earned, uniquingKeysWith: { first, _ in first }), at: time)
        return (tier.map { .text($0.id) } ?? .null, vector["tier"])
    }

    private static func pairs(_ list: JSON?) -> [(String, Int64)] {
        (list?.array ?? []).map { ($0.array[0].text ?? "", $0.array[1].int ?? -1) }
    }
}
