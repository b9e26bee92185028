import ToteConcurrency
import ToteCore

/// What its judge remembers of a shop floor: what users did and were told, and nothing that a core
/// thinks of itself.
final class FloorBook: Sendable {
    /// Something that was put on a list: each has a name of its own, and is there once or not.
    struct Line: Sendable {
        let mark: String
        let space: String
        let device: Int
        let owner: FloorDevice.Owner
        var at: UInt64
        /// Whether its device was told since that the server has it.
        var isSent = false
        /// Whether nobody may have it, or somebody may have taken it off whom nobody knows.
        var mayBeLost = false
        /// Whether a copy of a guest has it, too, whom nobody tells that it was taken off.
        var isCopied = false
        /// Who took it off again, having seen it: their device.
        var removedBy: [Removal] = []
    }

    struct Removal: Sendable {
        let device: Int
        let owner: FloorDevice.Owner
        var at: UInt64
        var isSent = false
    }

    /// A right that somebody lost, as they were told who took it: from then on a device that is
    /// in touch with the server holds nothing of the space.
    struct Loss: Sendable {
        let space: String
        /// `nil` is everybody.
        let owner: FloorDevice.Owner?
        let at: UInt64
        /// Whether the server has it for sure: one that went back may have known of nothing that
        /// could be left, and another device of the owner may tell it again.
        let isSure: Bool
    }

    /// A code that was shown, and whoever stands there hears it.
    struct Code: Sendable {
        enum Kind: Sendable {
            case handOff(customer: Int)
            case share(String, Share.Role)
        }

        let kind: Kind
        let text: String
    }

    struct Asked: Sendable {
        let receipt: String
        let order: OrderID
        let device: Int
    }

    /// A device's directory was lost, or an older one is in its place; or what it had of a space
    /// is gone from it.
    struct Forgetting: Sendable {
        let device: Int
        /// `nil` is everything.
        let space: String?
        let at: UInt64
    }

    struct State {
        var failure: FloorFailure?
        var lastMark = 0
        var lines: [String: Line] = [:]
        var losses: [Loss] = []
        var forgettings: [Forgetting] = []
        var codes: [Code] = []
        /// The name of each space in marks.
        var names: [String: String] = [:]
        /// Every role that somebody has had or was offered.
        var roles: [String: [FloorDevice.Owner: Set<Share.Role>]] = [:]
        /// When somebody last joined, or tried to.
        var joined: [String: [FloorDevice.Owner: UInt64]] = [:]
        var members: [String: FloorDevice.Owner] = [:]
        /// Roles that were given to members before it was known whose they are.
        var given: [String: Set<Share.Role>] = [:]
        var restores = 0
        /// The counter's next answer gets lost on the way, and it asks again.
        var repeatsHandOver = false
        var erased: Set<Int> = []
        /// Requests about orders that their device has saved.
        var asked: [String: Asked] = [:]
        /// Orders that a joined device has placed, by the hand-off's right or without.
        var tabletOrders: [OrderID: HandOff.ID] = [:]
        var looks = 0
        var looksTried = 0
        var acts: [String: Int] = [:]
        var refusals: [String: Int] = [:]
        var notes: [String] = []
        var struck: [String: Int] = [:]

        /// Whether a device has lost what it had of a space, or of anything, since a moment.
        func hasForgotten(_ device: Int, _ space: String? = nil, since moment: UInt64 = 0) -> Bool {
            forgettings.contains {
                $0.device == device && $0.at >= moment && ($0.space == nil || $0.space == space)
            }
        }
    }

    private let state = Lock(State())
    private let began = SystemClock.nowMilliseconds()

    var now: UInt64 { SystemClock.nowMilliseconds() }
    var snapshot: State { state.withLock { $0 } }

    @discardableResult
    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        state.withLock { body(&$0) }
    }

    func note(_ text: String) {
        let at = Double(now - began) / 1_000
        state.withLock { $0.notes.append("\(at)s  \(text)") }
    }

    /// The first failure is the one that counts.
    func fail(_ code: String, _ message: String) {
        note("FAILS \(code): \(message)")
        state.withLock { state in
            if state.failure == nil {
                state.failure = FloorFailure(code: code, message: message)
            }
        }
    }

    static func space(ofCustomer customer: Int) -> String { "customer:\(customerID(customer))" }
    /// A mark, too.
    static func customerID(_ customer: Int) -> String {
        "\(FloorDevice.sign)-customer-\(customer)-\(FloorDevice.sign)"
    }

    /// What every mark in a space begins with: bytes that are nowhere else.
    func prefix(_ space: String) -> String {
        state.withLock { state in
            if let name = state.names[space] { return name }
            let name = "\(FloorDevice.sign)\(state.names.count)\(FloorDevice.sign)"
            state.names[space] = name
            return name
        }
    }

    /// A name that nothing else has.
    func newMark(_ space: String) -> String {
        prefix(space)
            + String(
                state.withLock { state in
                    state.lastMark += 1
                    return state.lastMark
                })
    }

    func added(_ mark: String, to space: String, by device: FloorDevice) {
        let line = Line(
            mark: mark, space: space, device: device.number, owner: device.owner, at: now)
        state.withLock { $0.lines[mark] = line }
    }

    func removed(_ mark: String, by device: FloorDevice) {
        let removal = Removal(device: device.number, owner: device.owner, at: now)
        state.withLock { $0.lines[mark]?.removedBy.append(removal) }
    }

    /// What a device had not sent, of a space or of anything, may be on no disk any more.
    func forgot(_ device: FloorDevice, in space: String? = nil) {
        let now = now
        state.withLock { state in
            state.forgettings.append(.init(device: device.number, space: space, at: now))
            for (mark, line) in state.lines where space == nil || line.space == space {
                if line.device == device.number, !line.isSent {
                    state.lines[mark]?.mayBeLost = true
                }
                state.lines[mark]?.removedBy.removeAll { $0.device == device.number && !$0.isSent }
                if state.lines[mark]?.removedBy.count != line.removedBy.count {
                    state.lines[mark]?.mayBeLost = true
                }
            }
        }
    }

    /// Another device is what this one is now.
    func copied(_ device: FloorDevice) {
        state.withLock { state in
            let guest = state.names["guest"] ?? " "
            for (mark, line) in state.lines
            where line.device == device.number && mark.hasPrefix(guest) {
                state.lines[mark]?.isCopied = true
            }
        }
    }

    /// A device was told that the server has all that it did in a space until then.
    func sent(_ space: String, by device: FloorDevice, until moment: UInt64) {
        state.withLock { state in
            for (mark, line) in state.lines where line.space == space {
                if line.device == device.number, line.at < moment, !line.mayBeLost {
                    state.lines[mark]?.isSent = true
                }
                for (index, removal) in line.removedBy.enumerated()
                where removal.device == device.number && removal.at < moment {
                    state.lines[mark]?.removedBy[index].isSent = true
                }
            }
        }
    }

    func took(_ role: Share.Role, of space: String, _ owner: FloorDevice.Owner) {
        state.withLock { _ = $0.roles[space, default: [:]][owner, default: []].insert(role) }
    }

    /// A device says which member its owner is.
    func learned(_ member: String, is owner: FloorDevice.Owner, in space: String) {
        let given = state.withLock { state in
            state.members[member] = owner
            return state.given.removeValue(forKey: member) ?? []
        }
        for role in given { took(role, of: space, owner) }
    }

    func joining(_ space: String, _ owner: FloorDevice.Owner) {
        let now = now
        state.withLock { $0.joined[space, default: [:]][owner] = now }
    }

    func lost(_ space: String, _ owner: FloorDevice.Owner?, byLeaving: Bool = false) {
        let loss = Loss(
            space: space, owner: owner, at: now, isSure: !byLeaving || snapshot.restores == 0)
        state.withLock { state in
            state.losses.append(loss)
            // What their devices have not sent goes when they are told.
            for (mark, line) in state.lines
            where line.space == space && !line.isSent && (owner ?? line.owner) == line.owner {
                state.lines[mark]?.mayBeLost = true
            }
        }
    }
}

/// A broken promise on a shop floor.
struct FloorFailure: Error, Sendable {
    /// Stable: which promise.
    let code: String
    let message: String
}
