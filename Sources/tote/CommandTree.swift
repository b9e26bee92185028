import ToteCommandLine

/// The table that help, completion and parsing read.
enum CommandTree {
    static let data = OptionSpec(
        "data", valueName: "DIR", "the data directory", default: "tote-data",
        environment: "TOTE_DATA")
    static let json = OptionSpec("json", "print one JSON object instead of text")

    static let table = CommandTable(
        root: CommandSpec(
            "tote", "The offline-first sync server for carts, wishlists, points and pre-orders.",
            examples: [
                ("tote serve --demo", "a server with a demo customer, on this machine only"),
                ("tote token mint --space customer:c-1", "a token for one customer's device"),
                ("tote catalog import menu.json", "what is sold, where, and for how much"),
                ("tote backup /srv/backup/monday.db", "a checked copy, while the server works"),
            ],
            options: [OptionSpec.color],
            subcommands: [
                serve, token, catalog, ledger, lease, storeCommand, webhook, metrics, openapi,
                status, backup, restore, verify,
            ]),
        version: Command.version,
        exitCodes: [
            (.success, "done"), (.failure, "what was checked is not in order"),
            (.usage, "the command line is wrong"), (.dataError, "a file's content is wrong"),
            (.noInput, "a file is not there"),
            (.unavailable, "the server does not answer"), (.software, "a fault of this program"),
            (.cannotCreate, "a file cannot be made"),
            (.ioError, "a file cannot be read or written"),
            (.temporaryFailure, "in use by another process; try again"),
            (.config, "the data is of another version or damaged"),
        ])

    private static let serve = CommandSpec(
        "serve", "Runs the server until SIGTERM or Ctrl-C.",
        discussion: "Listens in the clear, for a TLS proxy in front of it. SIGTERM answers what is "
            + "under way, then stops. Logs are JSON lines on standard error.",
        examples: [
            ("tote serve --demo", "try it"),
            ("tote serve --data /var/lib/tote --listen 127.0.0.1:8090", "behind a proxy"),
        ],
        options: [
            data,
            OptionSpec(
                "listen", valueName: "HOST:PORT", "where to listen; port 0 takes a free one",
                default: "127.0.0.1:8090", environment: "TOTE_LISTEN"),
            OptionSpec(
                "metrics", valueName: "HOST:PORT",
                "where to serve /metrics without a token; not served so by default",
                environment: "TOTE_METRICS"),
            OptionSpec("demo", "make a demo customer and a café, and print what to type next"),
            OptionSpec(
                "proxy", valueName: "ADDR",
                "the proxy in front: the last X-Forwarded-For it sends is the client's address",
                environment: "TOTE_PROXY"),
            OptionSpec(
                "log-level", valueName: "LEVEL", "the least that is logged", default: "info",
                environment: "TOTE_LOG_LEVEL", choices: ["debug", "info", "warning", "error"]),
            OptionSpec(
                "per-address", valueName: "N", "connections from one address at once",
                default: "256"),
            OptionSpec(
                "rate-token", valueName: "N",
                "requests of one token a second, five times as many at once; 0 for no limit",
                default: "100", environment: "TOTE_RATE_TOKEN"),
            OptionSpec(
                "rate-address", valueName: "N", "the same of one address; 0 for no limit",
                default: "1000", environment: "TOTE_RATE_ADDRESS"),
            OptionSpec(
                "clock-ahead", valueName: "TIME",
                "run the clock ahead, for a drill of what takes hours: 2h"),
            OptionSpec(
                "allow-private-webhooks", "let webhooks go to loopback and private networks"),
            OptionSpec("allow-insecure-webhooks", "let webhooks go over http without TLS"),
            json,
        ])

    private static let token = CommandSpec(
        "token", "Makes, lists and revokes bearer tokens.",
        subcommands: [
            CommandSpec(
                "mint", "Makes a token; its secret is printed once and kept nowhere.",
                examples: [
                    ("tote token mint --space customer:c-1 --label phone", "one device"),
                    (
                        "tote token mint --space customer:c-1 --write 'cart:*' --expires 30d",
                        "limited"
                    ),
                    ("tote token mint --role admin --label backend", "for the app's own backend"),
                    ("tote token mint --role metrics", "for Prometheus, on the API's port"),
                ],
                options: [
                    data,
                    OptionSpec(
                        "space", valueName: "SPACE", "a space it opens: customer:ID",
                        repeating: true),
                    OptionSpec(
                        "read", valueName: "PATTERN", "a collection it may read; all by default",
                        repeating: true),
                    OptionSpec(
                        "write", valueName: "PATTERN", "a collection it may write; all by default",
                        repeating: true),
                    OptionSpec(
                        "role", valueName: "ROLE", "what its bearer is", default: "customer",
                        choices: ["customer", "staff", "manager", "admin", "metrics"]),
                    OptionSpec("label", valueName: "TEXT", "what you call it", default: ""),
                    OptionSpec("expires", valueName: "TIME", "how long it is valid, like 30d"),
                    json,
                ]),
            CommandSpec("list", "Lists tokens without their secrets.", options: [data, json]),
            CommandSpec(
                "revoke", "Revokes a token, at once and for requests that wait.",
                arguments: [ArgumentSpec("ID", "the token's id, as `token list` shows it")],
                options: [data, json]),
        ])

    private static let fileOptions = [
        OptionSpec(
            "days", valueName: "N", "how many days opening hours are worked out for",
            default: "400"),
        OptionSpec("from", valueName: "DATE", "the first of these days; today by default"),
        OptionSpec(
            "language", valueName: "LANG", "the language of the names in a price list",
            default: "en"),
    ]

    private static let catalogFile = ArgumentSpec(
        "FILE", "a catalogue (JSON), or a price list whose name ends in .csv")

    private static let catalog = CommandSpec(
        "catalog", "Imports, checks and shows what is sold.",
        subcommands: [
            CommandSpec(
                "import", "Puts a catalogue in force, all of it or nothing.",
                discussion: "Opening hours in a store's own time become UTC intervals: import "
                    + "again before they run out. A price list (sku,name,price,currency and, when "
                    + "wanted, store,category,tax) is merged into the catalogue in force.",
                examples: [
                    ("tote catalog import menu.json", "a new version"),
                    ("tote catalog import prices.csv", "new prices, and new products"),
                ],
                arguments: [catalogFile], options: [data] + fileOptions + [json]),
            CommandSpec(
                "check", "Says all that is wrong with a file, with line and column.",
                arguments: [catalogFile], options: [data] + fileOptions + [json]),
            CommandSpec("show", "Shows the catalogue in force.", options: [data, json]),
        ])

    private static let openapi = CommandSpec(
        "openapi", "Prints the API as an OpenAPI 3.1 document.", options: [json])

    private static let metrics = CommandSpec(
        "metrics", "Tells what is measured, and prints a dashboard of it.",
        discussion: "A server gives the values at /metrics: without a token where `tote serve "
            + "--metrics` says, on its own port to a token of the role metrics.",
        subcommands: [
            CommandSpec(
                "list", "Prints every metric with type, unit, labels and meaning.",
                options: [json]),
            CommandSpec("dashboard", "Prints a Grafana dashboard as JSON.", options: [json]),
        ])

    private static let status = CommandSpec(
        "status", "Shows what a data directory holds.", options: [data, json])

    private static let backup = CommandSpec(
        "backup", "Writes a checked copy of the data, while the server works or without it.",
        arguments: [ArgumentSpec("FILE", "the copy; it must not exist")], options: [data, json])

    private static let restore = CommandSpec(
        "restore", "Fills an empty data directory from a backup.",
        discussion: "The server begins a new epoch on it: devices resend what the backup lacks.",
        arguments: [ArgumentSpec("FILE", "the backup")], options: [data, json])

    private static let verify = CommandSpec(
        "verify", "Reads a data directory or a backup and checks every promise it must keep.",
        arguments: [
            ArgumentSpec("FILE", "a backup; the data directory's file by default", optional: true)
        ], options: [data, json])
}
