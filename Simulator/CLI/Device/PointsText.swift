import ToteClient
import ToteCore

/// Balances and entries of the ledger as lines of text.
enum PointsText {
    private static func units(_ units: Int64, _ account: AccountName) -> String {
        switch account {
        case .points: "\(units) points"
        case .card(let currency): Currency.text(units, currency)
        case .offer(let id): "\(units) of \(id)"
        }
    }

    private static func holding(_ holding: Balance.Holding, _ account: AccountName) -> String {
        let place =
            switch holding.place {
            case .thisDevice: "on this device"
            case .otherDevice: "on another device"
            case .store(let store): "at \(store)"
            }
        return "  \(units(holding.units, account)) \(place) until \(Moment.text(holding.until))"
            + "  \(holding.id.text.prefix(8))" + (holding.isSealed ? "  sealed" : "")
            + (holding.isAskedBack ? "  asked back" : "")
    }

    static func balance(_ balance: Balance, tier: Programme.Tier?) -> [String] {
        let account = balance.account
        let here = balance.here > 0 ? ", \(balance.here) here without a network" : ""
        var lines = ["\(units(balance.total, account)): \(balance.available) available\(here)"]
        lines += (balance.heldHere + balance.heldElsewhere).map { holding($0, account) }
        for lot in balance.maturing {
            let when = lot.expires.map { " from \(Moment.text($0))" } ?? ""
            lines.append("  pending: \(units(lot.units, account))\(when)")
        }
        for lot in balance.expiring.prefix(3) {
            guard let expires = lot.expires else { continue }
            lines.append("  \(units(lot.units, account)) expire \(Moment.text(expires))")
        }
        if balance.debt > 0 { lines.append("  debt: \(units(balance.debt, account))") }
        if let tier { lines.append("  tier \(tier.id)") }
        return lines
    }

    static func entry(_ entry: LedgerEntry) -> String {
        "\(Moment.text(entry.at))  \(entry.kind.rawValue)  \(units(entry.units, entry.account))  "
            + entry.reference
    }

    static func state(_ offer: CustomerOffer) -> String {
        switch offer.state {
        case .open: "open"
        case .queued: "queued"
        case .active: "active"
        case .used: "used"
        case .notOn: "not-on"
        case .refused(let code): code
        }
    }

    static func offer(_ offer: CustomerOffer) -> String {
        let here = offer.usesHere > 0 ? ", \(offer.usesHere) here without a network" : ""
        let uses = offer.state == .active ? "  \(offer.uses) left\(here)" : ""
        let until = offer.offer.until.map { "  until \(Moment.text($0))" } ?? ""
        return "\(offer.id)  \(state(offer))\(uses)\(until)"
    }

    static func challenge(_ challenge: CustomerChallenge) -> String {
        let days = challenge.challenge.days
        var came = challenge.isDone ? "done" : "\(challenge.progress.days.count) of \(days) days"
        if let missed = challenge.progress.missed { came += ", without its prize (\(missed))" }
        return "\(challenge.id)  \(came)  until \(Moment.text(challenge.challenge.until))"
    }

    /// A number of a balance by its word.
    static func part(_ word: String, of balance: Balance) -> Int64? {
        switch word {
        case "total": balance.total
        case "available": balance.available
        case "here": balance.here
        case "elsewhere": balance.heldElsewhere.reduce(0) { $0 + $1.units }
        case "pending": balance.pending
        case "debt": balance.debt
        default: nil
        }
    }
}
