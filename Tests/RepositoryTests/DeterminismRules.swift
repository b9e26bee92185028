/// Clocks and randomness are given, never taken, in the code the simulator replays from a seed.
enum DeterminismRules {
    private static let folders = [
        "Sources/ToteCore/", "Sources/ToteClient/", "Sources/ToteServer/", "Sources/ToteHTTP/",
        "Sources/ToteService/", "Sources/ToteQR/", "Simulator/World/",
    ]
    private static let taken = Pattern(
        #"\bDate\(\)|\bDate\.now\b|\bUUID\(\)|\b(?:Continuous|Suspending)Clock\b|\bTask\.sleep\b"#
            + #"|\bSystemRandomNumberGenerator\(\)"#)
    private static let drawn = Pattern(#"\.(?:random|shuffled|randomElement)\("#)
    private static let takenInSQL = Pattern(
        #"(?i)\bCURRENT_(?:TIMESTAMP|TIME|DATE)\b|SELECT\s+random\(\)"#)

    static func findings(in file: SourceFile) -> [Finding] {
        guard file.isIn(folders), file.name != "SystemClock.swift" else { return [] }
        let units = Array(file.code.utf16)
        let statements = SourceText.code(in: file.text, keeping: .strings)
        let found =
            taken.matches(in: file.code)
            + drawn.matches(in: file.code).filter {
                !arguments(in: units, from: $0.end).contains("using")
            }
            + takenInSQL.matches(in: statements).filter { !$0.groups[0].hasPrefix(".") }
        return found.map {
            Finding(file, $0.line, "takes \($0.groups[0]) instead of being given it")
        }
    }

    /// The text up to the parenthesis that closes a call.
    private static func arguments(in units: [UInt16], from start: Int) -> String {
        var depth = 1
        let inside = units[start...].prefix { unit in
            if unit == 0x28 { depth += 1 }
            if unit == 0x29 { depth -= 1 }
            return depth > 0
        }
        return String(decoding: inside, as: UTF16.self)
    }
}
