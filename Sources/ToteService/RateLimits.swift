internal import ToteConcurrency
internal import ToteCore
internal import ToteHTTP
internal import ToteServer

/// How often a token and an address may ask; `nil` for as often as they like.
package struct RateOptions: Sendable {
    /// Requests of one token a second, and of one address.
    package var perToken: Int?
    package var perAddress: Int?

    /// No limits.
    package init() {}

    /// What a token or an address that has rested may ask at once, as seconds of its rate.
    package static let burstSeconds = 5
    /// Tokens, and addresses, whose buckets are kept.
    static let keysMax = 65_536
}

/// The rate limits of a service. Asked by all loops at once: each key has one of several locks.
final class RateLimits: Sendable {
    /// What a request has taken, to be put back when it was nothing that counts.
    struct Charge: Sendable {
        fileprivate let limits: RateLimits
        fileprivate let keys: [(isToken: Bool, key: RateLimiter.Key)]

        func giveBack() { limits.giveBack(keys) }
    }

    enum Answer {
        case admitted(Charge?)
        case refused(Problem)
    }

    private static let shardCount = 16
    private let tokens: [Lock<RateLimiter>]
    private let addresses: [Lock<RateLimiter>]
    private let proxies: Set<HTTPAddress>

    /// - Parameter proxies: numeric addresses that speak for others.
    init(_ options: RateOptions, proxies: [String]) {
        func shards(_ perSecond: Int?) -> [Lock<RateLimiter>] {
            guard let perSecond else { return [] }
            return (0..<Self.shardCount).map { _ in
                Lock(
                    RateLimiter(
                        perSecond: perSecond, burstSeconds: RateOptions.burstSeconds,
                        keysMax: RateOptions.keysMax / Self.shardCount))
            }
        }
        tokens = shards(options.perToken)
        addresses = shards(options.perAddress)
        self.proxies = Set(proxies.compactMap { HTTPAddress($0) })
    }

    /// Whether a request may be served now.
    ///
    /// - Parameter tokenHash: the SHA-256 of its token, which need not be a valid one.
    func admit(_ request: HTTPRequest, tokenHash: [UInt8]?) -> Answer {
        guard !tokens.isEmpty || !addresses.isEmpty else { return .admitted(nil) }
        let now = MonotonicClock.nowNanos() / 1_000
        var taken: [(isToken: Bool, key: RateLimiter.Key)] = []
        if !addresses.isEmpty, let address = address(of: request) {
            let key = RateLimiter.Key(high: address.high, low: address.low)
            if let wait = take(key, of: addresses, at: now) {
                return .refused(Self.problem("address", after: wait))
            }
            taken.append((false, key))
        }
        if !tokens.isEmpty, let tokenHash, tokenHash.count >= 16 {
            func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
                bytes.reduce(0) { $0 << 8 | UInt64($1) }
            }
            let key = RateLimiter.Key(high: word(tokenHash[0..<8]), low: word(tokenHash[8..<16]))
            if let wait = take(key, of: tokens, at: now) {
                return .refused(Self.problem("token", after: wait))
            }
            taken.append((true, key))
        }
        return .admitted(taken.isEmpty ? nil : Charge(limits: self, keys: taken))
    }

    /// Whom the limit per address counts: behind a proxy that is known, the last address of
    /// `X-Forwarded-For`, which is the one that the proxy itself has seen.
    private func address(of request: HTTPRequest) -> HTTPAddress? {
        let peer = HTTPAddress(request.remoteAddress)
        guard let peer, proxies.contains(peer) else { return peer }
        let last = request.header("x-forwarded-for")?.split(separator: ",").last
        return last.flatMap { HTTPAddress(String($0.filter { $0 != " " && $0 != "\t" })) }
    }

    private static func problem(_ whose: String, after micros: UInt64) -> Problem {
        var problem = Problem(
            429, "rate_limited", "this \(whose) asks too often: wait as `Retry-After` says")
        problem.retryAfterSeconds = Int((micros + 999_999) / 1_000_000)
        return problem
    }

    private func take(
        _ key: RateLimiter.Key, of shards: [Lock<RateLimiter>], at now: UInt64
    ) -> UInt64? {
        Self.shard(key, of: shards).withLock { $0.take(key, at: now) }
    }

    private func giveBack(_ keys: [(isToken: Bool, key: RateLimiter.Key)]) {
        let now = MonotonicClock.nowNanos() / 1_000
        for (isToken, key) in keys {
            Self.shard(key, of: isToken ? tokens : addresses).withLock {
                $0.giveBack(key, at: now)
            }
        }
    }

    private static func shard(
        _ key: RateLimiter.Key, of shards: [Lock<RateLimiter>]
    ) -> Lock<RateLimiter> {
        shards[Int((key.high ^ key.low) % UInt64(shards.count))]
    }
}
