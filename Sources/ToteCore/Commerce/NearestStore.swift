// Which store to go to: Protocol/orders.md section 13.4. A pure function of what a device has.

/// A point on the earth.
public struct GeoPoint: Hashable, Sendable {
    /// Millionths of a degree, north is above 0: −90,000,000 to 90,000,000.
    public let latitude: Int64
    /// Millionths of a degree, east is above 0: −180,000,000 to 180,000,000.
    public let longitude: Int64

    package static let latitudes: ClosedRange<Int64> = -90_000_000...90_000_000
    package static let longitudes: ClosedRange<Int64> = -180_000_000...180_000_000

    /// - Returns: `nil` for a point that is not on the earth.
    public init?(latitude: Int64, longitude: Int64) {
        guard Self.latitudes.contains(latitude), Self.longitudes.contains(longitude) else {
            return nil
        }
        self.latitude = latitude
        self.longitude = longitude
    }

    private static let earthRadiusMetres = 6_371_000.0

    /// How far another point is as the crow flies, in metres, on a sphere.
    ///
    /// By the chord between the two, so that near points lose no digits; with sums and products
    /// alone, so that every machine finds the same number.
    public func metres(to other: GeoPoint) -> Int64 {
        let (a, b) = (vector, other.vector)
        let (x, y, z) = (a.x - b.x, a.y - b.y, a.z - b.z)
        let half = min(1, (x * x + y * y + z * z).squareRoot() / 2)
        return Int64((2 * Self.earthRadiusMetres * Self.arcsine(half)).rounded())
    }

    private var vector: (x: Double, y: Double, z: Double) {
        let (sinLatitude, cosLatitude) = Self.sineAndCosine(latitude)
        let (sinLongitude, cosLongitude) = Self.sineAndCosine(longitude)
        return (cosLatitude * cosLongitude, cosLatitude * sinLongitude, sinLatitude)
    }

    /// Of an angle in millionths of a degree: by their series, which end soon below 180 degrees.
    private static func sineAndCosine(_ angle: Int64) -> (Double, Double) {
        let radians = Double(angle) / 180_000_000 * .pi
        var (sine, cosine, term) = (0.0, 0.0, 1.0)
        for index in 0..<15 {
            cosine += term
            term = term * radians / Double(2 * index + 1)
            sine += term
            term = -term * radians / Double(2 * index + 2)
        }
        return (sine, cosine)
    }

    /// Of 0 to 1. Beyond a half by that of the rest, where the series is slow.
    private static func arcsine(_ value: Double) -> Double {
        if value > 0.5 { return .pi / 2 - 2 * arcsine(((1 - value) / 2).squareRoot()) }
        var (sum, term) = (value, value)
        for index in 1..<40 {
            term *= value * value * Double(2 * index - 1) / Double(2 * index)
            sum += term / Double(2 * index + 1)
        }
        return sum
    }
}

/// A store, and what keeps one from ordering there.
public struct StoreChoice: Hashable, Sendable {
    public let store: Catalog.Store
    /// How far it is; `nil` where it or the customer has no place.
    public let metres: Int64?
    /// When the order can be had at the earliest, or when it was asked for; `nil` where it cannot.
    public let pickupAt: UInt64?
    /// Why it cannot be had there, or not now.
    public let obstacle: Obstacle?

    public struct Obstacle: Hashable, Sendable {
        /// What an order would be refused with; or `closed_now`, where it would be for when the
        /// store opens.
        public let code: String
        /// The lines that it is about; empty when it is not about lines.
        public let lines: [LineName]
    }
}

extension Catalog.Store {
    /// The first time from one on at which the store is open and its slot has room; not more than
    /// 24 hours later.
    package func pickup(from earliest: UInt64, isFull: (_ slot: UInt64) -> Bool) -> UInt64? {
        let length = UInt64(max(1, slotMinutes)) * 60_000
        var time = earliest
        while time <= earliest + Self.pickupMillisecondsMax {
            let start = slot(of: time)
            if !isFull(start), isOpen(at: time) { return time }
            time = start + length
        }
        return nil
    }

    /// How far ahead a pickup as soon as possible may be.
    package static let pickupMillisecondsMax: UInt64 = 86_400_000
}

extension Catalog {
    /// All stores, the best one first: those where these lines can be had, the nearest before the
    /// others, then the others.
    ///
    /// - Parameters:
    ///   - here: where the customer is, if that is known.
    ///   - pickupAt: when they want it, milliseconds since 1970; `nil` for as soon as possible, at
    ///     a store that is open now.
    ///   - full: by store, the starts of slots that have no room, as the server told.
    package func choices(
        for lines: [(item: LineName, quantity: Int64)], near here: GeoPoint?, at now: UInt64,
        pickupAt: UInt64?, full: [String: Set<UInt64>]
    ) -> [StoreChoice] {
        stores.map { store in
            let metres = here.flatMap { here in store.location.map { here.metres(to: $0) } }
            let found = pickup(
                lines, at: store, now: now, wanted: pickupAt, full: full[store.id] ?? [])
            switch found {
            case .success(let time):
                return StoreChoice(store: store, metres: metres, pickupAt: time, obstacle: nil)
            case .failure(let obstacle):
                return StoreChoice(
                    store: store, metres: metres, pickupAt: nil, obstacle: obstacle.why)
            }
        }.sorted { a, b in
            if (a.obstacle == nil) != (b.obstacle == nil) { return a.obstacle == nil }
            let (near, far) = (a.metres ?? .max, b.metres ?? .max)
            return near == far ? Name(a.store.id) < Name(b.store.id) : near < far
        }
    }

    private struct NotThere: Error {
        let why: StoreChoice.Obstacle

        init(_ code: String, _ items: [String] = []) {
            why = StoreChoice.Obstacle(
                code: code, lines: items.map { LineName(item: Name($0)) })
        }
    }

    private func pickup(
        _ lines: [(item: LineName, quantity: Int64)], at store: Store, now: UInt64,
        wanted: UInt64?, full: Set<UInt64>
    ) -> Result<UInt64, NotThere> {
        guard let earliest = store.earliestPickup(at: now) else {
            return .failure(NotThere("store_closed"))
        }
        if let wanted {
            guard wanted >= earliest else { return .failure(NotThere("pickup_time_passed")) }
            guard store.isOpen(at: wanted) else { return .failure(NotThere("store_closed")) }
        } else if earliest > now + Store.pickupMillisecondsMax {
            return .failure(NotThere("store_closed"))
        } else if !store.isOpen(at: now) {
            return .failure(NotThere("closed_now"))
        }
        do throws(QuoteRefusal) {
            _ = try quote(lines, at: store.id)
        } catch {
            switch error {
            case .lines(let code, let items): return .failure(NotThere(code, items))
            case .storeUnknown, .amountOutOfRange:
                return .failure(NotThere("amount_out_of_range"))
            }
        }
        let time = store.pickup(from: wanted ?? earliest, isFull: full.contains)
        guard let time, wanted == nil || wanted == time else {
            return .failure(NotThere("slot_full"))
        }
        return .success(time)
    }
}
