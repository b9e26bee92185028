import Glibc
import ToteClient
import ToteCommandLine
import ToteCore

/// `tote-sim inspect`: what a device's files hold.
enum InspectCommand {
    static let spec = CommandSpec(
        "inspect", "Shows what a device's files hold, without changing a byte of them.",
        discussion: "It reads a copy, so the device must not run meanwhile. Works on any "
            + "directory that an app gave to the client core. What it shows is the customer's.",
        examples: [
            ("tote-sim inspect tote-devices/phone", "a simulated device's"),
            ("tote-sim inspect store --json", "an app's, for a program"),
        ],
        arguments: [ArgumentSpec("DIR", "the directory")],
        options: [OptionSpec("json", "print one JSON object")])

    static func run(_ command: ParsedCommand, _ terminal: Terminal) -> ExitCode {
        let isJSON = command.flag("json")
        do throws(CommandFailure) {
            let inspection = try read(command.arguments[0])
            terminal.writeOut(
                isJSON
                    ? JSONText.versioned(inspection.json).pretty + "\n"
                    : inspection.lines.joined(separator: "\n") + "\n")
            return .success
        } catch {
            return terminal.report(error, asJSON: isJSON)
        }
    }

    private static func read(_ path: String) throws(CommandFailure) -> Inspection {
        let inner = path + "/store"
        let directory = Files.isDirectory(inner) ? inner : path
        let record = directory + "/installation.sqlite"
        guard Files.exists(record) else {
            throw CommandFailure(
                code: "no_device",
                message: "\(path) holds no device: it has no installation.sqlite",
                exit: .noInput)
        }
        guard !isLocked(record) else {
            throw CommandFailure(
                code: "device_in_use",
                message: "the device in \(path) is running: end it, then try again",
                exit: .temporaryFailure)
        }
        var scratch: String?
        defer { if let scratch { Files.remove(scratch) } }
        do throws(Files.Failure) {
            let made = try Files.makeTemporaryDirectory()
            scratch = made
            try Files.copyDirectory(directory, to: made + "/copy")
        } catch {
            throw CommandFailure(code: "storage", message: "\(error)", exit: error.exit)
        }
        do throws(ToteError) {
            return try Inspection(copy: (scratch ?? "") + "/copy")
        } catch {
            let exit: ExitCode =
                switch error.code {
                case .storeTooNew: .config
                case .storeUnusable: .dataError
                default: .ioError
                }
            throw CommandFailure(code: error.code.rawValue, message: error.message, exit: exit)
        }
    }

    /// Whether a process has the database open for itself: asks for SQLite's lock, takes none.
    private static func isLocked(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // SQLite's pending byte, its reserved byte, and the range that readers share.
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = 0x4000_0000
        lock.l_len = 512
        return fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
    }
}

extension Inspection {
    fileprivate var lines: [String] {
        let shown = account.map { "account \($0) shows" } ?? "a guest shows, number \(guest)"
        var lines = ["installation: \(shown)"]
        if !adoptions.isEmpty {
            lines.append(
                "to be taken in: guests \(adoptions.map { String($0) }.joined(separator: ", "))")
        }
        for file in files { lines += [""] + file.lines }
        return lines
    }

    fileprivate var json: [(name: String, value: JSONText)] {
        [
            ("account", account.map { .string($0) } ?? .null), ("guest", .int(Int(guest))),
            ("adoptions", .array(adoptions.map { .int(Int($0)) })),
            ("files", .array(files.map(\.json))),
        ]
    }
}

extension Inspection.File {
    fileprivate var lines: [String] {
        let id = replica.map { Hex.string($0.rawValue) } ?? "none yet"
        let old = formerly.map { Hex.string($0.rawValue) }
        let place = cursor.map { "position \($0.position) of epoch \(Hex.string($0.epoch))" }
        let waiting = batch.map { "\($0.count) changes from \(Self.name($0.first))" }
        let counts = Dictionary(grouping: receipts, by: { $0.state.word }).mapValues(\.count)
        let states = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        var lines = [
            name + (shows ? " (shows)" : ""),
            "  replica   \(id), next change \(nextCounter)"
                + (old.isEmpty ? "" : ", formerly \(old.joined(separator: ", "))"),
            "  cursor    " + (place ?? "none: nothing was synced yet")
                + (covered > 0 ? ", a backup has \(covered)" : ""),
            "  batch     " + (waiting ?? "none under way"), "  outbox    \(outbox.count) pending",
        ]
        lines += outbox.map { "    \(Self.name($0.dot))  \($0.state.word)  \($0.label)" }
        lines.append("  receipts  " + (states.isEmpty ? "none" : states.joined(separator: ", ")))
        for receipt in receipts {
            guard case .rejected(let rejection) = receipt.state else { continue }
            lines.append("    \(receipt.id)  \(rejection.code)  \(receipt.label)")
        }
        lines.append("  leases    \(leases.isEmpty ? "none" : "\(leases.count)")")
        lines += leases.map { lease in
            "    \(lease.id.text)  \(lease.account)  \(lease.left) of \(lease.granted)  "
                + "until \(Moment.text(lease.stopAt))  \(Self.holder(lease))"
                + (lease.isSealed ? "  sealed" : "") + (lease.isAskedBack ? "  asked back" : "")
        }
        if let takenLeases { lines.append("  redeemer  took from \(takenLeases) leases") }
        return lines
    }

    private static func name(_ dot: Dot) -> String {
        "\(Hex.string(dot.replica.rawValue)):\(dot.counter)"
    }

    private static func holder(_ lease: LeaseRecord) -> String {
        switch lease.holder {
        case .device(let replica): "device \(Hex.string(replica.rawValue))"
        case .store(let store, _): "store \(store)"
        }
    }

    fileprivate var json: JSONText {
        [
            "file": .string(name), "shows": .bool(shows),
            "replica": replica.map { .string(Hex.string($0.rawValue)) } ?? .null,
            "formerly": .array(formerly.map { .string(Hex.string($0.rawValue)) }),
            "next_counter": .unsigned(nextCounter),
            "cursor": cursor.map {
                ["epoch": .string(Hex.string($0.epoch)), "position": .unsigned($0.position)]
            } ?? .null,
            "covered": .unsigned(covered),
            "batch": batch.map {
                ["first": .string(Self.name($0.first)), "changes": .int($0.count)]
            } ?? .null,
            "outbox": .array(
                outbox.map { pending in
                    [
                        "change": .string(Self.name(pending.dot)),
                        "nonce": .string(Hex.string(pending.change.nonce)),
                        "state": .string(pending.state.word), "label": .string(pending.label),
                        "writes": .int(pending.change.writes.count),
                        "intent": .bool(pending.change.intent != nil),
                    ]
                }),
            "receipts": .array(
                receipts.map { receipt in
                    var members: [(name: String, value: JSONText)] = [
                        ("id", .string(receipt.id)), ("state", .string(receipt.state.word)),
                        ("label", .string(receipt.label)), ("own", .bool(receipt.isOwn)),
                    ]
                    if case .rejected(let rejection) = receipt.state {
                        members.append(("code", .string(rejection.code)))
                    }
                    return .object(members)
                }),
            "leases": .array(
                leases.map { lease in
                    [
                        "id": .string(lease.id.text), "account": .string("\(lease.account)"),
                        "granted": .int(Int(lease.granted)), "left": .int(Int(lease.left)),
                        "stop_at_ms": .unsigned(lease.stopAt),
                        "holder": .string(Self.holder(lease)), "sealed": .bool(lease.isSealed),
                        "asked_back": .bool(lease.isAskedBack),
                    ]
                }),
            "taken_leases": takenLeases.map { .int($0) } ?? .null,
        ]
    }
}

extension Receipt.State {
    fileprivate var word: String {
        switch self {
        case .saved: "saved"
        case .sending: "sending"
        case .accepted: "accepted"
        case .rejected: "rejected"
        case .withdrawn: "withdrawn"
        }
    }
}
