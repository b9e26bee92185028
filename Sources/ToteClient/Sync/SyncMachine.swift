internal import ToteCore

/// Decides when to ask for a token, to exchange, to park, to wait and to give up: events in,
/// actions out.
///
/// No clock, no network, no randomness of its own. Invariants: (S1) at most one request is under
/// way per lane, and one token call; (S2) a request is parked only while live; (S3) while backing
/// off nothing is under way but a token call; (S4) when stopped or final nothing is under way and
/// no timer is awaited.
package struct SyncMachine: Sendable {
    /// Names one request, timer or token call; never used again, so that late answers are
    /// recognised.
    package struct ID: Hashable, Comparable, Sendable {
        package let rawValue: UInt64
        package static func < (left: ID, right: ID) -> Bool { left.rawValue < right.rawValue }
    }

    /// What the outside world gives to a decision.
    package struct Moment: Sendable {
        package var wallMilliseconds: UInt64
        package var uptimeMilliseconds: UInt64
        package var random: UInt64

        package init(wallMilliseconds: UInt64, uptimeMilliseconds: UInt64, random: UInt64) {
            self.wallMilliseconds = wallMilliseconds
            self.uptimeMilliseconds = uptimeMilliseconds
            self.random = random
        }
    }

    package enum Event: Hashable, Sendable {
        /// Sync until up to date, and go on if live.
        case start(isLive: Bool)
        case stop
        case localChange
        case networkMayBeBack
        /// The lifetime is `nil` when the token is good until refused.
        case tokenArrived(ID, lifetimeMilliseconds: UInt64?)
        case tokenDenied(ID)
        case tokenFailed(ID, String)
        case answered(ID, ReplyOutcome)
        case failed(ID, OfflineReason)
        case timerFired(ID)
    }

    package enum Action: Hashable, Sendable {
        case fetchToken(ID)
        case send(ID, TransportRequest.Lane)
        case wakeUp(ID, after: Duration)
        /// Nobody waits for this request, timer or token call any more.
        case forget(ID)
    }

    package enum Mode: Hashable, Sendable { case stopped, once, live }

    /// Where the exchange lane stands.
    enum Phase: Hashable, Sendable {
        case fresh
        case stopped(since: UInt64)
        case awaitingToken(timer: ID)
        case exchanging(ID, generation: UInt64, timer: ID)
        case backingOff(timer: ID, retryAt: UInt64, why: OfflineReason)
        case resting(at: UInt64)
        case signedOut
        case updateRequired
        case halted(ToteError)
    }

    struct Parked: Hashable, Sendable {
        var id: ID
        var generation: UInt64
        var timer: ID
        var since: UInt64
        /// Whether an exchange was sent meanwhile: what that pushes also wakes the parked request.
        var isDisturbed = false
    }

    package internal(set) var mode = Mode.stopped
    package internal(set) var lastID: UInt64
    var phase: Phase
    var parked: Parked?
    var parkTimer: ID?
    var tokenCall: ID?
    var tokenTimer: ID?
    /// Counts tokens; `nil` where there is none to use.
    var token: UInt64?
    var tokensSeen: UInt64 = 0
    /// Whether the last token but one was refused.
    var wasRefused = false
    /// Requests that the token was shown in.
    var tokenUses = 0
    /// Failures in a row.
    var failures = 0
    var tokenFailures = 0
    var offlineSince: UInt64?
    /// Whether the server has answered since the start or the last failure.
    var isInTouch = false
    /// Exchanges in a row that left something to do.
    var burst = 0
    /// Parked requests in a row that came back at once.
    var haste = 0

    package static let backoffBase: Duration = .milliseconds(500)
    package static let backoffMax: Duration = .seconds(60)
    /// So that no draw makes a retry immediate.
    package static let backoffMin: Duration = .milliseconds(50)
    package static let retryAfterSecondsMax = 3_600
    package static let exchangeTimeout: Duration = .seconds(30)
    package static let waitSeconds = Limits.waitSecondsMax
    package static let parkedTimeout: Duration = .seconds(40)
    /// A transport should give up first.
    static let grace: Duration = .seconds(5)
    static let tokenTimeout: Duration = .seconds(30)
    /// How long before its expiry a token is replaced.
    package static let tokenLeadMilliseconds: UInt64 = 30_000
    static let tokenLifeMillisecondsMax: UInt64 = 24 * 3_600 * 1_000
    /// A server that never says that all is there would otherwise keep the device awake.
    package static let burstMax = 1_000
    static let hasteMax = 4
    static let hasteMilliseconds: UInt64 = 1_000
    static let hastyWaitMax: Duration = .seconds(5)

    /// - Parameters:
    ///   - hasAccount: without one the machine is signed out until it is started.
    ///   - lastID: of the machine before this one, whose late answers must not be taken for this
    ///     one's.
    package init(hasAccount: Bool, lastID: UInt64 = 0) {
        phase = hasAccount ? .fresh : .signedOut
        self.lastID = lastID
    }

    /// Whether nothing will happen until something new comes from outside.
    package var isSettled: Bool {
        switch phase {
        case .fresh, .stopped, .resting, .signedOut, .updateRequired, .halted: true
        case .awaitingToken, .exchanging, .backingOff: false
        }
    }

    /// Full jitter over a wait that doubles from `backoffBase` to `backoffMax`.
    /// Source: Brooker, "Exponential backoff and jitter", 2015.
    package static func backoff(failures: Int, random: UInt64) -> Duration {
        precondition(failures >= 1, "failures count from 1, got \(failures)")
        // Clamp the exponent, not only the product: in Swift `500 << 64` is 0.
        let most = min(backoffBase * (1 << min(failures - 1, 10)), backoffMax)
        let milliseconds = UInt64(most / .milliseconds(1))
        return max(backoffMin, .milliseconds(Int64(random % (milliseconds + 1))))
    }
}

extension SyncMachine {
    package mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        switch event {
        case .start(let isLive): start(isLive: isLive, now)
        case .stop: stop(.stopped(since: now.wallMilliseconds))
        case .localChange: changed(now)
        case .networkMayBeBack: hinted(now)
        case .tokenArrived(let id, let lifetime): tokenArrived(id, lifetime, now)
        case .tokenDenied(let id): id == tokenCall ? stop(.signedOut) : []
        case .tokenFailed(let id, let why): tokenFailed(id, why, now)
        case .answered(let id, let outcome): answered(id, outcome, now)
        case .failed(let id, let why): failed(id, why, now)
        case .timerFired(let id): timerFired(id, now)
        }
    }

    private mutating func start(isLive: Bool, _ now: Moment) -> [Action] {
        if isLive { mode = .live } else if mode == .stopped { mode = .once }
        switch phase {
        case .fresh, .stopped, .signedOut, .updateRequired, .halted:
            wasRefused = false
            isInTouch = false
            return begin(now)
        case .resting: return begin(now)
        case .backingOff(let timer, _, _): return [.forget(timer)] + begin(now)
        case .awaitingToken, .exchanging: return []
        }
    }

    private mutating func changed(_ now: Moment) -> [Action] {
        switch (phase, mode) {
        case (.resting, .live): begin(now)
        // What is under way says in the end that more is to be done; a retry keeps its time.
        case (.awaitingToken, _), (.exchanging, _), (.backingOff, _): []
        case (.resting, _), (.fresh, _), (.stopped, _): []
        case (.signedOut, _), (.updateRequired, _), (.halted, _): []
        }
    }

    private mutating func hinted(_ now: Moment) -> [Action] {
        // They were the former network's: if this one fails as well, the next retry comes soon.
        failures = 0
        switch (phase, mode) {
        case (.backingOff(let timer, _, _), _): return [.forget(timer)] + begin(now)
        case (.resting, .live):
            // The parked connection may be dead without anybody knowing.
            return unpark() + begin(now)
        case (.awaitingToken, _), (.exchanging, _), (.resting, _), (.fresh, _), (.stopped, _),
            (.signedOut, _), (.updateRequired, _), (.halted, _):
            return []
        }
    }

    /// Ends everything that is under way.
    private mutating func stop(_ end: Phase) -> [Action] {
        var actions = unpark()
        switch phase {
        case .awaitingToken(let timer), .backingOff(let timer, _, _): actions.append(.forget(timer))
        case .exchanging(let id, _, let timer): actions += [.forget(id), .forget(timer)]
        case .fresh, .stopped, .resting, .signedOut, .updateRequired, .halted: break
        }
        for id in [tokenCall, tokenTimer].compactMap({ $0 }) { actions.append(.forget(id)) }
        tokenCall = nil
        tokenTimer = nil
        token = nil
        mode = .stopped
        failures = 0
        burst = 0
        offlineSince = nil
        isInTouch = false
        if case .stopped = end {
            switch phase {
            case .signedOut, .updateRequired, .halted, .stopped, .fresh: return actions
            case .awaitingToken, .exchanging, .backingOff, .resting: break
            }
        }
        phase = end
        return actions
    }

    private mutating func unpark() -> [Action] {
        var actions: [Action] = []
        if let parked { actions += [.forget(parked.id), .forget(parked.timer)] }
        if let parkTimer { actions.append(.forget(parkTimer)) }
        parked = nil
        parkTimer = nil
        return actions
    }

    mutating func next() -> ID {
        lastID += 1
        return ID(rawValue: lastID)
    }

    /// Exchanges, or asks for the token that this needs.
    private mutating func begin(_ now: Moment) -> [Action] {
        guard let token else {
            let timer = next()
            phase = .awaitingToken(timer: timer)
            let wait = Action.wakeUp(timer, after: Self.tokenTimeout)
            guard tokenCall == nil else { return [wait] }
            let call = next()
            tokenCall = call
            return [.fetchToken(call), wait]
        }
        let id = next()
        let timer = next()
        parked?.isDisturbed = true
        tokenUses += 1
        phase = .exchanging(id, generation: token, timer: timer)
        return [
            .send(id, .exchange), .wakeUp(timer, after: Self.exchangeTimeout + Self.grace),
        ]
    }

    private mutating func backOff(
        _ why: OfflineReason, leastSeconds: Int? = nil, _ now: Moment
    ) -> [Action] {
        let actions = unpark()
        failures += 1
        burst = 0
        isInTouch = false
        offlineSince = offlineSince ?? now.wallMilliseconds
        let least = Duration.seconds(min(leastSeconds ?? 0, Self.retryAfterSecondsMax))
        let delay = least + Self.backoff(failures: failures, random: now.random)
        let timer = next()
        let retryAt = now.wallMilliseconds &+ UInt64(delay / .milliseconds(1))
        phase = .backingOff(timer: timer, retryAt: retryAt, why: why)
        return actions + [.wakeUp(timer, after: delay)]
    }

    /// All is sent and received: parks when live, stops when it was once.
    private mutating func rest(_ now: Moment) -> [Action] {
        phase = .resting(at: now.wallMilliseconds)
        burst = 0
        switch mode {
        case .live:
            guard parked == nil, parkTimer == nil else { return [] }
            guard haste > Self.hasteMax else { return park(now) }
            let timer = next()
            parkTimer = timer
            let delay = Self.backoff(failures: haste - Self.hasteMax, random: now.random)
            return [.wakeUp(timer, after: min(delay, Self.hastyWaitMax))]
        case .once, .stopped:
            let at = phase
            let actions = stop(.stopped(since: now.wallMilliseconds))
            phase = at
            return actions
        }
    }

    private mutating func park(_ now: Moment) -> [Action] {
        guard let token else { return begin(now) }
        let parked = Parked(
            id: next(), generation: token, timer: next(), since: now.uptimeMilliseconds)
        self.parked = parked
        tokenUses += 1
        return [
            .send(parked.id, .parked),
            .wakeUp(parked.timer, after: Self.parkedTimeout + Self.grace),
        ]
    }
}

extension SyncMachine {
    private mutating func tokenArrived(
        _ id: ID, _ lifetime: UInt64?, _ now: Moment
    ) -> [Action] {
        guard id == tokenCall else { return [] }  // Legal: the call of a machine that was stopped.
        tokenCall = nil
        tokenFailures = 0
        tokensSeen += 1
        token = tokensSeen
        tokenUses = 0
        var actions: [Action] = []
        if let tokenTimer { actions.append(.forget(tokenTimer)) }
        tokenTimer = nil
        // One that is over already is used until it is refused: the device's clock may be wrong.
        if let lifetime, lifetime > Self.tokenLeadMilliseconds {
            let timer = next()
            tokenTimer = timer
            let wait = min(lifetime - Self.tokenLeadMilliseconds, Self.tokenLifeMillisecondsMax)
            actions.append(.wakeUp(timer, after: .milliseconds(Int64(wait))))
        }
        switch phase {
        case .awaitingToken(let timer), .backingOff(let timer, _, .noToken):
            return actions + [.forget(timer)] + begin(now)
        case .exchanging, .backingOff, .resting: return actions
        case .fresh, .stopped, .signedOut, .updateRequired, .halted:
            preconditionFailure("S4: a token call is under way in \(phase)")
        }
    }

    private mutating func tokenFailed(_ id: ID, _ why: String, _ now: Moment) -> [Action] {
        guard id == tokenCall else { return [] }
        tokenCall = nil
        if case .awaitingToken(let timer) = phase {
            return [.forget(timer)] + backOff(.noToken(why), now)
        }
        guard token != nil else { return [] }  // The retry that is planned asks again.
        tokenFailures += 1
        let timer = next()
        tokenTimer = timer
        let delay = Self.backoff(failures: tokenFailures, random: now.random)
        return [.wakeUp(timer, after: delay)]
    }

    private mutating func answered(
        _ id: ID, _ outcome: ReplyOutcome, _ now: Moment
    ) -> [Action] {
        if case .exchanging(let current, let generation, let timer) = phase, current == id {
            return [.forget(timer)] + exchanged(outcome, generation, now)
        }
        guard let parked, parked.id == id else { return [] }  // Legal: late.
        self.parked = nil
        return [.forget(parked.timer)] + unparked(outcome, parked, now)
    }

    private mutating func exchanged(
        _ outcome: ReplyOutcome, _ generation: UInt64, _ now: Moment
    ) -> [Action] {
        switch outcome {
        case .progress(let isCurrent):
            noteTouch()
            if isCurrent { return rest(now) }
            burst += 1
            return burst > Self.burstMax
                ? backOff(.serverBusy(code: "no_end"), now) : begin(now)
        case .retry(let code, let seconds):
            return backOff(.serverBusy(code: code), leastSeconds: seconds, now)
        case .tokenRefused: return refused(generation, now)
        case .updateRequired: return stop(.updateRequired)
        case .halted(let error): return stop(.halted(error))
        }
    }

    private mutating func noteTouch() {
        failures = 0
        wasRefused = false
        isInTouch = true
        offlineSince = nil
    }

    /// An answer to the parked request. While the other lane is busy, that one's answer decides.
    private mutating func unparked(
        _ outcome: ReplyOutcome, _ parked: Parked, _ now: Moment
    ) -> [Action] {
        let isHasty = now.uptimeMilliseconds < parked.since &+ Self.hasteMilliseconds
        if !isHasty { haste = 0 } else if !parked.isDisturbed { haste += 1 }
        switch outcome {
        case .updateRequired: return stop(.updateRequired)
        case .halted(let error): return stop(.halted(error))
        case .progress, .retry, .tokenRefused: break
        }
        guard case .resting = phase else { return [] }
        switch outcome {
        case .progress(let isCurrent):
            noteTouch()
            return isCurrent ? rest(now) : begin(now)
        case .retry(let code, let seconds):
            return backOff(.serverBusy(code: code), leastSeconds: seconds, now)
        case .tokenRefused: return refused(parked.generation, now)
        case .updateRequired, .halted: return []
        }
    }

    /// One refusal asks for a new token, a second in a row gives up: the account's tokens are not
    /// taken any more. One that is refused later than at its first use ran out where nothing came
    /// through.
    private mutating func refused(_ generation: UInt64, _ now: Moment) -> [Action] {
        // Legal: the refusal of a token that was replaced meanwhile.
        guard generation == token else { return begin(now) }
        guard !wasRefused || tokenUses > 1 else { return stop(.signedOut) }
        wasRefused = true
        token = nil
        var actions: [Action] = []
        if let tokenTimer { actions.append(.forget(tokenTimer)) }
        tokenTimer = nil
        actions += begin(now)
        return actions
    }

    private mutating func failed(
        _ id: ID, _ why: OfflineReason, _ now: Moment
    ) -> [Action] {
        if case .exchanging(let current, _, let timer) = phase, current == id {
            return [.forget(timer)] + backOff(why, now)
        }
        guard let parked, parked.id == id else { return [] }
        self.parked = nil
        haste += 1
        let actions = [Action.forget(parked.timer)]
        guard case .resting = phase else { return actions }
        // Proxies cut idle connections: only an exchange tells whether the server is out of reach.
        return actions + begin(now)
    }

    private mutating func timerFired(_ id: ID, _ now: Moment) -> [Action] {
        switch phase {
        case .awaitingToken(let timer) where timer == id:
            // The call goes on: one at a time, and a late token is as good.
            return backOff(.noToken("no token came in \(Self.tokenTimeout)"), now)
        case .exchanging(let request, _, let timer) where timer == id:
            return [.forget(request)] + backOff(.noConnection("no answer came in time"), now)
        case .backingOff(let timer, _, _) where timer == id: return begin(now)
        case .fresh, .stopped, .awaitingToken, .exchanging, .backingOff, .resting, .signedOut,
            .updateRequired, .halted:
            break
        }
        if let parked, parked.timer == id {
            return [.forget(parked.id)]
                + failed(parked.id, .noConnection("no answer came in time"), now)
        }
        if parkTimer == id {
            parkTimer = nil
            guard case .resting = phase, parked == nil else { return [] }
            return park(now)
        }
        if tokenTimer == id {
            tokenTimer = nil
            guard tokenCall == nil else { return [] }
            let call = next()
            tokenCall = call
            return [.fetchToken(call)]
        }
        return []  // Legal: timers fire late.
    }

    package func checkInvariants() {
        if parked != nil || parkTimer != nil {
            precondition(mode == .live, "S2: parked in mode \(mode)")
        }
        switch phase {
        case .fresh, .stopped, .signedOut, .updateRequired, .halted:
            precondition(mode == .stopped, "S4: mode \(mode) in \(phase)")
            precondition(parked == nil && tokenCall == nil, "S4: something is under way")
            precondition(parkTimer == nil && tokenTimer == nil, "S4: a timer is awaited")
        case .backingOff:
            precondition(parked == nil && parkTimer == nil, "S3: parked while backing off")
            precondition(mode != .stopped, "S4: backing off when stopped")
        case .awaitingToken, .exchanging:
            precondition(mode != .stopped, "S4: under way when stopped")
        case .resting:
            if mode != .live {
                precondition(tokenCall == nil && tokenTimer == nil, "S4: resting, not live")
            }
        }
    }
}
