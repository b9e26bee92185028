import Foundation
import Testing
import ToteCore

/// What points are earned and worth, against slower ways of finding out.
@Suite struct ProgrammeTests {
    /// A catalogue with one store and these members of a programme besides its names.
    static func programme(
        earn: String = "[]", _ more: String = ""
    ) throws -> Programme {
        let text = """
            {"products":[{"sku":"latte","names":{"en":"x"},"tax":"t","price":{"EUR":400}},
            {"sku":"cake","names":{"en":"x"},"tax":"t","price":{"EUR":500}},
            {"sku":"card","names":{"en":"x"},"tax":"t","price":{"EUR":1000}}],
            "stores":[{"id":"s","names":{"en":"x"},"currency":"EUR","tax_included":true,
            "taxes":{"t":0},"open":[],"preparation_minutes":5,"slot_minutes":10,"slot_capacity":3,
            "expire_minutes":60,"late_minutes":[5,10],"name_policy":"none"}],
            "programme":{"names":{"en":"Points"},"earn":\(earn)\(more)}}
            """
        let catalog = try Catalog(imported: Encoding.json.value(Array(text.utf8)))
        return try #require(catalog.programme)
    }

    private static let skus = ["latte", "cake", "card", "unknown"]

    /// A number whose length is drawn first, so that small and extreme ones are as likely.
    private static func number(
        _ range: ClosedRange<Int64>, _ random: inout SeededGenerator
    ) -> Int64 {
        if random.chance(5) { return range.upperBound }
        let bits = Int64.bitWidth - range.upperBound.leadingZeroBitCount
        let magnitude = UInt64(1) << UInt64(random.below(bits + 1))
        return min(max(Int64(random.next() % magnitude), range.lowerBound), range.upperBound)
    }

    /// Whether `points` is `dividend` ÷ `divisor`, rounded by a rule and capped.
    private static func isRounded(
        _ points: Int64, _ rounding: String, _ dividend: BigNatural, _ divisor: BigNatural
    ) -> Bool {
        let two = BigNatural(2)
        let isEnough: Bool  // The exact number reaches what rounds to `points`…
        let isTooMuch: Bool  // …or what rounds to one more.
        switch rounding {
        case "down":
            isEnough = BigNatural(points) * divisor <= dividend
            isTooMuch = BigNatural(points + 1) * divisor <= dividend
        case "nearest":
            isEnough = BigNatural(max(0, 2 * points - 1)) * divisor <= two * dividend
            isTooMuch = BigNatural(2 * points + 1) * divisor <= two * dividend
        default:
            isEnough = points == 0 || BigNatural(points - 1) * divisor < dividend
            isTooMuch = BigNatural(points) * divisor < dividend
        }
        return isEnough && (!isTooMuch || points == Programme.pointsMax)
    }

    /// Division is checked by multiplication, in numbers that know no width.
    @Test func `10,000 random earnings are what long multiplication says`() throws {
        var between = 0
        for seed in 0..<200 as Range<UInt64> { between += try Self.checkEarnings(seed) }
        // Neither nothing nor the bound, in most of them.
        #expect(between > 4_000)
    }

    /// Checks 50 earnings of one rule; says how many are neither 0 nor the most there can be.
    private static func checkEarnings(_ seed: UInt64) throws -> Int {
        var random = SeededGenerator(seed: seed)
        let rounding = random.pick(["down", "nearest", "up"])
        let points = number(1...1_000_000_000, &random)
        let per = number(1...1_000_000_000_000, &random)
        let times = ["latte": 1_000, "cake": number(0...100_000, &random), "card": 0]
        let rule =
            #"{"currency":"EUR","points":\#(points),"per":\#(per),"rounding":"\#(rounding)"}"#
        let programme = try programme(
            earn: "[\(rule)]",
            #","multipliers":[{"sku":"cake","times":\#(times["cake"] ?? 0)},"#
                + #"{"sku":"card","times":0}]"#)
        var between = 0
        for _ in 0..<50 {
            let lines = (0..<random.below(6)).map { _ in
                (sku: random.pick(skus), amount: number(0...Catalog.amountMax, &random))
            }
            let total = number(0...Catalog.amountMax, &random)
            let paid = random.chance(50) ? 0 : Int64(random.next() % UInt64(total + 1))
            let tier = random.chance(50) ? 1_000 : number(0...100_000, &random)
            let found = programme.earned(
                lines: lines, total: total, paidWithPoints: paid, currency: "EUR", times: tier)
            if found > 0, found < Programme.pointsMax { between += 1 }
            var weighted = BigNatural(0)
            for line in lines {
                weighted =
                    weighted + BigNatural(line.amount) * BigNatural(times[line.sku] ?? 1_000)
            }
            let factors = [total - paid, tier, points].map { BigNatural($0) }
            let dividend = factors.reduce(weighted, *)
            let divisor = [total, 1_000_000, per].map { BigNatural($0) }.reduce(BigNatural(1), *)
            let isRight = total == 0 ? found == 0 : isRounded(found, rounding, dividend, divisor)
            #expect(
                isRight,
                "seed \(seed): \(found) of \(lines), \(total) − \(paid), × \(tier), \(rule)")
        }
        return between
    }

    @Test func `lines below 0 take away, and never more than there is`() throws {
        let programme = try Self.programme(
            earn: #"[{"currency":"EUR","points":1,"per":10,"rounding":"up"}]"#)
        func earned(_ amounts: Int64...) -> Int64 {
            programme.earned(
                lines: amounts.map { ("latte", $0) }, total: 400, paidWithPoints: 0,
                currency: "EUR", times: Programme.once)
        }
        #expect(earned(500, -100) == 40)
        #expect(earned(100, -100) == 0)
        #expect(earned(100, -101) == 0)
        #expect(earned() == 0)
    }

    @Test func `amounts that no order has are a bug of the caller`() async {
        await #expect(processExitsWith: .failure) {
            let programme = try Self.programme()
            _ = programme.earned(
                lines: [], total: 1_000_000_000_001, paidWithPoints: 0, currency: "EUR",
                times: 1_000)
        }
        await #expect(processExitsWith: .failure) {
            let programme = try Self.programme()
            _ = programme.earned(
                lines: [], total: 5, paidWithPoints: 6, currency: "EUR", times: 1_000)
        }
    }

    @Test func `a date of expiry is the one that a calendar finds`() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        var random = SeededGenerator(seed: 4)
        for months in [1, 2, 3, 6, 11, 12, 13, 24, 48, 119, 120] {
            let programme = try Self.programme(#","expiry_months":\#(months)"#)
            for _ in 0..<300 {
                // From 1970 to 2286, the end of months more often than others.
                var time = random.next() % 10_000_000_000_000
                if random.chance(50) {
                    let month = calendar.dateInterval(
                        of: .month, for: Date(timeIntervalSince1970: Double(time / 1_000)))
                    let end = UInt64(try #require(month).end.timeIntervalSince1970) * 1_000
                    time = end - 1 - random.next() % (3 * 86_400_000)
                }
                let date = Date(timeIntervalSince1970: Double(time / 1_000))
                let later = try #require(calendar.date(byAdding: .month, value: months, to: date))
                let day = try #require(calendar.dateInterval(of: .day, for: later))
                let want = UInt64(day.end.timeIntervalSince1970) * 1_000
                #expect(programme.expiry(ofPointsEarnedAt: time) == want, "\(time), \(months)")
            }
        }
    }

    @Test func `times beyond all calendars do not wrap`() throws {
        let programme = try Self.programme(#","expiry_months":120,"pending_hours":2160"#)
        #expect(programme.expiry(ofPointsEarnedAt: .max) == .max)
        #expect(programme.pendingUntil(.max) == .max)
        #expect(programme.pendingUntil(5) == 5 + 2_160 * 3_600_000)
        let forever = try Self.programme()
        #expect(forever.expiry(ofPointsEarnedAt: 0) == nil && forever.pendingUntil(7) == 7)
    }

    @Test func `a tier is that of the better of two periods, as a plain search finds`() throws {
        let programme = try Self.programme(
            #","tiers":[{"id":"a","names":{"en":"A"},"from":10,"times":1000},"#
                + #"{"id":"b","names":{"en":"B"},"from":20,"times":1000},"#
                + #"{"id":"c","names":{"en":"C"},"from":30,"times":1000}],"#
                + #""tier_periods":[[100,200],[200,250],[250,400],[400,401]]"#)
        let starts: [UInt64] = [100, 200, 250, 400, 401]
        var random = SeededGenerator(seed: 6)
        for _ in 0..<3_000 {
            var earned: [UInt64: Int64] = [:]
            for start in starts where random.chance(70) { earned[start] = Int64(random.below(40)) }
            let time = UInt64(90 + random.below(320))
            var best: Int64 = 0
            for place in 0..<4 where starts[place] <= time && time < starts[place + 1] {
                best = max(earned[starts[place]] ?? 0, 0)
                if place > 0 { best = max(best, earned[starts[place - 1]] ?? 0) }
            }
            let want = best >= 30 ? "c" : best >= 20 ? "b" : best >= 10 ? "a" : nil
            #expect(programme.tier(earned: earned, at: time)?.id == want, "\(earned), \(time)")
        }
        #expect(programme.period(at: 99) == nil && programme.period(at: 401) == nil)
        #expect(try #require(programme.period(at: 249)) == (200, 250))
    }

    @Test func `a tier from 0 is everybody's, also where no period is known`() throws {
        let programme = try Self.programme(
            #","tiers":[{"id":"a","names":{"en":"A"},"from":0,"times":1100}],"#
                + #""tier_periods":[[100,200]]"#)
        for time in [0, 150, 300] as [UInt64] {
            #expect(programme.tier(earned: [:], at: time)?.times == 1_100)
        }
    }

    @Test func `rewards in reach are the cheapest first, and those that apply`() throws {
        let programme = try Self.programme(
            #","rewards":[{"id":"z","names":{"en":"z"},"points":30,"discount":{"EUR":100}},"#
                + #"{"id":"m","names":{"en":"m"},"points":20,"product":"cake"},"#
                + #"{"id":"a","names":{"en":"a"},"points":20,"product":"latte"},"#
                + #"{"id":"b","names":{"en":"b"},"points":10,"product":"card"}]"#)
        let lines: [(sku: String, price: Int64)] = [("latte", 400), ("cake", 500), ("latte", 450)]
        func reach(_ points: Int64, _ currency: String = "EUR") -> [String] {
            programme.rewardsInReach(points: points, lines: lines, currency: currency)
                .map { "\($0.reward.id) \($0.value)" }
        }
        #expect(reach(19) == [])
        #expect(reach(20) == ["m 500", "a 450"])
        #expect(reach(1_000) == ["m 500", "a 450", "z 100"])
        #expect(reach(1_000, "USD") == ["m 500", "a 450"])
        #expect(reach(1_000, "EUR\u{301}") == ["m 500", "a 450"])
        #expect(programme.reward("z")?.points == 30 && programme.reward("y") == nil)
        let free = programme.rewardsInReach(points: 20, lines: [("cake", 0)], currency: "EUR")
        #expect(free.isEmpty)
    }

    @Test func `an SKU is its bytes`() throws {
        let programme = try Self.programme(#","multipliers":[{"sku":"card","times":5000}]"#)
        #expect(programme.times(of: "card") == 5_000)
        #expect(programme.times(of: "ca\u{200D}rd") == 1_000)
        #expect(programme.times(of: "Card") == 1_000)
    }
}
