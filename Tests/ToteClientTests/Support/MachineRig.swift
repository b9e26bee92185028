import Testing
import ToteClient

/// A sync machine with the books that a shell would keep: what is under way, and which timers run.
struct MachineRig {
    typealias ID = SyncMachine.ID

    var machine: SyncMachine
    var requests: [ID: TransportRequest.Lane] = [:]
    var timers: [ID: (end: UInt64, wait: Duration)] = [:]
    var tokenCalls: Set<ID> = []
    /// Everything that was ever asked for, also what is over: late answers name these.
    var past: [ID] = []
    var sent: [TransportRequest.Lane: Int] = [:]
    var now: UInt64 = 1_000_000
    var random: UInt64 = 250

    init(hasAccount: Bool = true) { machine = SyncMachine(hasAccount: hasAccount) }

    func request(_ lane: TransportRequest.Lane) -> ID? {
        requests.first { $0.value == lane }?.key
    }

    var tokenCall: ID? { tokenCalls.first }
    /// The timer that ends next.
    var nextTimer: ID? {
        timers.min { ($0.value.end, $0.key) < ($1.value.end, $1.key) }?.key
    }

    /// The status without its times.
    var status: String {
        switch machine.status {
        case .starting: "starting"
        case .offline(_, _, .stopped): "stopped"
        case .offline: "offline"
        case .connecting: "connecting"
        case .syncing: "syncing"
        case .upToDate: "upToDate"
        case .signedOut: "signedOut"
        case .updateRequired: "updateRequired"
        case .halted: "halted"
        }
    }

    @discardableResult
    mutating func handle(_ event: SyncMachine.Event) -> [SyncMachine.Action] {
        switch event {
        case .answered(let id, _), .failed(let id, _): requests[id] = nil
        case .tokenArrived(let id, _), .tokenDenied(let id), .tokenFailed(let id, _):
            tokenCalls.remove(id)
        case .timerFired(let id):
            if let timer = timers.removeValue(forKey: id) { now = max(now, timer.end) }
        case .start, .stop, .localChange, .networkMayBeBack: break
        }
        let actions = machine.handle(
            event,
            at: SyncMachine.Moment(
                wallMilliseconds: now, uptimeMilliseconds: now, random: random))
        for action in actions { note(action) }
        machine.checkInvariants()
        for lane in [TransportRequest.Lane.exchange, .parked] {
            #expect(requests.values.count { $0 == lane } <= 1, "S1: two requests on \(lane)")
        }
        #expect(tokenCalls.count <= 1, "S1: two token calls")
        if machine.isSettled, machine.mode == .stopped {
            #expect(requests.isEmpty && timers.isEmpty && tokenCalls.isEmpty, "S4: not at rest")
        } else if requests.isEmpty, tokenCalls.isEmpty {
            #expect(!timers.isEmpty, "stuck: nothing is under way and no timer runs")
        }
        return actions
    }

    private mutating func note(_ action: SyncMachine.Action) {
        switch action {
        case .send(let id, let lane):
            requests[id] = lane
            sent[lane, default: 0] += 1
            past.append(id)
        case .fetchToken(let id):
            tokenCalls.insert(id)
            past.append(id)
        case .wakeUp(let id, let wait):
            #expect(wait > .zero, "a timer that fires at once is a busy loop")
            timers[id] = (now + UInt64(wait / .milliseconds(1)), wait)
            past.append(id)
        case .forget(let id):
            requests[id] = nil
            timers[id] = nil
            tokenCalls.remove(id)
        }
    }

    /// Gives the token that is asked for, then answers to what is sent until all is up to date.
    mutating func connect(isLive: Bool = true) {
        handle(.start(isLive: isLive))
        if let call = tokenCall { handle(.tokenArrived(call, lifetimeMilliseconds: nil)) }
        if let id = request(.exchange) { handle(.answered(id, .progress(isCurrent: true))) }
    }
}
