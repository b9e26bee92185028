import ToteCommandLine
import ToteHTTP
import ToteServer
import ToteService

/// The settings of the server: the one table of which flags, variables of the environment, members
/// of a configuration file, help and `config show` are made.
enum Settings {
    static let data = OptionSpec(
        "data", valueName: "DIR", "the data directory", default: "tote-data"
    ).setting(prefix: prefix)

    static let all = [
        data,
        OptionSpec(
            "listen", valueName: "HOST:PORT", "where to listen; port 0 takes a free one",
            default: "127.0.0.1:8090", form: .hostAndPort
        ).setting(prefix: prefix),
        OptionSpec(
            "metrics", valueName: "HOST:PORT",
            "where to serve /metrics without a token; not served so by default",
            form: .hostAndPort
        ).setting(prefix: prefix),
        OptionSpec(
            "proxy", valueName: "ADDR",
            "the proxy in front: the last X-Forwarded-For it sends is the client's address",
            form: .address
        ).setting(prefix: prefix),
        OptionSpec(
            "log-level", valueName: "LEVEL", "the least that is logged", default: "info",
            choices: Log.Level.allCases.map(\.name)
        ).setting(prefix: prefix),
        OptionSpec(
            "per-address", valueName: "N", "connections from one address at once",
            default: "256", form: .whole(1...100_000)
        ).setting(prefix: prefix),
        OptionSpec(
            "rate-token", valueName: "N",
            "requests of one token a second, five times as many at once; 0 for no limit",
            default: "100", form: .whole(0...100_000)
        ).setting(prefix: prefix),
        OptionSpec(
            "rate-address", valueName: "N", "the same of one address; 0 for no limit",
            default: "1000", form: .whole(0...100_000)
        ).setting(prefix: prefix),
        OptionSpec(
            "allow-private-webhooks", "let webhooks go to loopback and private networks"
        ).setting(prefix: prefix),
        OptionSpec(
            "allow-insecure-webhooks", "let webhooks go over http without TLS"
        ).setting(prefix: prefix),
    ]

    private static let prefix = "TOTE"

    /// What the server runs with.
    static func options(_ command: ParsedCommand) throws(UsageError) -> ServiceOptions {
        let line = try Operator(command)
        var options = ServiceOptions(directory: line.directory)
        let listen = try listen(command)
        options.http.host = listen.host
        options.http.port = listen.port
        options.http.connectionsPerAddressAtMost = try command.int("per-address")
        options.version = Command.version
        if let metrics = command.option("metrics").flatMap({ HostAndPort($0) }) {
            options.metricsAddress = (metrics.host, metrics.port)
        }
        options.rates.perToken = try rate("rate-token", command)
        options.rates.perAddress = try rate("rate-address", command)
        if let proxy = command.option("proxy") { options.http.exemptAddresses = [proxy] }
        if let exposure = exposure(listen, proxy: command.option("proxy")) {
            var refusal = UsageError(exposure, hint: exposureHint, command: command.line)
            let origin = command.settings.first { $0.name == "listen" }?.origin
            if case .file = origin {
                (refusal.code, refusal.exitCode) = ("config_invalid", .config)
            }
            throw refusal
        }
        let least = try command.string("log-level")
        options.log = Log(least: Log.Level.allCases.first { $0.name == least } ?? .info)
        options.webhookPolicy.allowsPrivate = command.flag("allow-private-webhooks")
        options.webhookPolicy.allowsInsecure = command.flag("allow-insecure-webhooks")
        return options
    }

    private static func rate(
        _ option: String, _ command: ParsedCommand
    ) throws(UsageError) -> Int? {
        let perSecond = try command.int(option)
        return perSecond == 0 ? nil : perSecond
    }

    static func listen(_ command: ParsedCommand) throws(UsageError) -> HostAndPort {
        guard let listen = HostAndPort(try command.string("listen")) else {
            preconditionFailure("--listen is checked where it is read")
        }
        return listen
    }

    /// Why the server must not listen there; nil when it may.
    static func exposure(_ listen: HostAndPort, proxy: String?) -> String? {
        guard !listen.isLoopback, proxy == nil else { return nil }
        return "\(listen.host) can be reached from elsewhere, and tokens would go in the clear"
    }

    /// What may be meant otherwise, though a server starts with it.
    static func warnings(_ command: ParsedCommand, metrics: String?) -> [String] {
        let exposed = metrics.flatMap { HostAndPort($0) }.flatMap { place in
            place.isLoopback
                ? nil : "\(place.host) can be reached from elsewhere: /metrics needs no token there"
        }
        return command.mistypedVariables.map(\.description) + [exposed].compactMap(\.self)
    }

    static let exposureHint = "put a TLS proxy in front and name it with --proxy ADDR"
}
