import ToteCommandLine
import ToteSimulation

/// `repro.json`: what makes a day again.
struct Repro {
    var seed: UInt64
    var limits: DayOptions.Limits
    /// The SHA-256 of the history that it made.
    var hash: String?

    private static let bytesMax = 1_024 * 1_024

    init(seed: UInt64) {
        self.seed = seed
        limits = DayOptions.Limits()
    }

    init(_ outcome: DayOutcome) {
        seed = outcome.seed
        limits = outcome.limits
        hash = outcome.hash
    }

    /// Reads a file.
    ///
    /// - Throws: all that is wrong with it, each with its place.
    init(contentsOf path: String) throws(CommandFailure) {
        let text = try TextFile.read(path, most: Self.bytesMax)
        do throws(TextError) {
            self = try Self(text)
        } catch {
            throw CommandFailure(
                code: "bad_repro", message: "\(path) makes no day again", exit: .dataError,
                faults: FileFaults(path: path, faults: [error]))
        }
    }

    private init(_ text: String) throws(TextError) {
        let root = try JSONTextReader.read(text)
        guard case .object(let members) = root.kind else {
            throw TextError(root.place, "this is \(root.what), an object belongs here")
        }
        var seed: UInt64?
        limits = DayOptions.Limits()
        for member in members {
            switch (member.name, member.value.kind) {
            case ("version", .number(1)): continue
            case ("seed", .string(let text)) where UInt64(text) != nil: seed = UInt64(text)
            case ("without", .array(let nodes)):
                for node in nodes { limits.without.insert(try Self.fault(node)) }
            case ("only", .array(let nodes)):
                var only: Set<Fault> = []
                for node in nodes { only.insert(try Self.fault(node)) }
                limits.only = only
            case ("customers", .number(let count)) where (1...100).contains(count):
                limits.customers = count
            case ("devices_each", .number(let count)) where (1...100).contains(count):
                limits.devicesEach = count
            case ("seconds", .number(let count)) where (1...86_400).contains(count):
                limits.seconds = UInt64(count)
            case ("act_ms", .number(let count)) where (1...3_600_000).contains(count):
                limits.actMilliseconds = UInt64(count)
            case ("open_ms", .number(let count)) where (1...86_400_000).contains(count):
                limits.openMilliseconds = UInt64(count)
            case ("skip", .array(let nodes)):
                for node in nodes { limits.skipped.insert(try Self.event(node)) }
            case ("sha256", .string(let text)): hash = text
            case ("code", .string), ("message", .string): continue
            default:
                throw TextError(
                    member.place, "\"\(member.name)\" is unknown, or \(member.value.what) is wrong")
            }
        }
        guard let seed else {
            throw TextError(root.place, "there is no \"seed\", a number in quotes")
        }
        self.seed = seed
    }

    private static func fault(_ node: TextNode) throws(TextError) -> Fault {
        guard case .string(let text) = node.kind, let fault = Fault(rawValue: text) else {
            throw TextError(node.place, "this is no fault: `tote-sim explore --faults` lists them")
        }
        return fault
    }

    private static func event(_ node: TextNode) throws(TextError) -> String {
        guard case .string(let text) = node.kind, text.utf8.count < 64 else {
            throw TextError(node.place, "an event has a name like \"act 3.17\"")
        }
        return text
    }

    func json(_ failure: DayFailure?) -> JSONText {
        var members: [(name: String, value: JSONText)] = [("seed", .string(String(seed)))]
        if !limits.without.isEmpty {
            members.append(
                ("without", .array(limits.without.sorted().map { .string($0.rawValue) })))
        }
        if let only = limits.only {
            members.append(("only", .array(only.sorted().map { .string($0.rawValue) })))
        }
        if let customers = limits.customers { members.append(("customers", .int(customers))) }
        if let devices = limits.devicesEach { members.append(("devices_each", .int(devices))) }
        if let seconds = limits.seconds { members.append(("seconds", .int(Int(seconds)))) }
        if let milliseconds = limits.actMilliseconds {
            members.append(("act_ms", .int(Int(milliseconds))))
        }
        if let milliseconds = limits.openMilliseconds {
            members.append(("open_ms", .int(Int(milliseconds))))
        }
        if !limits.skipped.isEmpty {
            members.append(("skip", .array(limits.skipped.sorted().map { .string($0) })))
        }
        if let hash { members.append(("sha256", .string(hash))) }
        if let failure {
            members += [("code", .string(failure.code)), ("message", .string(failure.message))]
        }
        return .versioned(members)
    }
}
