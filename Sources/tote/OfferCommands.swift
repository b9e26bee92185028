import ToteCommandLine
import ToteCore

/// `tote offer …`.
enum OfferCommands {
    static let spec = CommandSpec(
        "offer", "Shows how much of offers was issued, and lists whom they are for.",
        subcommands: [
            CommandSpec(
                "list", "Shows the offers of the catalogue, and how often they were activated.",
                examples: [("tote offer list", "what is left of each")],
                options: [CommandTree.data, CommandTree.json]),
            CommandSpec(
                "admit", "Puts customers on the list of an offer that is `listed`.",
                discussion: "Their devices show it from then on. Who is on the list stays there.",
                examples: [
                    ("tote offer admit spring-5 c-1 c-2", "two customers"),
                    ("xargs tote offer admit spring-5 < customers.txt", "a file of them"),
                ],
                arguments: [
                    ArgumentSpec("OFFER", "the offer's id in the catalogue"),
                    ArgumentSpec("CUSTOMER", "the app's id of a customer", repeating: true),
                ], options: [CommandTree.data, CommandTree.json]),
        ])

    static func list(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            let value = try line.call("GET", ["v1", "admin", "offers"])
            var offers: [Value] = []
            if case .array(let all)? = value["offers"] { offers = all }
            output.result(value, offers.isEmpty ? ["no offers"] : offers.map(text))
            return .success
        }
    }

    private static func text(_ offer: Value) -> String {
        let issued = offer["issued"]?.intValue ?? 0
        var parts = [offer["id"]?.textValue ?? ""]
        if let total = offer["total"]?.intValue {
            parts.append("\(issued) of \(total) issued, \(max(0, total - issued)) left")
            parts.append("\(offer["each"]?.intValue ?? 1) for each")
        } else {
            parts.append("\(issued) issued, not in the catalogue any more")
        }
        if let listed = offer["listed"]?.intValue { parts.append("for \(listed) customers") }
        return parts.joined(separator: "  ")
    }

    private static let customersPerRequest = 1_000

    static func admit(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let offer = command.arguments[0]
        let customers = command.arguments.dropFirst().map { Value.text($0) }
        return FileCommands.attempt(output) { () throws(Operator.Failure) in
            var (new, listed): (Int64, Int64) = (0, 0)
            for start in stride(from: 0, to: customers.count, by: customersPerRequest) {
                let some = customers[start..<min(start + customersPerRequest, customers.count)]
                let value = try line.call(
                    "POST", ["v1", "admin", "offers", offer, "customers"],
                    .map(["customers": .array(Array(some))]),
                    missing: "the catalogue has no offer \(offer): `tote offer list` shows them")
                new += value["new"]?.intValue ?? 0
                listed = value["listed"]?.intValue ?? 0
            }
            output.result(
                .map(["listed": .int(listed), "new": .int(new)]),
                ["\(new) new, \(listed) in all may activate it"])
            return .success
        }
    }
}
