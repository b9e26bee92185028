import ToteCommandLine
import ToteCore
import ToteServer
import ToteService

extension ExplainCommands {
    static func change(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let words = command.arguments
        let dot = try dot(words[1], command)
        return attempt(output, line, words[0]) { history in
            let state = try history.state()
            let entries = try entries(of: history) { entry in
                if case .sameAs(dot, _) = entry.event.outcome { return true }
                return entry.event.dot == dot
                    || entry.event.change.writes.contains { $0.replaces.contains(dot) }
            }
            let live = live(dot, in: state.documents)
            guard entries.contains(where: { $0.event.dot == dot }) || !live.isEmpty else {
                throw missing(dot, state)
            }
            let own = entries.first { $0.event.dot == dot }
            let order = try own.flatMap { try history.order(placedBy: $0.event.change.nonce) }
            let placed = order.map {
                "placed order \($0.id.text) at \($0.store), which is \($0.state.rawValue)"
            }
            output.result(
                [
                    ("space", .string(words[0])), ("change", .string(LogText.name(dot))),
                    ("log_first", .unsigned(state.first)),
                    ("order", order.map { .string($0.id.text) } ?? .null),
                    ("live", .array(live.map { .string($0) })),
                    ("history", .array(entries.map { .object(LogText.json($0)) })),
                ],
                [
                    LogText.name(dot) + ": "
                        + (placed ?? (live.isEmpty ? "nothing of it is left" : "in force:"))
                ] + live.map { "  " + $0 } + past(entries, state))
            return .success
        }
    }

    /// The cells of a change that no later one has replaced.
    private static func live(_ dot: Dot, in documents: Documents) -> [String] {
        documents.sortedCells().filter { $0.cell.dot == dot }.map { key, cell in
            "\(key.collection.text)  \(key.item.text)  \(key.field.text) "
                + LogText.text(cell.payload)
        }
    }

    private static func missing(_ dot: Dot, _ state: SpaceHistory.State) -> CommandFailure {
        let name = LogText.name(dot)
        let message: String
        if let device = state.devices.first(where: { $0.id == dot.replica }) {
            message =
                device.judged.contains(dot.counter)
                ? "\(name) was judged before #\(state.first), where the log begins, and nothing of "
                    + "it is left"
                : "\(name) has not arrived: of this device \(ranges(device)) were judged"
        } else {
            message =
                "no device of this space has the id \(Hex.string(dot.replica.rawValue)): "
                + "`tote explain device SPACE` lists them"
        }
        return CommandFailure(code: "not_found", message: message, exit: .noInput)
    }

    private static func ranges(_ device: SpaceHistory.Device) -> String {
        device.judged.ranges.isEmpty
            ? "none"
            : device.judged.ranges.map { "\($0.lowerBound)…\($0.upperBound)" }
                .joined(separator: ", ")
    }

    private static func dot(
        _ text: String, _ command: ParsedCommand
    ) throws(UsageError) -> Dot {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let replica = Hex.id(String(parts[0])),
            let counter = UInt64(parts[1]), counter > 0
        else {
            throw UsageError(
                "'\(text)' is no change", hint: "write REPLICA:COUNTER, as `tote tail` shows it",
                command: command.line)
        }
        return Dot(ReplicaID(replica), counter)
    }

    static func device(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let words = command.arguments
        var wanted: ReplicaID?
        if words.count > 1 {
            guard let id = Hex.id(words[1]) else {
                throw UsageError(
                    "'\(words[1])' is no replica", hint: "an id has 16 hex digits",
                    command: command.line)
            }
            wanted = ReplicaID(id)
        }
        return attempt(output, line, words[0]) { history in
            let state = try history.state()
            let devices = state.devices.filter { wanted == nil || $0.id == wanted }
            guard !devices.isEmpty else {
                throw CommandFailure(
                    code: "not_found",
                    message: "no device of this space has this id: `tote explain device "
                        + "\(words[0])` lists them", exit: .noInput)
            }
            let entries = try entries(of: history) { entry in
                devices.contains { $0.id == entry.event.dot.replica }
            }
            let told = devices.map { device in
                Told(
                    device: device,
                    family: state.devices.filter { $0.family == device.family }.map(\.id),
                    entries: entries.filter { $0.event.dot.replica == device.id })
            }
            output.result(
                [
                    ("space", .string(words[0])), ("log_first", .unsigned(state.first)),
                    ("devices", .array(told.map(\.json))),
                ], told.flatMap { $0.lines(isAlone: wanted != nil) })
            return .success
        }
    }

    /// A device with what the log has of it.
    private struct Told {
        let device: SpaceHistory.Device
        let family: [ReplicaID]
        let entries: [SpaceHistory.Entry]
        /// How many of its latest changes are shown.
        static let latestMost = 10

        private var refused: [SpaceHistory.Entry] { entries.filter { $0.event.rejection != nil } }

        func lines(isAlone: Bool) -> [String] {
            let others = family.filter { $0 != device.id }.map { Hex.string($0.rawValue) }
            var lines = [
                "\(Hex.string(device.id.rawValue)): judged \(ranges(device)), last heard of "
                    + "\(SystemClock.text(device.seen)), \(entries.count) changes in the log, "
                    + "\(refused.count) rejected"
            ]
            if !others.isEmpty {
                lines.append(
                    "  it or a copy of it took a new id: its family is also "
                        + others.joined(separator: ", "))
            }
            guard isAlone else { return lines }
            if !refused.isEmpty { lines += ["", "rejected:"] + refused.flatMap(LogText.lines) }
            let latest = entries.suffix(Self.latestMost)
            if !latest.isEmpty { lines += ["", "the latest:"] + latest.flatMap(LogText.lines) }
            return lines
        }

        var json: JSONText {
            [
                "replica": .string(Hex.string(device.id.rawValue)),
                "family": .array(family.map { .string(Hex.string($0.rawValue)) }),
                "judged": .array(
                    device.judged.ranges.map {
                        [.unsigned($0.lowerBound), .unsigned($0.upperBound)]
                    }),
                "seen_ms": .unsigned(device.seen), "changes": .int(entries.count),
                "rejected": .array(refused.map { .object(LogText.json($0)) }),
                "latest": .array(
                    entries.suffix(Self.latestMost).map { .object(LogText.json($0)) }),
            ]
        }
    }
}
