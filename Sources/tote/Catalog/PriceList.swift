import ToteCommandLine
import ToteCore

/// A plain price list: `sku,name,price,currency` and, when wanted, `store,category,tax`.
///
/// It is merged into a catalogue: products that are there get what its cells say, others are
/// added.
struct PriceList {
    static let columns = ["sku", "name", "price", "currency", "store", "category", "tax"]
    private static let needed = ["sku", "name", "price", "currency"]

    private let catalog: Catalog
    /// The language of the names.
    private let language: String
    private var faults = CatalogFaultList()
    private var products: [[String: Value]]
    /// Where the products stand in the list, and where in the file.
    private var indices: [String: Int] = [:]
    private var places: [Int: TextPlace] = [:]
    private var priced: Set<[String]> = []

    private typealias Record = [String: CSVText.Cell]

    /// Merges a list into a catalogue.
    static func merge(
        _ text: String, into catalog: Catalog, language: String
    ) throws(CatalogFile.Failure) -> Catalog {
        var list = PriceList(catalog, language)
        let records: [[CSVText.Cell]]
        do {
            records = try CSVText.read(text)
        } catch {
            throw CatalogFile.Failure(faults: [
                CatalogFault(
                    place: error.place, path: "", code: "malformed", message: error.message)
            ])
        }
        return try list.merge(records)
    }

    private init(_ catalog: Catalog, _ language: String) {
        self.catalog = catalog
        self.language = language
        products = []
        guard case .array(let values)? = catalog.importedValue["products"] else { return }
        for value in values {
            guard case .map(let entries) = value else { continue }
            indices[value["sku"]?.textValue ?? ""] = products.count
            products.append(
                Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.value) }))
        }
    }

    private mutating func merge(
        _ records: [[CSVText.Cell]]
    ) throws(CatalogFile.Failure) -> Catalog {
        guard let header = records.first else {
            faults.note(
                TextPlace(line: 1, column: 1), "malformed",
                "the file is empty: its first line is \(Self.needed.joined(separator: ","))")
            throw CatalogFile.Failure(faults: faults.faults)
        }
        readHeader(header)
        guard faults.faults.isEmpty else { throw CatalogFile.Failure(faults: faults.faults) }
        for cells in records.dropFirst() {
            guard cells.count == header.count else {
                faults.note(
                    cells[0].place, "malformed",
                    "\(cells.count) values in this line, the first line has \(header.count)")
                continue
            }
            merge(Dictionary(uniqueKeysWithValues: zip(header.map(\.text), cells)))
        }
        guard faults.faults.isEmpty else { throw CatalogFile.Failure(faults: faults.faults) }
        return try checked()
    }

    private mutating func readHeader(_ header: [CSVText.Cell]) {
        var seen: Set<String> = []
        for cell in header {
            if !Self.columns.contains(cell.text) {
                faults.note(
                    cell.place, "unknown_member", "there is no column `\(cell.text)`",
                    word: cell.text, known: Self.columns)
            } else if !seen.insert(cell.text).inserted {
                faults.note(cell.place, "duplicate", "the column `\(cell.text)` is there twice")
            }
        }
        for name in Self.needed where !seen.contains(name) && faults.faults.isEmpty {
            faults.note(
                header[0].place, "missing_member",
                "the column `\(name)` is missing: the first line names the columns")
        }
    }

    private mutating func merge(_ record: Record) {
        guard let sku = record["sku"], let price = record["price"],
            let currency = record["currency"]
        else { return }
        guard !sku.text.isEmpty else {
            return faults.note(sku.place, "missing_member", "a SKU is missing", path: "sku")
        }
        guard let exponent = Currency.exponent(currency.text) else {
            return faults.note(
                currency.place, "bad_currency",
                "\"\(currency.text)\" is no currency of ISO 4217, like EUR", path: "currency")
        }
        guard let amount = Currency.amount(price.text, currency.text), amount >= 0 else {
            let example = Currency.decimal(450, exponent)
            return faults.note(
                price.place, "out_of_range",
                "\"\(price.text)\" is no price in \(currency.text), like \(example)",
                path: "price")
        }
        let store = record["store"].flatMap { $0.text.isEmpty ? nil : $0 }
        if let store, !check(store, currency) { return }
        guard priced.insert([sku.text, store?.text ?? "", currency.text]).inserted else {
            return faults.note(
                sku.place, "duplicate", "this price of \(sku.text) stands further up already",
                path: "sku")
        }
        let index = indices[sku.text] ?? add(sku, record)
        guard let index else { return }
        places[index] = sku.place
        set(amount, of: index, at: store?.text, in: currency.text)
        apply(record, to: index)
    }

    /// Whether a store is there and takes a currency.
    private mutating func check(_ cell: CSVText.Cell, _ currency: CSVText.Cell) -> Bool {
        guard let store = catalog.store(cell.text) else {
            faults.note(
                cell.place, "unknown_reference", "there is no store `\(cell.text)`",
                path: "store", word: cell.text, known: catalog.stores.map(\.id))
            return false
        }
        guard store.currency == currency.text else {
            faults.note(
                currency.place, "bad_currency",
                "\(store.id) takes \(store.currency), not \(currency.text)", path: "currency")
            return false
        }
        return true
    }

    /// A new product: it has a name, and a tax category where there is more than one.
    private mutating func add(_ sku: CSVText.Cell, _ record: Record) -> Int? {
        guard let name = record["name"], !name.text.isEmpty else {
            faults.note(
                record["name"]?.place ?? sku.place, "missing_member",
                "\(sku.text) is new: it needs a name", path: "name")
            return nil
        }
        var product: [String: Value] = ["sku": .text(sku.text), "price": .map([])]
        if record["tax"]?.text.isEmpty ?? true {
            let taxes = Set(catalog.stores.flatMap(\.taxes.keys)).sorted()
            guard taxes.count == 1 else {
                faults.note(
                    record["tax"]?.place ?? sku.place, "missing_member",
                    "\(sku.text) is new: its tax is one of \(taxes.joined(separator: ", "))",
                    path: "tax")
                return nil
            }
            product["tax"] = .text(taxes[0])
        }
        indices[sku.text] = products.count
        products.append(product)
        return products.count - 1
    }

    private mutating func set(
        _ amount: Int64, of index: Int, at store: String?, in currency: String
    ) {
        let (member, key) = store.map { ("prices", $0) } ?? ("price", currency)
        products[index][member] = Self.setting(key, .int(amount), in: products[index][member])
    }

    private mutating func apply(_ record: Record, to index: Int) {
        for column in ["category", "tax"] {
            guard let cell = record[column], !cell.text.isEmpty else { continue }
            products[index][column] = .text(cell.text)
        }
        guard let name = record["name"], !name.text.isEmpty else { return }
        products[index]["names"] = Self.setting(
            language, .text(name.text), in: products[index]["names"])
    }

    private static func setting(_ name: String, _ value: Value, in map: Value?) -> Value {
        var members: [String: Value] = [:]
        if case .map(let entries)? = map {
            for entry in entries { members[entry.name] = entry.value }
        }
        members[name] = value
        return .map(members)
    }

    /// The merged catalogue, read as every other one.
    private mutating func checked() throws(CatalogFile.Failure) -> Catalog {
        var members: [String: Value] = [:]
        if case .map(let entries) = catalog.importedValue {
            for entry in entries { members[entry.name] = entry.value }
        }
        members["products"] = .array(products.map { .map($0) })
        do {
            return try Catalog(imported: .map(members))
        } catch {
            for fault in error.faults {
                var place = TextPlace(line: 1, column: 1)
                if fault.steps.count > 1, case .index(let index) = fault.steps[1] {
                    place = places[index] ?? place
                }
                var word = ""
                if let last = fault.steps.last, case .member(let name) = last,
                    case .index(let index)? = fault.steps.dropFirst().first,
                    products.indices.contains(index)
                {
                    word = products[index][name]?.textValue ?? ""
                }
                faults.note(
                    place, fault.code, fault.message, path: fault.path, word: word,
                    known: fault.known)
            }
            throw CatalogFile.Failure(faults: faults.faults.sorted { $0.place < $1.place })
        }
    }
}
