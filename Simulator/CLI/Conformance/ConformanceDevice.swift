import ToteCommandLine
import ToteCore

/// The server that clients are put through their scenarios against, and its operator.
final class ConformanceWorld {
    let server: ServerProcess
    let directory: String
    private let command: [String]
    private let administrator: Administrator
    private var devices: [ConformanceDevice] = []

    init(in directory: String, command: [String]) throws {
        self.directory = directory
        self.command = command
        server = try ServerProcess(in: directory)
        administrator = Administrator(place: server.operatorPlace, token: nil)
    }

    /// A device of a customer, which may write to these collections.
    func device(
        _ name: String, of customer: String, write: [String] = ["*"], clockOffset: Int = 0
    ) throws -> ConformanceDevice {
        let path = "\(directory)/\(customer)-\(name)"
        try Files.makeDirectory(path)
        let minted = try administrator.call(
            "POST", "/v1/admin/tokens",
            .map([
                "spaces": .array([
                    .map([
                        "space": .text("customer:\(customer)"),
                        "write": .array(write.map { .text($0) }),
                    ])
                ])
            ]))
        let device = ConformanceDevice(
            name: name, command: command, directory: path,
            relay: try Relay(to: server.address.port),
            opening: [
                "do": "open", "directory": .string(path),
                "token": .string(minted["token"]?.textValue ?? ""),
                "space": .string("customer:\(customer)"), "clock_offset_ms": .int(clockOffset),
            ])
        devices.append(device)
        try device.start()
        return device
    }

    /// A device that goes on with a copy of another's directory.
    func copy(_ device: ConformanceDevice, as name: String) throws -> ConformanceDevice {
        device.kill()
        let path = device.directory + "-" + name
        try Files.copyDirectory(device.directory, to: path)
        let copy = ConformanceDevice(
            name: name, command: command, directory: path,
            relay: try Relay(to: server.address.port), opening: device.opening)
        devices.append(copy)
        try copy.start()
        try device.start()
        return copy
    }

    /// Ends the devices of a scenario.
    func endDevices() throws {
        defer { devices = [] }
        for device in devices { try device.end() }
    }

    /// Kills what is still there.
    func end() {
        for device in devices { device.kill() }
        server.end()
    }
}

/// A device of a scenario: a client's process, its directory and the network in front of it.
final class ConformanceDevice {
    let name: String
    let directory: String
    let relay: Relay
    fileprivate let opening: JSONText
    private let command: [String]
    private var client: ConformanceClient?

    /// What a device shows of a collection.
    struct Shown: Equatable, CustomStringConvertible {
        var lines: [String: Int] = [:]
        var outbox = 0
        var refused: [String] = []

        var description: String {
            let lines = lines.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            return "[\(lines.joined(separator: ", "))], \(outbox) in the outbox"
                + (refused.isEmpty ? "" : ", refused: \(refused.joined(separator: ", "))")
        }
    }

    fileprivate init(
        name: String, command: [String], directory: String, relay: Relay, opening: JSONText
    ) {
        (self.name, self.command, self.directory) = (name, command, directory)
        (self.relay, self.opening) = (relay, opening)
    }

    func start() throws {
        let client = try ConformanceClient(command)
        self.client = client
        guard case .object(var members) = opening else { return }
        members.removeAll { $0.name == "directory" }
        members.append((name: "directory", value: .string(directory)))
        members.append((name: "url", value: .string("http://127.0.0.1:\(relay.port)")))
        _ = try client.ask(.object(members))
    }

    /// `SIGKILL`.
    func kill() {
        client?.kill()
        client = nil
    }

    /// Asks it to sync, kills it while it does, and starts it again.
    func killDuringSync(after delay: Duration) throws {
        client?.killDuring(["do": "sync"], after: delay)
        client = nil
        try start()
    }

    func restart() throws {
        kill()
        try start()
    }

    fileprivate func end() throws {
        relay.stop()
        try client?.end()
        client = nil
    }

    private func ask(_ request: JSONText) throws -> JSONText {
        guard let client else { throw ConformanceFault("\(name) does not run") }
        do {
            return try client.ask(request)
        } catch let fault as ConformanceFault {
            throw ConformanceFault("\(name): \(fault)")
        }
    }

    func add(_ item: String, _ count: Int, to collection: String = "cart:main") throws {
        _ = try ask([
            "do": "change", "edit": ["add", .string(collection), .string(item), .int(count)],
        ])
    }

    func set(_ item: String, _ count: Int) throws {
        _ = try ask(["do": "change", "edit": ["set", "cart:main", .string(item), .int(count)]])
    }

    func remove(_ item: String) throws {
        _ = try ask(["do": "change", "edit": ["remove", "cart:main", .string(item)]])
    }

    /// Syncs, and says how far it came: `synced` or `offline`.
    @discardableResult
    func sync(expecting wanted: String? = "synced") throws -> String {
        let state = try ask(["do": "sync"])["state"]?.text ?? ""
        guard ["synced", "offline"].contains(state), wanted == nil || state == wanted else {
            throw ConformanceFault("\(name) says \(state) to a sync, not \(wanted ?? "a state")")
        }
        return state
    }

    func show(_ collection: String = "cart:main") throws -> Shown {
        let answer = try ask(["do": "show", "collection": .string(collection)])
        guard case .object(let lines)? = answer["lines"], let outbox = answer["outbox"]?.int else {
            throw ConformanceFault("\(name) shows \(answer.compact)")
        }
        return Shown(
            lines: Dictionary(lines.map { ($0.name, $0.value.int ?? .min) }) { $1 },
            outbox: outbox, refused: answer["refused"]?.elements.compactMap(\.text) ?? [])
    }

    /// Holds what it shows against what it must.
    func expect(_ lines: [String: Int], outbox: Int = 0, refused: [String] = []) throws {
        let shown = try show()
        let wanted = Shown(lines: lines, outbox: outbox, refused: refused)
        guard shown == wanted else {
            throw ConformanceFault("\(name) shows \(shown); it should be \(wanted)")
        }
    }
}
