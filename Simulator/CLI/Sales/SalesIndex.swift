import Glibc
import ToteCommandLine
import ToteCore

/// What a sales export holds, found in one pass: who, where, what, the sums, and where each
/// purchase stands in the file.
///
/// Memory: 32 bytes for each purchase, and the names of customers, stores and products.
struct SalesIndex: Sendable {
    struct Store: Sendable {
        let name: String
        let currency: String
        /// The catalogue's id for it.
        let id: String
        /// By the file, minor units.
        var total: Int64 = 0
    }

    /// Lines that follow each other with the same customer, store and time.
    struct Purchase: Sendable {
        let time: UInt64
        let offset: UInt64
        let line: Int
        var rows: Int
    }

    /// A customer's spending in one currency.
    struct Account: Hashable, Sendable {
        let customer: Int
        let currency: String
    }

    struct Priced: Hashable, Sendable {
        let store: Int
        let sku: String
    }

    static let rowsMax = 20_000_000
    static let purchaseRowsMax = 1_000

    private(set) var customers: [String] = []
    private(set) var customerIndex: [String: Int] = [:]
    private(set) var stores: [Store] = []
    private(set) var storeIndex: [String: Int] = [:]
    /// SKUs, in the order of the file.
    private(set) var products: [String] = []
    private var productIndex: Set<String> = []
    /// The first price of each product at each store.
    private(set) var prices: [Priced: Int64] = [:]
    /// By their time.
    private(set) var purchases: [Purchase] = []
    private(set) var accounts: [Account: Int64] = [:]
    private(set) var rows = 0
    let reader: SalesRowReader

    /// Reads a whole file.
    init(_ descriptor: Int32, currency: String) throws(TextError) {
        let stream = CSVStream(descriptor)
        guard let header = try stream.next() else {
            throw TextError(TextPlace(line: 1, column: 1), "the file is empty")
        }
        reader = try SalesRowReader(header: header, currency: currency)
        var last: SalesRow?
        while let record = try stream.next() {
            let row = try reader.row(record)
            try note(row, record)
            if let before = last, before.customer == row.customer, before.store == row.store,
                before.time == row.time, purchases[purchases.count - 1].rows < Self.purchaseRowsMax
            {
                purchases[purchases.count - 1].rows += 1
            } else {
                purchases.append(
                    Purchase(time: row.time, offset: record.offset, line: record.line, rows: 1))
            }
            last = row
        }
        guard rows > 0 else {
            throw TextError(TextPlace(line: 2, column: 1), "there is no sale below the header")
        }
        purchases.sort { ($0.time, $0.offset) < ($1.time, $1.offset) }
    }

    private mutating func note(_ row: SalesRow, _ record: CSVStream.Record) throws(TextError) {
        func refuse(_ message: String) -> TextError {
            TextError(TextPlace(line: record.line, column: 1), message)
        }
        rows += 1
        guard rows <= Self.rowsMax else { throw refuse("over \(Self.rowsMax) lines") }
        let customer = customerIndex[row.customer] ?? customers.count
        if customer == customers.count {
            customers.append(row.customer)
            customerIndex[row.customer] = customer
        }
        let store = storeIndex[row.store] ?? stores.count
        if store == stores.count {
            guard stores.count < Catalog.storesMax else {
                throw refuse("a catalogue has at most \(Catalog.storesMax) stores")
            }
            stores.append(
                Store(name: row.store, currency: row.currency, id: "store-\(store + 1)"))
            storeIndex[row.store] = store
        }
        guard stores[store].currency == row.currency else {
            throw refuse(
                "the store sells in \(row.currency) here and in \(stores[store].currency) before: "
                    + "a store has one currency")
        }
        if productIndex.insert(row.sku).inserted {
            guard products.count < Catalog.productsMax else {
                throw refuse("a catalogue has at most \(Catalog.productsMax) products")
            }
            products.append(row.sku)
        }
        let priced = Priced(store: store, sku: row.sku)
        if prices[priced] == nil { prices[priced] = row.price }
        // Both factors are bounded: 999 × 10¹² fits.
        let amount = row.quantity * row.price
        let account = Account(customer: customer, currency: row.currency)
        let (spent, isTooMuch) = accounts[account, default: 0].addingReportingOverflow(amount)
        let (earned, isBeyond) = stores[store].total.addingReportingOverflow(amount)
        guard !isTooMuch, !isBeyond else { throw refuse("the sums go beyond any amount") }
        accounts[account] = spent
        stores[store].total = earned
    }

    /// The lines of a purchase.
    func rows(of purchase: Purchase, in descriptor: Int32) throws(TextError) -> [SalesRow] {
        let stream = CSVStream(
            descriptor, from: purchase.offset, line: purchase.line,
            chunkBytes: CSVStream.purchaseChunkBytes)
        var rows: [SalesRow] = []
        while rows.count < purchase.rows, let record = try stream.next() {
            rows.append(try reader.row(record))
        }
        return rows
    }
}
