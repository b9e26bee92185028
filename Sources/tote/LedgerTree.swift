import ToteCommandLine

extension CommandTree {
    private static let store = ArgumentSpec("STORE", "the store's id in the catalogue")
    private static let customer = ArgumentSpec("CUSTOMER", "the app's id of the customer")
    private static let reason = OptionSpec(
        "reason", valueName: "TEXT", "why; it goes on record", default: "")

    static let lease = CommandSpec(
        "lease", "Lists and writes off rights to spend offline.",
        subcommands: [
            CommandSpec(
                "list", "Lists the open leases, the first to end first.",
                examples: [("tote lease list --store s-1", "what a store may still redeem")],
                options: [
                    data,
                    OptionSpec("customer", valueName: "ID", "of one customer"),
                    OptionSpec("store", valueName: "STORE", "of one store"),
                    OptionSpec("closed", "those that are closed as well"), json,
                ]),
            CommandSpec(
                "write-off", "Closes a lease that will not come back; the customer gets its rest.",
                discussion: "What its holder has spent meanwhile and sends later is paid from the "
                    + "customer's balance, or is the retailer's loss when a store gave goods.",
                examples: [("tote lease write-off 5f2c90ab --reason 'phone lost'", "on record")],
                arguments: [ArgumentSpec("LEASE", "the lease's id, as `lease list` shows it")],
                options: [data, reason, json]),
        ])

    static let storeCommand = CommandSpec(
        "store", "Names the device of a store that accepts points while the store is cut off.",
        subcommands: [
            CommandSpec(
                "redeemer", "Names a store's redeemer by its token, or shows it.",
                discussion: "A store has one. A second is refused until the first is written off.",
                examples: [
                    ("tote store redeemer s-1 tok_5f2c", "till-1 redeems while it is offline"),
                    ("tote store redeemer s-1", "which one it is"),
                ],
                arguments: [
                    store,
                    ArgumentSpec(
                        "DEVICE", "the id of its token, as `token list` shows it", optional: true),
                ], options: [data, json]),
            CommandSpec(
                "write-off", "Writes a lost redeemer off: its leases go back to the customers.",
                examples: [
                    ("tote store write-off s-1 --reason 'till stolen'", "then name another")
                ],
                arguments: [store], options: [data, reason, json]),
        ])

    static let ledger = CommandSpec(
        "ledger", "Shows a customer's points and stored value, and enters by hand.",
        subcommands: [
            CommandSpec(
                "show", "Shows accounts and the latest entries of a customer.",
                examples: [("tote ledger show c-1", "what a customer has, and why")],
                arguments: [customer], options: [data, json]),
            CommandSpec(
                "enter", "Grants, tops up or writes off units, once for a reference.",
                examples: [
                    (
                        "tote ledger enter c-1 500 --account card:EUR --kind top_up "
                            + "--reference pay-7", "5 euros were paid in"
                    ),
                    ("tote ledger enter c-1 50 --reference t-12 --reason sorry", "a gift"),
                ],
                arguments: [
                    customer, ArgumentSpec("AMOUNT", "points, or minor units of the currency"),
                ],
                options: [
                    data,
                    OptionSpec(
                        "account", valueName: "NAME", "points, or card:<currency>",
                        default: "points"),
                    OptionSpec(
                        "kind", valueName: "KIND", "what it is", default: "grant",
                        choices: ["grant", "top_up", "write_off"]),
                    OptionSpec(
                        "reference", valueName: "TEXT", "of the payment or the case; counts once"),
                    reason, json,
                ]),
        ])
}
