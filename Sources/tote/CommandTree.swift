import ToteCommandLine

/// The table that help, completion and parsing read.
enum CommandTree {
    static let data = Settings.data
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
            options: [OptionSpec.color, OptionSpec.configuration(environment: "TOTE_CONFIG")],
            subcommands: [
                serve, ConfigCommands.spec, token, catalog, ledger, lease, storeCommand, webhook,
                CustomerCommands.spec, ReportCommands.spec, ExplainCommands.spec, TailCommand.spec,
                metrics, openapi,
                status, AlertsCommand.spec, OfferCommands.spec,
                DeploymentCommands.healthSpec, backup, restore, verify,
                DeploymentCommands.unitSpec, DeploymentCommands.containerfileSpec,
                DeploymentCommands.nginxSpec,
            ]),
        version: Command.version, date: Command.date,
        exitCodes: [
            (.success, "done"),
            (.failure, "the answer is no: refused, or what was checked is not in order"),
            (.usage, "the command line is wrong"),
            (.dataError, "a file's content is wrong, or a value the server cannot take"),
            (.noInput, "a file, or what was named, is not there"),
            (.unavailable, "the server does not answer"), (.software, "a fault of this program"),
            (.cannotCreate, "a file or a directory cannot be made"),
            (.ioError, "a file cannot be read or written"),
            (.temporaryFailure, "in use by another process, or the server is busy; try again"),
            (.config, "a configuration file is wrong, or the data is of another version"),
        ])

    private static let serve = CommandSpec(
        "serve", "Runs the server until SIGTERM or Ctrl-C.",
        discussion: "Listens in the clear, for a TLS proxy in front of it. SIGTERM answers what is "
            + "under way, then stops. Logs are JSON lines on standard error. Its settings may be "
            + "in a file, too: `tote config` checks and shows them.",
        examples: [
            ("tote serve --demo", "try it"),
            ("tote serve --data /var/lib/tote --listen 127.0.0.1:8090", "behind a proxy"),
            ("tote serve --config /etc/tote.json", "with settings from a file"),
        ],
        options: Settings.all + [
            OptionSpec("demo", "make a demo customer and a café, and print what to type next"),
            OptionSpec(
                "clock-ahead", valueName: "TIME",
                "run the clock ahead, for a drill of what takes hours: 2h", form: .time),
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
            CommandSpec(
                "list", "Lists tokens without their secrets.",
                examples: [("tote token list", "who may do what")], options: [data, json]),
            CommandSpec(
                "revoke", "Revokes a token, at once and for requests that wait.",
                examples: [("tote token revoke tok_5f2c", "a phone was lost")],
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
                examples: [("tote catalog check menu.json", "before it is imported")],
                arguments: [catalogFile], options: [data] + fileOptions + [json]),
            CommandSpec(
                "show", "Shows the catalogue in force.",
                examples: [("tote catalog show", "its version, its stores and their hours")],
                options: [data, json]),
        ])

    private static let openapi = CommandSpec(
        "openapi", "Prints the API as an OpenAPI 3.1 document.",
        examples: [("tote openapi > openapi.json", "for a generator of clients, or a tester")],
        options: [
            OptionSpec("json", "print it as the member document of a versioned JSON object")
        ])

    private static let metrics = CommandSpec(
        "metrics", "Tells what is measured, and prints a dashboard of it.",
        discussion: "A server gives the values at /metrics: without a token where `tote serve "
            + "--metrics` says, on its own port to a token of the role metrics.",
        subcommands: [
            CommandSpec(
                "list", "Prints every metric with type, unit, labels and meaning.",
                examples: [("tote metrics list", "what a server gives at /metrics")],
                options: [json]),
            CommandSpec(
                "dashboard", "Prints a Grafana dashboard as JSON.",
                examples: [("tote metrics dashboard > tote.json", "to be imported there")],
                options: [
                    OptionSpec("json", "print it as the member document of a versioned JSON object")
                ]),
        ])

    private static let status = CommandSpec(
        "status", "Shows what a data directory holds.",
        examples: [("tote status --data /var/lib/tote", "of a running server, too")],
        options: [data, json])

    private static let backup = CommandSpec(
        "backup", "Writes a checked copy of the data, while the server works or without it.",
        examples: [("tote backup /srv/backup/monday.db", "to keep elsewhere")],
        arguments: [ArgumentSpec("FILE", "the copy; it must not exist")], options: [data, json])

    private static let restore = CommandSpec(
        "restore", "Fills an empty data directory from a backup.",
        discussion: "The server begins a new epoch on it: devices resend what the backup lacks. "
            + "Customers who were erased since the backup come back with it, and so do tokens that "
            + "were revoked and rights in shared lists: name the list that the former directory "
            + "has, and all of it is taken away again.",
        examples: [
            (
                "tote restore /srv/backup/monday.db --data /var/lib/tote-2 "
                    + "--erased /var/lib/tote/erased", "then serve from there"
            )
        ],
        arguments: [ArgumentSpec("FILE", "the backup")],
        options: [
            OptionSpec(
                "erased", valueName: "FILE",
                "the file `erased` of the directory that is given up"), data, json,
        ])

    private static let verify = CommandSpec(
        "verify", "Reads a data directory or a backup and checks every promise it must keep.",
        examples: [
            ("tote verify", "the data directory, while no server runs"),
            ("tote verify /srv/backup/monday.db", "a backup"),
        ],
        arguments: [
            ArgumentSpec("FILE", "a backup; the data directory's file by default", optional: true)
        ], options: [data, json])
}
