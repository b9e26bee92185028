// swift-tools-version: 6.2

import PackageDescription

/// What every Swift target is built with: the strictest the toolchain offers.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func library(
    _ name: String, _ dependencies: [String] = [], path: String? = nil, embedding: [String] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies.map { .byName(name: $0) }, path: path,
        resources: embedding.map { .embedInCode($0) }, swiftSettings: strict)
}

func command(_ name: String, _ dependencies: [String], path: String? = nil) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies.map { .byName(name: $0) }, path: path,
        swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [String]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies.map { .byName(name: $0) }, swiftSettings: strict)
}

let package = Package(
    name: "Tote",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "ToteClient", targets: ["ToteClient"]),
        .library(name: "ToteURLSession", targets: ["ToteURLSession"]),
        .library(name: "ToteTesting", targets: ["ToteTesting"]),
        .executable(name: "tote", targets: ["tote"]),
        .executable(name: "tote-sim", targets: ["tote-sim"]),
    ],
    targets: [
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CTasks"),
        .systemLibrary(name: "CSHA"),

        library("ToteCore", ["CSHA"]),
        library("ToteConcurrency"),
        library("ToteProcesses", ["CLinux"]),
        library("ToteSQLite", ["CSQLite"]),
        library("ToteHTTP", ["CLinux", "ToteConcurrency"]),
        library("ToteQR"),
        library("ToteClient", ["ToteCore", "ToteSQLite", "ToteQR"]),
        library("ToteURLSession", ["ToteClient", "ToteConcurrency"]),
        library("ToteServer", ["ToteCore", "ToteSQLite"]),
        library("ToteTesting", ["ToteClient", "ToteServer", "ToteConcurrency", "ToteCore"]),
        library(
            "ToteBoard",
            embedding: [
                "Page/board.html", "Page/board.css", "Page/strings.js", "Page/link.js",
                "Page/view.js", "Page/board.js", "Page/worker.js", "Page/icon.svg",
            ]),
        library(
            "ToteService",
            ["ToteServer", "ToteBoard", "ToteHTTP", "ToteConcurrency", "ToteCore", "ToteSQLite"]),
        library("ToteWebhooks", ["ToteServer", "ToteConcurrency"]),
        library("ToteCommandLine"),
        command(
            "tote",
            [
                "ToteService", "ToteServer", "ToteCore", "ToteHTTP", "ToteWebhooks",
                "ToteCommandLine", "ToteConcurrency",
            ]),
        library(
            "ToteSimulation", ["ToteCore", "ToteClient", "ToteServer", "ToteSQLite"],
            path: "Simulator/World"),
        command(
            "tote-sim",
            [
                "ToteSimulation", "ToteService", "ToteServer", "ToteClient", "ToteCore", "ToteHTTP",
                "ToteSQLite", "ToteConcurrency", "ToteProcesses", "ToteCommandLine", "CLinux",
                "CTasks",
            ], path: "Simulator/CLI"),

        // What the tests below share: the protocol's vectors, and its document for every answer.
        library(
            "ProtocolChecks", ["ToteServer", "ToteHTTP", "ToteCore"], path: "Tests/ProtocolChecks"),
        // How they start programs.
        library(
            "TestPrograms", ["CLinux", "ToteProcesses", "ToteConcurrency"],
            path: "Tests/TestPrograms"),
        tests("ToteCoreTests", ["ProtocolChecks", "ToteCore"]),
        tests("ToteSQLiteTests", ["ToteSQLite", "CSQLite"]),
        tests("ToteHTTPTests", ["ToteHTTP", "ToteConcurrency", "CLinux"]),
        tests("ToteQRTests", ["TestPrograms", "ToteQR"]),
        tests("ToteCommandLineTests", ["TestPrograms", "ToteCommandLine"]),
        tests(
            "ToteServerTests",
            ["ProtocolChecks", "ToteServer", "ToteCore", "ToteSQLite", "CSQLite"]),
        tests(
            "ToteClientTests",
            [
                "ProtocolChecks", "ToteClient", "ToteURLSession", "ToteTesting", "ToteCore",
                "ToteSQLite", "ToteServer", "ToteConcurrency",
            ]),
        tests(
            "ToteServiceTests",
            [
                "ProtocolChecks", "TestPrograms", "ToteService", "ToteServer", "ToteBoard",
                "ToteHTTP", "ToteCore",
            ]),
        tests(
            "ToteWebhooksTests",
            [
                "ProtocolChecks", "ToteWebhooks", "ToteService", "ToteServer", "ToteHTTP",
                "ToteConcurrency", "ToteCore",
            ]),
        tests("ToteTestingTests", ["ProtocolChecks", "ToteTesting", "ToteClient"]),
        tests(
            "ToteSimulationTests",
            ["ToteSimulation", "ToteClient", "ToteServer", "ToteSQLite", "ToteCore"]),
        tests(
            "EndToEndTests",
            [
                "ProtocolChecks", "TestPrograms", "ToteClient", "ToteURLSession", "ToteCore",
                "ToteHTTP", "ToteSQLite",
                "tote",
                "tote-sim",
            ]),
        tests("RepositoryTests", []),
    ]
)
