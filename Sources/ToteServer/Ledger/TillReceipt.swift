internal import ToteCore

/// A purchase at a till, as it is kept for what may come back of it.
struct TillReceipt {
    struct Line {
        var sku: String
        var quantity: Int64
        /// Of the whole line, minor units.
        var amount: Int64
    }

    var currency: String
    var total: Int64
    var lines: [Line]
    /// What came back, by the line's place.
    var returned: [Int: Int64] = [:]

    /// Reads a till's request, and what `value` gave.
    ///
    /// - Throws: `Problem` with what is wrong.
    init(_ value: Value) throws {
        func malformed(_ what: String) -> Problem { Problem(400, "malformed", what) }
        guard let currency = value["currency"]?.textValue, AccountName("card:\(currency)") != nil
        else { throw malformed("currency is an ISO 4217 code") }
        guard let total = value["total"]?.intValue, (0...PlaceIntent.amountMax).contains(total)
        else { throw malformed("total is minor units, from 0 to \(PlaceIntent.amountMax)") }
        guard case .array(let entries)? = value["lines"],
            (1...PlaceIntent.linesMax).contains(entries.count)
        else { throw malformed("lines is a list of 1 to \(PlaceIntent.linesMax)") }
        self.currency = currency
        self.total = total
        lines = try entries.map { entry in
            guard let sku = entry["sku"]?.textValue, (1...512).contains(sku.utf8.count),
                let quantity = entry["quantity"]?.intValue,
                (1...PlaceIntent.quantityMax).contains(quantity),
                let amount = entry["amount"]?.intValue,
                (0...PlaceIntent.amountMax).contains(amount)
            else { throw malformed("a line is {sku, quantity, amount}") }
            return Line(sku: sku, quantity: quantity, amount: amount)
        }
        guard case .array(let back)? = value["returned"] else { return }
        for case .array(let pair) in back where pair.count == 2 {
            guard let index = pair[0].intValue, let quantity = pair[1].intValue else { continue }
            returned[Int(index)] = quantity
        }
    }

    func value(earned: Int64) -> Value {
        .map([
            "currency": .text(currency), "total": .int(total), "earned": .int(earned),
            "lines": .array(
                lines.map {
                    .map([
                        "sku": .text($0.sku), "quantity": .int($0.quantity),
                        "amount": .int($0.amount),
                    ])
                }),
            "returned": .array(
                returned.sorted { $0.key < $1.key }.map {
                    .array([.int(Int64($0.key)), .int($0.value)])
                }),
        ])
    }

    /// What a request says comes back, added to what came back before.
    ///
    /// - Parameter asked: `[{item, quantity}…]`, or `nil` for all that is left.
    static func adding(
        _ asked: Value?, to returned: [Int: Int64], _ lines: [Line]
    ) throws -> [Int: Int64] {
        var sum = returned
        if let asked {
            guard case .array(let entries) = asked, (1...lines.count).contains(entries.count)
            else { throw Problem(400, "malformed", "lines is a list of {item, quantity}") }
            for entry in entries {
                guard let item = entry["item"]?.textValue,
                    let quantity = entry["quantity"]?.intValue, quantity > 0,
                    quantity <= PlaceIntent.quantityMax
                else { throw Problem(400, "malformed", "a line is {item, quantity}") }
                guard
                    let index = lines.indices.first(where: {
                        Name(lines[$0].sku) == Name(item)
                            && sum[$0, default: 0] + quantity <= lines[$0].quantity
                    })
                else {
                    throw Problem(
                        409, "already_returned", "not so many of \(item) were bought and kept")
                }
                sum[index, default: 0] += quantity
            }
        } else {
            for index in lines.indices { sum[index] = lines[index].quantity }
        }
        guard sum != returned else {
            throw Problem(409, "already_returned", "all of it was returned before")
        }
        return sum
    }

    /// What of a total came back so far: by the lines' amounts, all of it when all lines did.
    static func worth(_ returned: [Int: Int64], of lines: [Line], total: Int64) -> Int64 {
        let sum = lines.reduce(Int64(0)) { $0 + $1.amount }
        if lines.indices.allSatisfy({ returned[$0, default: 0] >= lines[$0].quantity }) {
            return total
        }
        let back = lines.indices.reduce(Int64(0)) { worth, index in
            let line = lines[index]
            return worth
                + LedgerBook.share(line.amount, returned[index, default: 0], line.quantity)
        }
        return LedgerBook.share(total, back, sum)
    }
}
