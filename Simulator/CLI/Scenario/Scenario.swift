import ToteCommandLine
import ToteCore

/// What is to happen and what must hold then: devices, and steps one after the other.
struct Scenario: Sendable {
    struct Device: Sendable {
        var name: String
        var place: TextPlace
        /// Whose device it is; devices of one customer share their documents.
        var customer = "demo"
        /// Whose token it has, where that is somebody else's.
        var tokenCustomer: String?
        /// Patterns of collections that its token opens; empty for all.
        var read: [String] = []
        var write: [String] = []
        var isGuest = false
        var isLive = false
        /// The store whose device it is: it joins customers' hand-offs.
        var store: String?
        /// Where its app runs; `nil` for `app`.
        var channel: String?
    }

    /// A counter of a store: `tote-sim counter` in a process of its own.
    struct Counter: Sendable {
        var name: String
        var place: TextPlace
        var store: String
        var isManager = false
        /// Whether it takes reservations while it is cut off.
        var isRedeemer = false
    }

    /// What becomes different at a store, by a new version of the catalogue.
    struct CatalogChange: Sendable {
        var store: String
        /// SKU to the price there.
        var prices: [String: Int64] = [:]
        var soldOut: [String]?
        /// Whether it has no opening hours at all.
        var isClosed: Bool?
        /// Members of a store that are whole numbers, by the catalogue's name for them.
        var numbers: [String: Int64] = [:]
    }

    enum ServerAction: String, CaseIterable, Sendable {
        /// `kill -9`.
        case kill
        /// SIGTERM, which must end it with 0.
        case stop
        case start
        /// `stop`, then `start`.
        case restart
        case backup
        /// From a backup, into a new data directory, at the same address.
        case restore
    }

    enum Action: Sendable {
        case lines([Line], on: [String], atOnce: Bool)
        /// The clock is how far the server's is ahead from its start on; `nil` leaves it.
        case server(ServerAction, backup: String, clock: String?)
        case change(CatalogChange)
        case parallel([Step])
        case repeated(Int, [Step])
        case copy(from: String, to: String)
        case snapshot(device: String, name: String)
        case rollback(device: String, name: String)
        case settle([String], within: Duration)
        case revoke(device: String)
        case grant(device: String)
        /// The customer of a device is erased.
        case erase(device: String)
        /// Points, or stored value, for a device's customer.
        case give(Int64, AccountName, to: String)
        case wait(Duration)
    }

    /// One line for a device or a counter, as it reads it.
    struct Line: Sendable {
        var place: TextPlace
        var text: String
    }

    struct Step: Sendable {
        var place: TextPlace
        var action: Action
    }

    var name: String
    var about: String
    var tags: [String] = []
    var devices: [Device] = []
    var counters: [Counter] = []
    /// What is sold, in the form that is imported; `nil` where nothing is.
    var catalog: Value?
    var steps: [Step] = []

    /// Fields of custom collections that the scenario writes: devices must agree on them too.
    var customFields: [[String]] {
        var fields: [[String]] = []
        func visit(_ steps: [Step]) {
            for step in steps {
                switch step.action {
                case .lines(let lines, on: _, atOnce: _):
                    for line in lines {
                        let read = try? VerbLine.parse(line.text, among: DeviceVerbs.all)
                        guard let parsed = read, parsed.verb.name == "set" else { continue }
                        let field = Array(parsed.words.prefix(3))
                        if !fields.contains(field) { fields.append(field) }
                    }
                case .parallel(let steps), .repeated(_, let steps): visit(steps)
                default: break
                }
            }
        }
        visit(steps)
        return fields
    }

    /// Whether it can only run against a server that the run may kill, or fill with its own menu.
    var needsOwnServer: Bool { catalog != nil || Self.touchesServer(steps) }

    private static func touchesServer(_ steps: [Step]) -> Bool {
        steps.contains { step in
            switch step.action {
            case .server: true
            case .parallel(let steps), .repeated(_, let steps): touchesServer(steps)
            default: false
            }
        }
    }
}
