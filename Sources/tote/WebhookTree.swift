import ToteCommandLine

extension CommandTree {
    private static let id = ArgumentSpec("ID", "the webhook's id, as `webhook list` shows it")

    static let webhook = CommandSpec(
        "webhook", "Sends order events to the app's backend, signed, at least once.",
        discussion:
            "Events are Standard Webhooks; Protocol/webhooks.md tells how a receiver checks "
            + "them. A server must run for them to be sent.",
        subcommands: [
            CommandSpec(
                "add", "Adds an endpoint; its signing secret is printed once.",
                discussion: "The secret is kept in the data file, since signing needs it: guard "
                    + "the file and its backups.",
                examples: [
                    ("tote webhook add https://api.example.com/tote --type order.ready", "push"),
                    ("tote webhook add https://api.example.com/tote", "every event"),
                ],
                arguments: [ArgumentSpec("URL", "where to post; https, no redirects")],
                options: [
                    data,
                    OptionSpec(
                        "type", valueName: "TYPE", "an event type it is sent; all by default",
                        repeating: true),
                    OptionSpec("label", valueName: "TEXT", "what you call it", default: ""), json,
                ]),
            CommandSpec(
                "list", "Lists endpoints without their secrets.",
                examples: [("tote webhook list", "and which of them fail")],
                options: [data, json]),
            CommandSpec(
                "remove", "Removes an endpoint and everything queued for it.",
                examples: [("tote webhook remove wh_5f2c", "it is sent nothing any more")],
                arguments: [id],
                options: [data, json]),
            CommandSpec(
                "enable", "Enables an endpoint that failed for days or answered 410.",
                examples: [("tote webhook enable wh_5f2c", "its receiver works again")],
                arguments: [id], options: [data, json]),
            CommandSpec(
                "test", "Sends a test.ping and shows what the endpoint answered.",
                examples: [("tote webhook test wh_5f2c", "does it answer?")],
                arguments: [id],
                options: [data, OptionSpec("no-wait", "only queue it"), json]),
            CommandSpec(
                "rotate", "Makes a new secret; the old one signs as well for 24 hours.",
                examples: [("tote webhook rotate wh_5f2c", "the old secret leaked")],
                arguments: [id], options: [data, json]),
            CommandSpec(
                "deliveries", "Shows the newest 100 deliveries of an endpoint.",
                examples: [
                    ("tote webhook deliveries wh_5f2c", "what was sent, and what was answered")
                ], arguments: [id],
                options: [data, json]),
            CommandSpec(
                "redeliver", "Sends one delivery again, or everything that failed.",
                examples: [("tote webhook redeliver wh_5f2c", "everything that failed")],
                arguments: [
                    id,
                    ArgumentSpec(
                        "DELIVERY", "a delivery's id; all that failed by default", optional: true),
                ], options: [data, json]),
        ])
}
