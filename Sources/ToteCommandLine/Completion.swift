/// Completion scripts, written from the table; `<executable> completion bash` prints one.
///
/// Every script finds the command that the words before the cursor lead to, then offers that
/// command's subcommands, options and, after an option, its choices or else files.
extension CommandTable {
    /// The script for `bash`, `zsh` or `fish`; nil for another shell.
    package func completion(for shell: String) -> String? {
        switch shell {
        case "bash": bashCompletion()
        case "zsh": zshCompletion()
        case "fish": fishCompletion()
        default: nil
        }
    }

    private var functionName: String {
        "_" + root.name.map { $0 == "-" ? "_" : String($0) }.joined()
    }

    private func bashCompletion() -> String {
        var lines = [
            "# bash completion for \(root.name): source this file.",
            "\(functionName)() {",
            "    local at='\(root.name)' candidates='' i",
            "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"",
            "    # '=' is a word of its own to bash: --color=al arrives as --color, =, al.",
            "    if [[ $cur == '=' ]]; then cur=''",
            "    elif [[ $prev == '=' ]]; then prev=\"${COMP_WORDS[COMP_CWORD-2]}\"; fi",
            "    for ((i = 1; i < COMP_CWORD; i++)); do",
            "        case \"$at ${COMP_WORDS[i]}\" in",
        ]
        for line in descents { lines.append("            '\(line)') at='\(line)' ;;") }
        lines += ["            *) ;;", "        esac", "    done", "    case \"$at $prev\" in"]
        for (words, choices) in valueOptions {
            let pattern = words.map { "'\($0)'" }.joined(separator: "|")
            let action =
                choices.isEmpty
                ? "compgen -f -- \"$cur\""
                : "compgen -W '\(choices.joined(separator: " "))' -- \"$cur\""
            lines.append("        \(pattern)) mapfile -t COMPREPLY < <(\(action)); return ;;")
        }
        lines += ["        *) ;;", "    esac", "    case \"$at\" in"]
        for (line, candidates) in candidatesByLine {
            let words = candidates.map(\.word).joined(separator: " ")
            lines.append("        '\(line)') candidates='\(words)' ;;")
        }
        lines += [
            "        *) ;;",
            "    esac",
            "    mapfile -t COMPREPLY < <(compgen -W \"$candidates\" -- \"$cur\")",
            "}",
            "complete -o default -F \(functionName) \(root.name)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private func zshCompletion() -> String {
        var lines = [
            "#compdef \(root.name)",
            "\(functionName)() {",
            "    local at='\(root.name)' word",
            "    local -a candidates",
            "    for word in \"${(@)words[2,CURRENT-1]}\"; do",
            "        case \"$at $word\" in",
        ]
        for line in descents { lines.append("            '\(line)') at='\(line)' ;;") }
        lines += ["        esac", "    done", "    case \"$at ${words[CURRENT-1]}\" in"]
        for (words, choices) in valueOptions {
            let pattern = words.map { "'\($0)'" }.joined(separator: "|")
            let action = choices.isEmpty ? "_files" : "compadd -- \(choices.joined(separator: " "))"
            lines.append("        \(pattern)) \(action); return ;;")
        }
        lines += ["    esac", "    case \"$at\" in"]
        for (line, candidates) in candidatesByLine {
            let words = candidates.map {
                quoted($0.help.isEmpty ? $0.word : "\($0.word):\($0.help)")
            }
            lines.append("        '\(line)') candidates=(\(words.joined(separator: " "))) ;;")
        }
        lines += [
            "    esac",
            "    _describe '\(root.name)' candidates || _files",
            "}",
            "if [ \"${funcstack[1]}\" = '\(functionName)' ]; then",
            "    \(functionName) \"$@\"",
            "else",
            "    compdef \(functionName) \(root.name)",
            "fi",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private func fishCompletion() -> String {
        var lines = [
            "# fish completion for \(root.name)",
            "function _\(functionName)_at",
            "    set -l at '\(root.name)'",
            "    for word in (commandline -opc)[2..]",
            "        switch \"$at $word\"",
        ]
        for line in descents {
            lines.append("            case '\(line)'")
            lines.append("                set at '\(line)'")
        }
        lines += ["        end", "    end", "    test \"$at\" = \"$argv[1]\"", "end"]
        for scope in scopesWithBuiltIns {
            let start = "complete -c \(root.name) -n \"_\(functionName)_at '\(scope.line)'\""
            for command in scope.subcommandsWithBuiltIns {
                lines.append("\(start) -f -a '\(command.name)' -d \(quoted(command.summary))")
            }
            let words = scope.offeredWords
            if !words.isEmpty {
                lines.append("\(start) -f -a '\(words.joined(separator: " "))'")
            }
            for option in scope.options + BuiltIn.options {
                let letter = option.short.map { " -s \($0)" } ?? ""
                let value =
                    option.isFlag
                    ? " -f"
                    : option.choices.isEmpty
                        ? " -r -F" : " -x -a '\(option.choices.joined(separator: " "))'"
                lines.append(
                    "\(start) -l \(option.long)\(letter)\(value) -d \(quoted(option.help))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The scopes of the table and those of the built-in commands.
    private var scopesWithBuiltIns: [CommandScope] {
        guard !root.subcommands.isEmpty else { return scopes }
        return scopes + BuiltIn.commands(of: root.name).map(CommandScope(root: root).descending)
    }

    /// Every command below the root as it is typed.
    private var descents: [String] { scopesWithBuiltIns.filter { !$0.isRoot }.map(\.line) }

    /// For each option with a value: the ways its name ends a line, and its choices.
    private var valueOptions: [(words: [String], choices: [String])] {
        scopesWithBuiltIns.flatMap { scope in
            scope.options.filter { !$0.isFlag }.map { option in
                let letter = option.short.map { ["\(scope.line) -\($0)"] } ?? []
                return (["\(scope.line) --\(option.long)"] + letter, option.choices)
            }
        }
    }

    private var candidatesByLine: [(line: String, candidates: [(word: String, help: String)])] {
        scopesWithBuiltIns.map { scope in
            var candidates = scope.subcommandsWithBuiltIns.map { ($0.name, $0.summary) }
            candidates += scope.offeredWords.map { ($0, "") }
            candidates += (scope.options + BuiltIn.options).map { ("--\($0.long)", $0.help) }
            return (scope.line, candidates)
        }
    }

    /// Single quotes for any of the three shells: the text has no quote left in it.
    private func quoted(_ text: String) -> String {
        "'" + text.map { $0 == "'" ? "’" : $0 == "\\" ? "/" : String($0) }.joined() + "'"
    }
}

extension CommandScope {
    /// The words that its arguments may be; of `help` and `man` the commands of the executable.
    fileprivate var offeredWords: [String] {
        guard !isRoot else { return [] }
        if path == ["help"] || path == ["man"] { return commands[0].subcommands.map(\.name) }
        return command.arguments.flatMap(\.suggestions)
    }
}
