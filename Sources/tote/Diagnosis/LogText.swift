import ToteCommandLine
import ToteCore
import ToteServer
import ToteService

/// Entries of a space's log, for people and for programs.
enum LogText {
    /// A change's name: `5f2c90abcdef0123:4`.
    static func name(_ dot: Dot) -> String { "\(Hex.string(dot.replica.rawValue)):\(dot.counter)" }

    static func author(_ entry: SpaceHistory.Entry) -> String {
        entry.isServers ? "the server" : name(entry.event.dot)
    }

    /// One line, and what was written or refused below it.
    static func lines(_ entry: SpaceHistory.Entry) -> [String] {
        let event = entry.event
        let head = "#\(entry.position)  \(SystemClock.text(entry.judgedAt))  \(author(entry))  "
        var below = event.change.writes.map(text)
        if let intent = event.change.intent { below.insert("asks: \(text(intent))", at: 0) }
        let outcome: String
        switch event.outcome {
        case .accepted:
            outcome =
                event.change.writes.isEmpty && event.change.intent == nil
                ? "accepted, with nothing in it" : "accepted"
        case .rejected(let rejection): outcome = "rejected: \(text(rejection))"
        case .sameAs(let dot, let rejection):
            outcome =
                "the same change as \(name(dot))"
                + (rejection.map { ", rejected: \(text($0))" } ?? "")
        }
        return [head + outcome] + below.map { "    " + $0 }
    }

    static func text(_ rejection: Rejection) -> String {
        guard case .map(let entries) = rejection.details, !entries.isEmpty else {
            return rejection.code
        }
        return "\(rejection.code) \(text(rejection.details))"
    }

    static func text(_ value: Value) -> String { json(value).compact }

    /// A value as it is shown: keys that codes are made with are not, since a terminal is copied.
    static func json(_ value: Value) -> JSONText { JSONText(value.hidingSecrets) }

    private static func text(_ write: Write) -> String {
        let key = write.key
        let place = "\(key.collection.text)  \(key.item.text)  \(key.field.text)"
        let seen =
            write.replaces.isEmpty
            ? "" : "  in place of \(write.replaces.map(name).joined(separator: ", "))"
        return "\(place) \(text(write.payload))\(seen)"
    }

    static func text(_ payload: Payload?) -> String {
        switch payload {
        case nil: "erased"
        case .register(let value): "= \(text(value))"
        case .base(let number): "= \(number)"
        case .delta(let number): number < 0 ? "\(number)" : "+\(number)"
        case .flag: "is there"
        case .other(let kind, let value): "of kind \(kind): \(text(value))"
        }
    }

    static func json(_ entry: SpaceHistory.Entry) -> [(name: String, value: JSONText)] {
        let event = entry.event
        var members: [(name: String, value: JSONText)] = [
            ("position", .unsigned(entry.position)), ("judged_ms", .unsigned(entry.judgedAt)),
            ("replica", .string(Hex.string(event.dot.replica.rawValue))),
            ("counter", .unsigned(event.dot.counter)), ("server", .bool(entry.isServers)),
            ("nonce", .string(Hex.string(event.change.nonce))),
            ("made_ms", .unsigned(event.change.time.milliseconds)),
        ]
        switch event.outcome {
        case .accepted: members.append(("outcome", "accepted"))
        case .rejected: members.append(("outcome", "rejected"))
        case .sameAs(let dot, _):
            members += [("outcome", "same_as"), ("same_as", .string(name(dot)))]
        }
        if let rejection = event.rejection {
            members += [
                ("code", .string(rejection.code)), ("details", json(rejection.details)),
            ]
        }
        if let intent = event.change.intent { members.append(("intent", json(intent))) }
        members.append(("writes", .array(event.change.writes.map(json))))
        return members
    }

    private static func json(_ write: Write) -> JSONText {
        [
            "collection": .string(write.key.collection.text),
            "item": .string(write.key.item.text), "field": .string(write.key.field.text),
            "write": json(write.payload),
            "replaces": .array(write.replaces.map { .string(name($0)) }),
        ]
    }

    static func json(_ payload: Payload?) -> JSONText {
        switch payload {
        case nil: ["kind": "erase"]
        case .register(let value): ["kind": "register", "value": json(value)]
        case .base(let number): ["kind": "base", "value": .int(Int(number))]
        case .delta(let number): ["kind": "delta", "value": .int(Int(number))]
        case .flag: ["kind": "flag"]
        case .other(let kind, let value): ["kind": .unsigned(kind), "value": json(value)]
        }
    }
}
