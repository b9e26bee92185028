/// Completes verbs, then what may follow them.
enum VerbCompletion {
    /// What the last word of a line can become.
    ///
    /// - Parameter arguments: words that may follow a verb, besides those that its usage names.
    static func complete(
        _ before: String, among verbs: [Verb], arguments: (Verb, [String]) -> [String]
    ) -> Completion {
        // Legal: inside quotes there is nothing to complete.
        guard var words = try? VerbLine.split(before) else { return Completion("", among: []) }
        let partial =
            before.last.map { $0 == " " || $0 == "\t" } ?? true
            ? "" : words.popLast() ?? ""
        if words.isEmpty {
            return Completion(
                partial, among: verbs.map { String($0.name.prefix { $0 != " " }) })
        }
        var candidates: [String] = []
        if words.count == 1 {
            let family = words[0] + " "
            candidates = verbs.map(\.name).filter { $0.hasPrefix(family) }
                .map { String($0.dropFirst(family.count)) }
        }
        let two = words.prefix(2).joined(separator: " ")
        if let verb = verbs.first(where: { $0.name == two || $0.name == words[0] }) {
            let count = verb.name.split(separator: " ").count
            candidates += literals(of: verb) + arguments(verb, Array(words.dropFirst(count)))
        }
        return Completion(partial, among: candidates)
    }

    /// The words of a verb's usage that are typed as they stand: `on|off`, `[refresh]`, `at=`.
    private static func literals(of verb: Verb) -> [String] {
        verb.arguments.split { " |[]".contains($0) }.compactMap { word in
            let name = word.prefix { $0.isLowercase || $0 == "-" }
            if name.count == word.count { return String(name) }
            guard let mark = word.dropFirst(name.count).first, !name.isEmpty else { return nil }
            // `group=value` stands for names that are not known here.
            return (mark == "=" || mark == ":") && name != "group" ? String(name) + [mark] : nil
        }
    }
}
