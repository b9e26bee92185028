import ToteClient
import ToteCore

/// Orders, quotes and menus as lines of text.
enum OrderText {
    static func decimal(_ amount: Int64, _ currency: String) -> String {
        Currency.decimal(amount, Currency.exponent(currency) ?? 0)
    }

    static func head(_ order: Order) -> String {
        var text = "order \(order.id.text.prefix(8))  \(order.state)"
        if let code = order.code { text += "  code \(code)" }
        text += "  at \(order.store)  \(Currency.text(order.total, order.currency))"
        if let pickup = order.pickupAt { text += "  for \(Moment.text(pickup))" }
        return text
    }

    static func order(_ order: Order) -> [String] {
        var lines = [head(order)]
        for line in order.lines {
            lines.append(
                "  \(line.quantity) × \(DeviceText.line(line.name))  "
                    + Currency.text(line.price, order.currency)
                    + (line.note.map { "  (\($0))" } ?? ""))
        }
        for tax in order.taxes {
            let kind = order.isTaxIncluded ? "of it tax" : "tax"
            lines.append("  \(kind) \(tax.category): \(Currency.text(tax.amount, order.currency))")
        }
        for tender in order.tenders {
            let kind =
                switch tender.kind {
                case .atCounter: "to pay at the counter"
                case .external: "paid"
                case .points: "paid with \(tender.points ?? 0) points (\(tender.reward ?? ""))"
                case .card: "paid from the card"
                case .offer: "paid by the offer \(tender.offer ?? "")"
                }
            lines.append("  \(kind): \(Currency.text(tender.amount, order.currency))")
        }
        if let name = order.name { lines.append("  for \(name)") }
        if let note = order.note { lines.append("  note: \(note)") }
        if let spot = order.spot { lines.append("  waits at \(spot)") }
        if let reason = order.reason { lines.append("  the store says: \(reason)") }
        for step in order.steps {
            lines.append("  \(Moment.text(step.at))  \(step.state) by \(step.by)")
        }
        if let feedback = order.feedback {
            lines.append(
                "  rated \(feedback.rating)" + (feedback.comment.map { ": \($0.printable)" } ?? "")
                    + (feedback.isPending ? "  (to be sent)" : ""))
        }
        for post in order.thread {
            lines.append(
                "  \(post.by.printable): \(post.text.printable)"
                    + (post.isPending ? "  (to be sent)" : ""))
        }
        return lines
    }

    static func quote(_ quote: Quote) -> [String] {
        quote.lines.map { line in
            "  \(line.quantity) × \(DeviceText.line(LineName(item: Name(line.item))))  "
                + Currency.text(line.price, quote.currency)
        }
            + quote.taxes.map { tax in
                "  \(quote.taxIncluded ? "of it tax" : "tax") \(tax.category): "
                    + Currency.text(tax.amount, quote.currency)
            } + ["total \(Currency.text(quote.total, quote.currency))"]
    }

    static func head(_ catalog: Catalog) -> String {
        "menu \(catalog.version): \(catalog.products.count) products, "
            + "\(catalog.stores.count) stores"
    }

    static func menu(_ catalog: Catalog) -> [String] {
        var lines = [head(catalog)]
        for store in catalog.stores {
            lines.append("at \(store.id):")
            for product in catalog.products {
                guard let price = product.price(at: store) else { continue }
                let options = product.groups.map { " \($0)=…" }.joined()
                let out = store.soldOut.contains(product.sku) ? "  sold out" : ""
                lines.append(
                    "  \(product.sku)\(options)  \(Currency.text(price, store.currency))\(out)")
            }
        }
        return lines
    }
}
