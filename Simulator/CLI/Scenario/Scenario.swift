import ToteCommandLine

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
        case lines([Line], on: [String])
        case server(ServerAction, backup: String)
        case parallel([Step])
        case repeated(Int, [Step])
        case copy(from: String, to: String)
        case snapshot(device: String, name: String)
        case rollback(device: String, name: String)
        case settle([String], within: Duration)
        case revoke(device: String)
        case grant(device: String)
        case wait(Duration)
    }

    /// One line for a device, as `tote-sim device` reads it.
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
    var steps: [Step] = []

    /// Fields of custom collections that the scenario writes: devices must agree on them too.
    var customFields: [[String]] {
        var fields: [[String]] = []
        func visit(_ steps: [Step]) {
            for step in steps {
                switch step.action {
                case .lines(let lines, on: _):
                    for line in lines {
                        guard let parsed = try? VerbLine.parse(line.text), parsed.verb.name == "set"
                        else { continue }
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

    /// Whether it can only run against a server that the run may kill.
    var needsOwnServer: Bool { Self.touchesServer(steps) }

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
