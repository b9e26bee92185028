/// A line that is being written: keys in, what to show out. No terminal.
struct LineEdit {
    /// What a key led to.
    enum Outcome: Equatable {
        /// Show the line anew.
        case changed
        /// Nothing to show.
        case nothing
        /// Show these words below, then the line anew.
        case list([String])
        case clearScreen
        /// The line is done.
        case done(String)
        /// Nothing more comes.
        case end
        /// Ctrl-C on an empty line.
        case interrupt
    }

    private(set) var characters: [Character] = []
    /// Before which character the next one goes.
    private(set) var cursor = 0
    /// Earlier lines, the last one last.
    private let history: [String]
    /// Which of them shows; their count while the new one does.
    private var shown: Int
    /// The new line, while an earlier one shows.
    private var draft = ""
    /// The words that the last one of a text, which may be empty, can become.
    private let complete: (_ before: String) -> Completion

    init(history: [String], complete: @escaping (_ before: String) -> Completion) {
        self.history = history
        self.complete = complete
        shown = history.count
    }

    var text: String { String(characters) }

    mutating func handle(_ key: Keystroke) -> Outcome {
        switch key {
        case .enter: return .done(text)
        case .endOfInput: return characters.isEmpty ? .end : erase(cursor..<cursor + 1)
        case .interrupt:
            guard !characters.isEmpty else { return .interrupt }
            return replace(with: "")
        case .text(let scalar): insert(String(Character(scalar)))
        case .backspace: return erase(cursor - 1..<cursor)
        case .delete: return erase(cursor..<cursor + 1)
        case .eraseAfter: return erase(cursor..<characters.count)
        case .eraseBefore: return erase(0..<cursor)
        case .eraseWord:
            let before = characters[..<cursor]
            let word = before.lastIndex { $0 != " " }.map { before[...$0] } ?? []
            let start = word.lastIndex(of: " ").map { $0 + 1 } ?? 0
            return erase(start..<cursor)
        case .left: cursor = max(0, cursor - 1)
        case .right: cursor = min(characters.count, cursor + 1)
        case .start: cursor = 0
        case .end: cursor = characters.count
        case .up: return show(shown - 1)
        case .down: return show(shown + 1)
        case .tab: return completeWord()
        case .clearScreen: return .clearScreen
        }
        return .changed
    }

    private mutating func insert(_ added: String) {
        // As one text: a combining scalar joins the character before it.
        let before = Array(String(characters[..<cursor]) + added)
        characters = before + characters[cursor...]
        cursor = before.count
    }

    private mutating func erase(_ range: Range<Int>) -> Outcome {
        let range = range.clamped(to: 0..<characters.count)
        guard !range.isEmpty else { return .nothing }
        characters.removeSubrange(range)
        cursor = range.lowerBound
        return .changed
    }

    private mutating func replace(with text: String) -> Outcome {
        characters = Array(text)
        cursor = characters.count
        return .changed
    }

    private mutating func show(_ index: Int) -> Outcome {
        guard (0...history.count).contains(index), index != shown else { return .nothing }
        if shown == history.count { draft = text }
        shown = index
        return replace(with: index == history.count ? draft : history[index])
    }

    private mutating func completeWord() -> Outcome {
        let found = complete(String(characters[..<cursor]))
        guard let first = found.words.first else { return .nothing }
        var common = first
        for word in found.words.dropFirst() { common = common.commonPrefix(with: word) }
        let isWhole = found.words.count == 1
        // Behind `cart:` or `at=` the value follows at once.
        let space = isWhole && common.last != ":" && common.last != "=" ? " " : ""
        let added = common.dropFirst(found.partial.count) + space
        guard added.isEmpty else {
            insert(String(added))
            return .changed
        }
        return isWhole ? .nothing : .list(found.words)
    }
}

/// What the word before the cursor can become.
struct Completion: Equatable {
    /// What of it is written already; every word begins with it.
    var partial: String
    var words: [String]

    /// Of all words those that fit, once each, in order.
    init(_ partial: String, among words: [String]) {
        self.partial = partial
        self.words = Set(words.filter { $0.hasPrefix(partial) }).sorted()
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map(\.0))
    }
}
