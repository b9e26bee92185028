import ToteClient
import ToteCommandLine
import ToteConcurrency
import ToteCore

/// Verbs of points and stored value.
extension CounterSession {
    func runPoints(_ line: VerbLine) throws(VerbFailure) -> [String]? {
        switch line.verb.name {
        case "redeem": return try redeem(try VerbWords(line))
        case "receipt": return try receipt(try VerbWords(line))
        case "return": return try goodsBack(try VerbWords(line))
        case "redeemer": return redeemerStatus()
        case "promise": return try promise()
        default: return nil
        }
    }

    /// The currency that amounts are in.
    private func currency(_ words: VerbWords) throws(VerbFailure) -> String {
        let code = words.options["currency"] ?? "EUR"
        guard Currency.exponent(code) != nil else {
            throw VerbFailure(.usage, "'\(code)' is no currency: currency=EUR")
        }
        return code
    }

    private func amount(_ text: String, _ currency: String) throws(VerbFailure) -> Int64 {
        guard let amount = Currency.amount(text, currency) else {
            throw VerbFailure(.usage, "'\(text)' is no amount of \(currency)")
        }
        return amount
    }

    private func only(_ known: [String], _ words: VerbWords) throws(VerbFailure) {
        for option in words.options.keys.sorted() where !known.contains(option) {
            throw VerbFailure(
                .usage,
                "there is no \(option)= here: it may have \(known.joined(separator: "=, "))="
            )
        }
    }

    private func redeem(_ words: VerbWords) throws(VerbFailure) -> [String] {
        try words.atMost(2)
        try only(["price", "currency"], words)
        let currency = try currency(words)
        let (code, what) = (try words.word(0), try words.word(1))
        let isAmount = what.utf8.first.map { (0x30...0x39).contains($0) } ?? false
        let price: Int64? =
            if let text = words.options["price"] { try amount(text, currency) } else { nil }
        if what.hasPrefix("offer:") {
            let value = try answer(
                counter.redemption(code, offer: String(what.dropFirst(6)), currency, price))
            return [redeemed(value, currency)]
        }
        let asked: RedeemedFor =
            isAmount ? .amount(try amount(what, currency)) : .reward(what, price: price)
        if !counter.link.profile.isOffline {
            do throws(VerbFailure) {
                let value = try answer(counter.redemption(code, asked, currency))
                return [redeemed(value, currency)]
            } catch {
                // What the customer has lies in the reservation, which the redeemer alone spends.
                guard error.code == "balance_too_low", code.hasPrefix("TOTE.L1."),
                    counter.redeemer != nil
                else { throw error }
            }
        }
        return try redeemReserved(code, asked, currency)
    }

    private func redeemed(_ value: Value, _ currency: String) -> String {
        "redeemed: \(value["units"]?.intValue ?? 0) for "
            + Currency.text(value["value"]?.intValue ?? 0, currency)
            + "  \(value["redemption"]?.textValue ?? "")"
    }

    private func redeemReserved(
        _ code: String, _ asked: RedeemedFor, _ currency: String
    ) throws(VerbFailure) -> [String] {
        do throws(ToteError) {
            let taken = try counter.redeemOffline(code, asked)
            let told =
                counter.link.profile.isOffline ? "is told when the network is back" : "is told"
            return [
                "redeemed: \(taken.units) for \(Currency.text(taken.value, currency)), "
                    + "\(taken.left) left; the server \(told)  \(taken.id)"
            ]
        } catch {
            let code = error.rejection?.code ?? error.code.rawValue
            throw VerbFailure(.refused, "\(error.message) (\(code))", code: code)
        }
    }

    private func receipt(_ words: VerbWords) throws(VerbFailure) -> [String] {
        try only(["id", "currency"], words)
        let currency = try currency(words)
        let (code, total) = (try words.word(0), try amount(try words.word(1), currency))
        var bought: [(sku: String, quantity: Int64, amount: Int64)] = []
        for line in try lines(words, from: 2) { bought.append((line.item, line.quantity, 0)) }
        if bought.isEmpty { bought = [("goods", 1, 0)] }
        // The till of the simulator has no prices: the first line stands for all that was paid.
        bought[0].amount = total
        let id = words.options["id"] ?? "r-\(SystemClock.nowMilliseconds())"
        let value = try answer(
            counter.receipt(id, code: code, currency, total: total, bought))
        return ["receipt \(id) earned \(value["earned"]?.intValue ?? 0)"]
    }

    /// `SKU [N] SKU [N] …`.
    private func lines(
        _ words: VerbWords, from start: Int
    ) throws(VerbFailure) -> [(item: String, quantity: Int64)] {
        var lines: [(item: String, quantity: Int64)] = []
        for word in words.plain.dropFirst(start) {
            if let number = Int64(word) {
                guard !lines.isEmpty, number > 0 else { throw words.wrong }
                lines[lines.count - 1].quantity = number
            } else {
                lines.append((word, 1))
            }
        }
        return lines
    }

    private func goodsBack(_ words: VerbWords) throws(VerbFailure) -> [String] {
        try only(["reason"], words)
        let id = try words.word(1)
        let source: [String: Value]
        switch try words.word(0) {
        case "order": source = ["order": .text(try wholeID(id))]
        case "redemption": source = ["redemption": .text(id)]
        case "receipt":
            let parts = id.split(separator: ":", maxSplits: 1).map(String.init)
            let store = parts.count == 2 ? parts[0] : counter.options.store
            source = ["receipt": .map(["store": .text(store), "id": .text(parts.last ?? id)])]
        default: throw words.wrong
        }
        let value = try answer(
            counter.goodsBack(source, try lines(words, from: 2), reason: words.options["reason"]))
        let currency = value["currency"]?.textValue ?? "EUR"
        let outside = value["refund_at_counter"]?.intValue ?? 0
        return [
            "taken back, worth \(Currency.text(value["worth"]?.intValue ?? 0, currency)), of it "
                + "\(Currency.text(outside, currency)) to give back here"
        ]
    }

    private func redeemerStatus() -> [String] {
        guard let redeemer = counter.redeemer else {
            return ["no redeemer: start with --redeemer, and name its token: tote store redeemer"]
        }
        return Blocking.wait {
            let taken = await redeemer.receipts.filter { $0.label == "redeem" }
            let waiting = taken.count { !$0.state.isFinal }
            return [
                await redeemer.isEnrolled
                    ? "takes reservations while the network is off"
                    : "has no key yet: name its token with `tote store redeemer`",
                "\(taken.count) redeemed offline, \(waiting) to be answered",
            ]
        }
    }

    private func promise() throws(VerbFailure) -> [String] {
        guard let redeemer = counter.redeemer else {
            throw VerbFailure(.refused, "no redeemer: start with --redeemer", code: "not_redeemer")
        }
        let receipt = Blocking.wait { (try? await redeemer.promiseWatermark()) ?? nil }
        return [receipt == nil ? "nothing new to promise" : "promised"]
    }
}
