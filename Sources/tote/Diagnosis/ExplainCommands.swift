import Glibc
import ToteCommandLine
import ToteCore
import ToteServer
import ToteService

/// `tote explain line|change|device`.
enum ExplainCommands {
    static let space = ArgumentSpec("SPACE", "the space, like customer:c-1")
    private static let options = [CommandTree.data, CommandTree.json]

    static let spec = CommandSpec(
        "explain", "Says why something is as it is: which changes made it so, whose and when.",
        discussion: "Reads the data file beside the server and changes nothing. What it shows is "
            + "customers' content: it is for the operator who asked. The log is kept for 90 days.",
        subcommands: [
            CommandSpec(
                "line", "A line of a cart, an entry of a wishlist, or any other item.",
                examples: [
                    ("tote explain line customer:c-1 cart:main latte size=L", "why so many"),
                    ("tote explain line customer:c-1 wishlist:favorites mug", "who put it there"),
                ],
                arguments: [
                    space, ArgumentSpec("COLLECTION", "like cart:main, wishlist:favorites"),
                    ArgumentSpec("ITEM", "the SKU, or the item's whole name"),
                    ArgumentSpec("OPTION", "group=value", optional: true, repeating: true),
                ], options: options),
            CommandSpec(
                "change", "One change: what it wrote, what became of it, and what is left of it.",
                examples: [
                    ("tote explain change customer:c-1 5f2c90abcdef0123:4", "as `tail` names it")
                ],
                arguments: [space, ArgumentSpec("CHANGE", "REPLICA:COUNTER")], options: options),
            CommandSpec(
                "device", "A device: what it sent, what was refused, its family of ids.",
                examples: [
                    ("tote explain device customer:c-1", "all of the space's"),
                    ("tote explain device customer:c-1 5f2c90abcdef0123", "one, with refusals"),
                ],
                arguments: [space, ArgumentSpec("REPLICA", "its id", optional: true)],
                options: options),
        ])

    /// Runs a body on the history of a space, and reports what it failed with.
    static func attempt(
        _ output: Output, _ line: Operator, _ space: String,
        _ body: (SpaceHistory) throws -> ExitCode
    ) -> ExitCode {
        FileCommands.attempt(output) { () throws(CommandFailure) in
            let path = line.directory.filePath
            guard line.directory.holdsData else { throw Operator.noData(line.directory) }
            do {
                if let history = try SpaceHistory(path: path, space: space) {
                    return try body(history)
                }
                let near = Suggestion.nearest(
                    to: space, among: try SpaceHistory.spaces(path: path))
                throw CommandFailure(
                    code: "no_space",
                    message: "nothing was ever sent to \(space)"
                        + (near.map { ": did you mean \($0)?" } ?? ""), exit: .noInput)
            } catch let failure as CommandFailure {
                throw failure
            } catch {
                throw Operator.failure(error)
            }
        }
    }

    /// All entries that the log has.
    static func entries(
        of history: SpaceHistory, where isWanted: (SpaceHistory.Entry) -> Bool
    ) throws -> [SpaceHistory.Entry] {
        var found: [SpaceHistory.Entry] = []
        var position: UInt64 = 0
        while true {
            let entries = try history.entries(after: position, most: 1_024)
            guard let last = entries.last else { return found }
            found += entries.filter(isWanted)
            position = last.position
        }
    }

    static func line(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let words = command.arguments
        let item = try item(words[2], Array(words.dropFirst(3)), command)
        return attempt(output, line, words[0]) { history in
            let collection = Name(words[1])
            let state = try history.state()
            let names = [item.text, LineName(item: item).sku]
            let entries = try entries(of: history) { entry in
                entry.event.change.writes.contains {
                    $0.key.collection == collection && $0.key.item == item
                } || (entry.event.rejection != nil && mentions(entry.event, names))
            }
            let fields = state.documents.items(collection)[item]?.sortedFields ?? []
            guard !fields.isEmpty || !entries.isEmpty else {
                let near = Suggestion.nearest(
                    to: item.text, among: state.documents.items(collection).keys.map(\.text))
                throw CommandFailure(
                    code: "not_found",
                    message: "\(words[1]) has no \(item.text), and the log says nothing of it"
                        + (near.map { ": did you mean \($0)?" } ?? ""), exit: .noInput)
            }
            output.result(
                [
                    ("space", .string(words[0])), ("collection", .string(words[1])),
                    ("item", .string(item.text)), ("log_first", .unsigned(state.first)),
                    ("fields", .array(fields.map(json))),
                    ("history", .array(entries.map { .object(LogText.json($0)) })),
                ],
                ["\(words[1])  \(item.text)" + (fields.isEmpty ? ": is not there" : "")]
                    + fields.flatMap { text($0) } + past(entries, state))
            return .success
        }
    }

    private static func item(
        _ word: String, _ options: [String], _ command: ParsedCommand
    ) throws(UsageError) -> Name {
        guard !options.isEmpty else { return Name(word) }
        var chosen: [String: String] = [:]
        for option in options {
            guard let mark = option.firstIndex(of: "="), mark > option.startIndex else {
                throw UsageError(
                    "'\(option)' is no option of a line", hint: "write group=value, like size=L",
                    command: command.line)
            }
            chosen[String(option[..<mark])] = String(option[option.index(after: mark)...])
        }
        return LineName(word, options: chosen).item
    }

    /// Whether a refused change, of which the log keeps no writes, asked for one of these.
    private static func mentions(_ event: Event, _ names: [String]) -> Bool {
        func holds(_ value: Value) -> Bool {
            switch value {
            case .text(let text): names.contains(text)
            case .array(let values): values.contains(where: holds)
            case .map(let entries): entries.contains { holds($0.value) }
            case .null, .bool, .int: false
            }
        }
        return holds(event.change.intent ?? .null) || holds(event.rejection?.details ?? .null)
    }

    /// What a field shows, and the changes that it is made of.
    private static func text(_ field: Documents.Item.Field) -> [String] {
        ["  \(field.name.text): \(LogText.text(shown(field)))"]
            + field.sortedCells.map {
                "    \(LogText.name($0.dot)) \(LogText.text($0.payload))"
            }
    }

    private static func shown(_ field: Documents.Item.Field) -> Value {
        if let register = Fold.register(field.cells) { return register.value }
        let isCounter = field.cells.contains {
            switch $0.payload {
            case .base, .delta: true
            default: false
            }
        }
        return isCounter ? .int(Fold.counter(field.cells)) : .bool(Fold.flag(field.cells))
    }

    private static func json(_ field: Documents.Item.Field) -> JSONText {
        [
            "field": .string(field.name.text), "value": LogText.json(shown(field)),
            "cells": .array(
                field.sortedCells.map {
                    ["change": .string(LogText.name($0.dot)), "write": LogText.json($0.payload)]
                }),
        ]
    }

    static func past(
        _ entries: [SpaceHistory.Entry], _ state: SpaceHistory.State
    ) -> [String] {
        let horizon =
            state.first > 1
            ? ["before #\(state.first) the log is gone; what it left is shown above"] : []
        return (entries.isEmpty ? [] : ["", "what happened, the oldest first:"]) + horizon
            + entries.flatMap(LogText.lines)
    }
}
