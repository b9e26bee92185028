/// Token buckets of many keys: how often each may ask.
///
/// A bucket is the one time at which it is full again (the generic cell rate algorithm, ITU-T
/// I.371): no timer fills it, and one that is full need not be kept. Times are given, microseconds
/// of a clock that only runs forward.
///
/// Invariant (R1): at most `2 * keysMax` buckets are kept, however many keys ask. With more at once
/// those that have asked for nothing longest are forgotten, and so are full.
package struct RateLimiter: Sendable {
    /// Which bucket: of an address, or of the hash of a token.
    package struct Key: Hashable, Sendable {
        package let high: UInt64
        package let low: UInt64

        package init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }
    }

    /// Microseconds in which a bucket gains one request.
    private let period: UInt64
    /// Microseconds in which an empty bucket is filled.
    private let depth: UInt64
    private let keysMax: Int
    private var full: [Key: UInt64] = [:]
    /// Buckets of before `full` was begun anew.
    private var older: [Key: UInt64] = [:]

    /// - Parameters:
    ///   - perSecond: requests of one key a second, in the long run.
    ///   - burstSeconds: what a key that has rested may ask at once, as seconds of that.
    package init(perSecond: Int, burstSeconds: Int, keysMax: Int) {
        precondition((1...1_000_000).contains(perSecond), "a rate of \(perSecond) a second")
        precondition(burstSeconds > 0 && keysMax > 0, "a bucket holds something, a table too")
        period = 1_000_000 / UInt64(perSecond)
        depth = UInt64(burstSeconds) * 1_000_000
        self.keysMax = keysMax
    }

    /// Buckets that are kept.
    package var count: Int { full.count + older.count }

    /// Takes one request out of a key's bucket.
    ///
    /// - Returns: microseconds until there is one, when there is none; nothing is taken then.
    package mutating func take(_ key: Key, at now: UInt64) -> UInt64? {
        let next = max(full[key] ?? older[key] ?? now, now) + period
        guard next <= now + depth else { return next - now - depth }
        keep(key, next)
        return nil
    }

    /// Puts one back: it was nothing that counts.
    package mutating func giveBack(_ key: Key, at now: UInt64) {
        guard let time = full[key] ?? older[key], time > now else { return }
        keep(key, time - min(time, period))
    }

    private mutating func keep(_ key: Key, _ time: UInt64) {
        if full[key] == nil {
            older[key] = nil
            if full.count >= keysMax {
                older = full
                full = [:]
            }
        }
        full[key] = time
    }
}
