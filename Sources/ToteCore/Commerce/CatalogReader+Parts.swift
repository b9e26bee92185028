// The parts of a catalogue, and what must hold between them.

extension CatalogReader {
    mutating func catalog(_ value: Value) -> Catalog? {
        let shape: CatalogShape = form == .served ? .servedCatalog : .catalog
        guard let members = members(value, shape) else { return nil }
        var version: Int64 = 0
        if form == .served {
            version = integer(members, "version", 1...Limits.integerMax) ?? 0
        }
        let categories = list(
            members["categories"], "categories", most: Catalog.categoriesMax
        ) { $0.category($1) }
        let groups = list(members["groups"], "groups", most: Catalog.groupsMax) { $0.group($1) }
        let products = list(members["products"], "products", most: Catalog.productsMax) {
            $0.product($1)
        }
        let stores = list(members["stores"], "stores", most: Catalog.storesMax) { $0.store($1) }
        let programme = members["programme"].flatMap { value in
            at(.member("programme")) { $0.programme(value) }
        }
        let codes = list(members["codes"], "codes", most: Catalog.codesMax) { $0.code($1) }
        // Places are those of the lists only where nothing was left out.
        guard faults.isEmpty else { return nil }
        let catalog = Catalog(
            version: version, categories: categories, groups: groups, products: products,
            stores: stores, programme: programme, codes: codes)
        check(catalog)
        return faults.isEmpty ? catalog : nil
    }

    private mutating func code(_ value: Value) -> Catalog.Code? {
        guard let members = members(value, .code) else { return nil }
        let code = members["code"].flatMap { value in
            at(.member("code")) { reader -> String? in
                guard let text = reader.label(value, most: Catalog.codeBytesMax) else { return nil }
                guard text.utf8.allSatisfy({ $0 < 0x7F }) else {
                    reader.fault("bad_text", "a code is printable ASCII, as scanners read it")
                    return nil
                }
                return text
            }
        }
        let sku = members["sku"].flatMap { value in at(.member("sku")) { $0.text(value) } }
        let options = dictionary(
            members["options"], "options", most: Catalog.groupsPerProductMax
        ) { reader, _, value in reader.text(value) }
        let store = members["store"].flatMap { value in at(.member("store")) { $0.text(value) } }
        var channel: Channel?
        if let value = members["channel"] {
            channel = at(.member("channel")) { reader in
                guard let text = reader.text(value) else { return nil }
                guard let channel = Channel(.text(text)) else {
                    reader.fault(
                        "bad_id", "a channel is 1 to \(Channel.bytesMax) of a-z 0-9 -")
                    return nil
                }
                return channel
            }
        }
        guard let code, let sku else { return nil }
        return Catalog.Code(
            code: code, line: LineName(sku, options: options), store: store, channel: channel)
    }

    private mutating func checkCodes(_ catalog: Catalog) {
        steps = []
        unique(catalog.codes.map(\.code), in: ["codes"], "code")
        for (index, code) in catalog.codes.enumerated() {
            steps = [.member("codes"), .index(index)]
            if catalog.product(barcode: code.code) != nil {
                at(.member("code")) { $0.fault("duplicate", "a product has this as its barcode") }
            }
            if let store = code.store, catalog.store(store) == nil {
                reference([.member("store")], store, "store", catalog.stores.map(\.id))
            }
            guard let product = catalog.product(code.line.sku) else {
                reference(
                    [.member("sku")], code.line.sku, "product", catalog.products.map(\.sku))
                continue
            }
            for (group, text) in code.line.options.sorted(by: { $0.key < $1.key }) {
                guard product.groups.contains(group), let known = catalog.group(group) else {
                    reference(
                        [.member("options"), .member(group)], group, "option group of the product",
                        product.groups)
                    continue
                }
                check(text.split(separator: ",", omittingEmptySubsequences: false), of: known)
            }
            let missing = product.groups.filter {
                code.line.options[$0] == nil && catalog.group($0).map { $0.min > 0 } ?? false
            }
            if let group = missing.first {
                fault("missing_member", "\(product.sku) is not sold without the option \(group)")
            }
            if code.line.item.text.utf8.count > Limits.itemBytesMax {
                fault("bad_text", "a line's name has \(Limits.itemBytesMax) bytes at most")
            }
        }
    }

    /// The choices of a group as a line has them: known, in order, each once, as many as belong.
    private mutating func check(_ choices: [Substring], of group: Catalog.OptionGroup) {
        let way: [CatalogError.Step] = [.member("options"), .member(group.id)]
        let names = choices.map(String.init)
        for choice in names where group.choice(choice) == nil {
            reference(way, choice, "choice", group.choices.map(\.id))
        }
        let inOrder = Set(names.map { Name($0) }).sorted().map(\.text)
        guard inOrder != names || !(group.min...group.max).contains(names.count) else { return }
        steps += way
        fault(
            "out_of_range",
            "\(group.min) to \(group.max) choices of \(group.id), each once, in the order of their "
                + "bytes")
        steps.removeLast(way.count)
    }

    private mutating func category(_ value: Value) -> Catalog.Category? {
        guard let members = members(value, .category) else { return nil }
        let id = id(members, "id", most: Catalog.idBytesMax)
        guard let names = names(members), let id else { return nil }
        return Catalog.Category(id: id, names: names)
    }

    private mutating func group(_ value: Value) -> Catalog.OptionGroup? {
        guard let members = members(value, .group) else { return nil }
        let id = id(members, "id", most: Catalog.optionBytesMax)
        let names = names(members)
        let before = faults.count
        let choices = list(members["choices"], "choices", most: Catalog.choicesMax) {
            $0.choice($1)
        }
        unique(choices.map(\.id), in: ["choices"], "id")
        // Bounds of a list that was not read say nothing.
        guard faults.count == before, members["choices"] != nil else { return nil }
        guard !choices.isEmpty else {
            at(.member("choices")) { $0.fault("out_of_range", "a group has at least one choice") }
            return nil
        }
        let max = integer(members, "max", 1...Int64(choices.count))
        let min = integer(members, "min", 0...(max ?? Int64(choices.count)))
        let initial = choiceID(members["default"], among: choices.map(\.id))
        guard let id, let names, let min, let max else { return nil }
        return Catalog.OptionGroup(
            id: id, names: names, min: Int(min), max: Int(max), default: initial, choices: choices)
    }

    private mutating func choiceID(_ value: Value?, among ids: [String]) -> String? {
        guard let value else { return nil }
        return at(.member("default")) { reader in
            guard let text = reader.text(value) else { return nil }
            guard ids.contains(where: { Name($0) == Name(text) }) else {
                reader.fault(
                    "unknown_reference", "`\(text)` is no choice of this group", known: ids)
                return nil
            }
            return text
        }
    }

    private mutating func choice(_ value: Value) -> Catalog.Choice? {
        guard let members = members(value, .choice) else { return nil }
        let id = id(members, "id", most: Catalog.optionBytesMax)
        let price = prices(members["price"], "price", least: -Catalog.amountMax)
        guard let names = names(members), let id else { return nil }
        return Catalog.Choice(id: id, names: names, price: price)
    }

    private mutating func product(_ value: Value) -> Catalog.Product? {
        guard let members = members(value, .product) else { return nil }
        let sku = members["sku"].flatMap { value in
            at(.member("sku")) { $0.label(value, most: Catalog.skuBytesMax) }
        }
        let names = names(members)
        let category = id(members, "category", most: Catalog.idBytesMax)
        let barcodes = list(members["barcodes"], "barcodes", most: Catalog.barcodesMax) {
            $0.id($1, most: 64)
        }
        let tax = id(members, "tax", most: Catalog.idBytesMax)
        let groups = list(
            members["groups"], "groups", most: Catalog.groupsPerProductMax
        ) { $0.id($1, most: Catalog.optionBytesMax) }
        let price = prices(members["price"], "price", least: 0)
        let special = dictionary(members["prices"], "prices", most: Catalog.storesMax) {
            reader, _, value in reader.integer(value, 0...Catalog.amountMax)
        }
        if members["price"] == .map([]), special.isEmpty {
            at(.member("price")) { $0.fault("price_missing", "this product has no price anywhere") }
        }
        let limit = members["limit"].flatMap { value in
            at(.member("limit")) { $0.integer(value, 1...PlaceIntent.quantityMax) }
        }
        let places = dictionary(members["places"], "places", most: Catalog.storesMax) {
            reader, _, value in reader.place(value)
        }
        guard let sku, let names, let tax else { return nil }
        return Catalog.Product(
            sku: sku, names: names, category: category, barcodes: barcodes, tax: tax,
            groups: groups, price: price, prices: special, limit: limit, places: places)
    }

    private mutating func place(_ value: Value) -> Catalog.Place? {
        guard let members = members(value, .place) else { return nil }
        let aisle = members["aisle"].flatMap { value in
            at(.member("aisle")) { $0.label(value, most: Catalog.placeBytesMax) }
        }
        let bin = members["bin"].flatMap { value in
            at(.member("bin")) { $0.label(value, most: Catalog.placeBytesMax) }
        }
        return aisle.map { Catalog.Place(aisle: $0, bin: bin) }
    }

    private mutating func id(_ value: Value, most: Int) -> String? {
        text(value).flatMap { id($0, most: most) }
    }

    /// Each of the ids stands once in its list.
    mutating func unique(_ ids: [String], in list: [String], _ member: String?) {
        var seen: [String: Int] = [:]
        for (index, id) in ids.enumerated() {
            guard let first = seen[id] else {
                seen[id] = index
                continue
            }
            let tail = member.map { [CatalogError.Step.member($0)] } ?? []
            let way = list.map { CatalogError.Step.member($0) } + [.index(index)] + tail
            steps += way
            fault("duplicate", "\"\(id)\" stands at \(list.last ?? "")[\(first)] already")
            steps.removeLast(way.count)
        }
    }

    private mutating func check(_ catalog: Catalog) {
        unique(catalog.categories.map(\.id), in: ["categories"], "id")
        unique(catalog.groups.map(\.id), in: ["groups"], "id")
        // By Unicode, as a dictionary compares: SKUs that look the same are the same.
        unique(catalog.products.map(\.sku), in: ["products"], "sku")
        unique(catalog.stores.map(\.id), in: ["stores"], "id")
        var barcodes: [String: String] = [:]
        let categories = Set(catalog.categories.map(\.id))
        for (index, product) in catalog.products.enumerated() {
            steps = [.member("products"), .index(index)]
            if let category = product.category, !categories.contains(category) {
                reference(
                    [.member("category")], category, "category", catalog.categories.map(\.id))
            }
            for (place, group) in product.groups.enumerated() where catalog.group(group) == nil {
                reference(
                    [.member("groups"), .index(place)], group, "option group",
                    catalog.groups.map(\.id))
            }
            unique(product.groups, in: ["groups"], nil)
            for store in product.places.keys.sorted() where catalog.store(store) == nil {
                reference(
                    [.member("places"), .member(store)], store, "store",
                    catalog.stores.map(\.id))
            }
            for store in product.prices.keys.sorted() where catalog.store(store) == nil {
                reference(
                    [.member("prices"), .member(store)], store, "store", catalog.stores.map(\.id))
            }
            for (place, barcode) in product.barcodes.enumerated() {
                guard let other = barcodes.updateValue(product.sku, forKey: barcode) else {
                    continue
                }
                steps += [.member("barcodes"), .index(place)]
                fault("duplicate", "\(other) has the barcode \(barcode) already")
                steps.removeLast(2)
            }
        }
        checkStores(catalog)
        checkCodes(catalog)
        checkProgramme(catalog)
        steps = []
    }

    mutating func reference(
        _ way: [CatalogError.Step], _ id: String, _ what: String,
        _ known: @autoclosure () -> [String]
    ) {
        // What cannot be told any more is not worth a list of all that is known.
        guard faults.count < Catalog.faultsMax else { return }
        steps += way
        fault("unknown_reference", "there is no \(what) `\(id)`", known: known())
        steps.removeLast(way.count)
    }

    private mutating func checkStores(_ catalog: Catalog) {
        let byTax = Dictionary(grouping: catalog.products, by: \.tax)
        for (index, store) in catalog.stores.enumerated() {
            steps = [.member("stores"), .index(index)]
            for sku in store.soldOut.sorted() where catalog.product(sku) == nil {
                reference([.member("sold_out")], sku, "product", catalog.products.map(\.sku))
            }
            for tax in byTax.keys.sorted() where store.taxes[tax] == nil {
                guard let sold = byTax[tax]?.first(where: { $0.price(at: store) != nil }) else {
                    continue
                }
                at(.member("taxes")) {
                    $0.fault("tax_missing", "no rate for `\(tax)`, which \(sold.sku) is taxed by")
                }
            }
        }
    }
}
