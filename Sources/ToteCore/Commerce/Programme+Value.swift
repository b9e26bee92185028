// A programme as the JSON of Protocol/points.md section 18.1.

extension Programme {
    /// As a catalogue holds it. What has a default is written out, so that no reader needs to know
    /// the default; empty lists are left out.
    var value: Value {
        var members: [String: Value] = [
            "names": .texts(names),
            "earn": .array(earnings.map(\.value)),
            "pending_hours": .int(Int64(pendingHours)), "welcome": .int(welcome),
            "refund_policy": .text(refundPolicy.rawValue), "leases": leases.value,
        ]
        if !multipliers.isEmpty {
            members["multipliers"] = .array(
                multipliers.map { .map(["sku": .text($0.sku), "times": .int($0.times)]) })
        }
        if !tiers.isEmpty { members["tiers"] = .array(tiers.map(\.value)) }
        if !tierPeriods.isEmpty {
            members["tier_periods"] = .array(
                tierPeriods.map { .array([.int(Int64($0.start)), .int(Int64($0.end))]) })
        }
        if !rewards.isEmpty { members["rewards"] = .array(rewards.map(\.value)) }
        if !offers.isEmpty { members["offers"] = .array(offers.map(\.value)) }
        if !challenges.isEmpty { members["challenges"] = .array(challenges.map(\.value)) }
        if let expiryMonths { members["expiry_months"] = .int(Int64(expiryMonths)) }
        return .map(members)
    }
}

extension Programme.Earning {
    fileprivate var value: Value {
        .map([
            "currency": .text(currency), "points": .int(points), "per": .int(per),
            "rounding": .text(rounding.rawValue),
        ])
    }
}

extension Programme.Tier {
    fileprivate var value: Value {
        .map([
            "id": .text(id), "names": .texts(names), "from": .int(from), "times": .int(times),
        ])
    }
}

extension Programme.Reward {
    fileprivate var value: Value {
        var members: [String: Value] = [
            "id": .text(id), "names": .texts(names), "points": .int(points),
        ]
        benefit.write(into: &members)
        return .map(members)
    }
}

extension Programme.Benefit {
    fileprivate func write(into members: inout [String: Value]) {
        switch self {
        case .discount(let amounts): members["discount"] = .amounts(amounts)
        case .product(let sku): members["product"] = .text(sku)
        }
    }
}

extension Programme.Offer {
    fileprivate var value: Value {
        var members: [String: Value] = [
            "id": .text(id), "names": .texts(names), "total": .int(total), "each": .int(each),
        ]
        benefit.write(into: &members)
        if let from { members["from"] = .int(Int64(from)) }
        if let until { members["until"] = .int(Int64(until)) }
        switch audience {
        case .everybody: break
        case .listed: members["listed"] = .bool(true)
        case .buyers(let orders, let days, let sku):
            members["needs"] = .map(
                ["orders": .int(Int64(orders)), "days": .int(Int64(days))]
                    .merging(sku.map { ["sku": .text($0)] } ?? [:]) { $1 })
        }
        return .map(members)
    }
}

extension Programme.Challenge {
    fileprivate var value: Value {
        var members: [String: Value] = [
            "id": .text(id), "names": .texts(names), "days": .int(Int64(days)),
            "from": .int(Int64(from)), "until": .int(Int64(until)),
            "offset_minutes": .int(offsetMinutes),
        ]
        if let sku { members["sku"] = .text(sku) }
        switch prize {
        case .points(let points): members["points"] = .int(points)
        case .offer(let id): members["offer"] = .text(id)
        }
        return .map(members)
    }
}

extension Programme.LeasePolicy {
    fileprivate var value: Value {
        .map([
            "points_max": .int(pointsMax), "share": .int(share), "card_max": .amounts(cardMax),
            "stop_hours": .int(Int64(stopHours)), "grace_hours": .int(Int64(graceHours)),
        ])
    }
}
