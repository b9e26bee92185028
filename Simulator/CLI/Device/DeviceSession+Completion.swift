import ToteClient
import ToteCore

extension DeviceSession {
    /// Words that may follow a verb: names of what is here and of what is sold.
    func arguments(of verb: Verb, after words: [String]) async -> [String] {
        switch verb.name {
        case "net": return words.isEmpty ? NetworkWords.first : []
        case "help": return DeviceVerbs.all.map(\.name)
        case "cart show": return await tote.carts.map(\.name)
        case "wish show": return await tote.wishlists.map(\.id)
        default: break
        }
        var found: [String] = []
        if verb.arguments.hasPrefix("SKU") {
            found += words.isEmpty ? await skus() : await options(of: words[0])
        }
        if verb.arguments.contains("STORE"), !words.contains(where: { !$0.contains("=") }) {
            found += await tote.catalog?.stores.map(\.id) ?? []
        }
        if verb.arguments.contains("last|ID"), words.isEmpty {
            found += await tote.orders.map { String($0.id.text.prefix(8)) }
        }
        if verb.name.hasPrefix("cart ") || verb.arguments.contains("cart:NAME") {
            found += await tote.carts.map { "cart:\($0.name)" }
        }
        if verb.name.hasPrefix("wish ") { found += await tote.wishlists.map { "list:\($0.id)" } }
        return found
    }

    private func skus() async -> [String] {
        let sold = await tote.catalog?.products.map(\.sku) ?? []
        return sold + (await tote.carts).flatMap { $0.lines.map(\.name.sku) }
    }

    private func options(of sku: String) async -> [String] {
        guard let catalog = await tote.catalog,
            let product = catalog.products.first(where: { $0.sku == sku })
        else { return [] }
        return catalog.groups.filter { product.groups.contains($0.id) }
            .flatMap { group in group.choices.map { "\(group.id)=\($0.id)" } }
    }
}
