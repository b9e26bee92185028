import ToteCommandLine
import ToteCore

/// One line of a sales export: how many of what somebody bought where and when.
struct SalesRow: Hashable, Sendable {
    var customer: String
    /// Milliseconds since 1970, UTC.
    var time: UInt64
    var store: String
    var sku: String
    var quantity: Int64
    /// Of one, minor units.
    var price: Int64
    var currency: String
}

/// Reads the lines of a sales export by the names in its header.
struct SalesRowReader: Sendable {
    private static let names = ["customer", "time", "store", "sku", "quantity", "price"]
    static let quantityMax: Int64 = 999

    private let columns: [String: Int]
    private let width: Int
    private let currency: String

    /// Reads the header.
    ///
    /// - Parameter currency: of files that have no column for it.
    init(header: CSVStream.Record, currency: String) throws(TextError) {
        var columns: [String: Int] = [:]
        for (index, field) in header.fields.enumerated() {
            let name = field.text.lowercased().filter { $0 != " " }
            let known = Self.names + ["currency"]
            guard known.contains(name) else {
                let near = Suggestion.nearest(to: name, among: known).map { "did you mean \($0)?" }
                throw TextError(
                    field.place,
                    "no column is called '\(field.text)': "
                        + (near ?? "there are \(known.joined(separator: ", "))"))
            }
            guard columns.updateValue(index, forKey: name) == nil else {
                throw TextError(field.place, "the column \(name) is there twice")
            }
        }
        for name in Self.names where columns[name] == nil {
            let place = header.fields.first?.place ?? TextPlace(line: 1, column: 1)
            throw TextError(
                place,
                "the column \(name) is missing: the first line names the columns, "
                    + Self.names.joined(separator: ","))
        }
        self.columns = columns
        width = header.fields.count
        self.currency = currency
    }

    /// Reads a line.
    func row(_ record: CSVStream.Record) throws(TextError) -> SalesRow {
        guard record.fields.count == width else {
            let place = TextPlace(line: record.line, column: 1)
            throw TextError(
                place, "\(record.fields.count) values stand here, the header names \(width)")
        }
        func field(_ name: String) -> CSVStream.Field { record.fields[columns[name] ?? 0] }
        func text(_ name: String, most: Int) throws(TextError) -> String {
            let field = field(name)
            let isPlain = field.text.unicodeScalars.allSatisfy { $0.value >= 0x20 }
            guard (1...most).contains(field.text.utf8.count), isPlain else {
                throw TextError(
                    field.place, "the \(name) is a text of 1 to \(most) bytes")
            }
            return field.text
        }
        let time = field("time")
        guard let moment = Moment.parse(time.text) else {
            throw TextError(
                time.place,
                "'\(time.text)' is no time: like 2026-11-23T12:00:00Z or 2026-11-23 12:00")
        }
        var currency = self.currency
        if columns["currency"] != nil {
            currency = field("currency").text
            guard Currency.exponent(currency) != nil else {
                throw TextError(
                    field("currency").place,
                    "'\(currency)' is no currency of ISO 4217, like EUR")
            }
        }
        let quantity = field("quantity")
        guard let count = Int64(quantity.text), (1...Self.quantityMax).contains(count) else {
            throw TextError(
                quantity.place,
                "'\(quantity.text)' is no quantity: a whole number from 1 to \(Self.quantityMax); "
                    + "returns are not played")
        }
        let price = field("price")
        guard let amount = Currency.amount(price.text, currency), amount >= 0 else {
            let decimals = Currency.exponent(currency) ?? 0
            throw TextError(
                price.place,
                "'\(price.text)' is no price in \(currency): a number with at most \(decimals) "
                    + "decimals behind a dot")
        }
        return SalesRow(
            customer: try text("customer", most: 256), time: moment,
            store: try text("store", most: 256), sku: try text("sku", most: 64), quantity: count,
            price: amount, currency: currency)
    }
}
