import ToteCommandLine

/// The table that help, completion and parsing read.
enum CommandTree {
    static let table = CommandTable(
        root: CommandSpec(
            "tote-sim", "Stands in for apps that embed Tote's client core.",
            examples: [
                ("tote-sim run lunch-rush", "50 phones order, 3 counters hand over"),
                ("tote-sim run first-sync", "a server and two devices that agree in the end"),
                ("tote-sim list", "the scenarios that are built in"),
                ("tote-sim device phone --server http://127.0.0.1:8090", "be a device yourself"),
            ],
            options: [OptionSpec.color],
            subcommands: [
                RunCommand.spec, ScenarioCommands.listSpec, ScenarioCommands.showSpec,
                ScenarioCommands.checkSpec, DeviceCommand.spec, InspectCommand.spec,
                CounterCommand.spec, SalesCommand.spec, WorldCommand.spec, ExploreCommand.spec,
                ReplayCommand.spec, WatchCommand.spec, ShrinkCommand.spec, CompareCommand.spec,
                FloorCommand.spec, CrashCommand.spec, LoadCommand.spec, ConformanceCommand.spec,
                BenchCommand.spec,
            ]),
        version: Command.version, date: Command.date,
        exitCodes: [
            (.success, "everything held"), (.failure, "an expectation did not hold"),
            (.nothingRan, "nothing ran"), (.brokenPromise, "a day broke a promise"),
            (.notSettled, "a day did not settle"), (.usage, "the command line is wrong"),
            (.dataError, "a scenario or a sales file is wrong"), (.noInput, "a file is not there"),
            (.unavailable, "the server does not answer"),
            (.software, "a fault of this program"),
            (.cannotCreate, "a file or a directory cannot be made"),
            (.ioError, "files of a device or a counter cannot be used"),
            (.temporaryFailure, "a device or a counter is in use by another process"),
            (Keeper.interrupted, "interrupted: everything that was started is ended"),
        ])
}
