internal import ToteCore

/// The customers who were erased, and what changed of rights: what a backup of before brings back
/// is erased, and taken away, again.
///
/// Nobody is named. An entry of a customer is a salt and the SHA-256 of salt and space name, of
/// which 16 bytes are kept: whoever has an id can ask whether it is there, and nobody can list
/// them. Kept in the data file and beside it, since a restored file knows only what was erased
/// before its backup.
package struct ErasureList: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var salt: UInt64
        /// 16 bytes.
        package var digest: [UInt8]
        /// Milliseconds since 1970, of the day: no more, or what else has that time would say whose
        /// ledger it is.
        package var at: UInt64

        private static let dayMilliseconds: UInt64 = 86_400_000

        /// A line of the list beside the data file, and the name of a row in it.
        package var text: String { "\(Hex.string(salt)) \(Hex.string(digest))" }

        init(salt: UInt64, space: String, at: UInt64) {
            self.salt = salt
            digest = Self.digest(salt, space)
            self.at = at - at % Self.dayMilliseconds
        }

        init?(_ text: String, at: UInt64) {
            let parts = text.split(separator: " ")
            guard parts.count == 2, let salt = Hex.id(String(parts[0])),
                let digest = Hex.bytes(String(parts[1])), digest.count == 16
            else { return nil }
            self.salt = salt
            self.digest = digest
            self.at = at
        }

        static func digest(_ salt: UInt64, _ space: String) -> [UInt8] {
            let name = withUnsafeBytes(of: salt.bigEndian) { Array($0) } + Array(space.utf8)
            return Array(SHA256.digest(name).prefix(16))
        }
    }

    package private(set) var entries: [Entry] = []
    /// In the order of the lines.
    package private(set) var rights: [Right] = []
    private var bySalt: [UInt64: Set<[UInt8]>] = [:]

    package init() {}

    /// Reads the list beside a data file: a line each, `SALT DIGEST MILLISECONDS` or a right's.
    ///
    /// - Parameter forgivesTail: whether the last line may be the beginning of one, which was being
    ///   written when a process ended.
    /// - Throws: `Damaged` at a line that is none: one that is overlooked would bring somebody
    ///   back.
    package init(_ bytes: [UInt8], forgivesTail: Bool = true) throws(Damaged) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            switch Self.read(line) {
            case .entry(let entry)?:
                insert(entry)
                continue
            case .right(let right)?:
                rights.append(right)
                continue
            case nil: break
            }
            let isTail = index == lines.count - 1
            guard isTail, line.isEmpty || forgivesTail && Self.isBeginning(line) else {
                throw Damaged(line: index + 1)
            }
        }
    }

    private enum Line {
        case entry(Entry)
        case right(Right)
    }

    /// What a line says, whatever ends it; `nil` when it says nothing.
    private static func read(_ line: ArraySlice<UInt8>) -> Line? {
        let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        let words = line.split(separator: UInt8(ascii: " ")).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let first = words.first, let at = words.last.flatMap({ UInt64($0) }) else {
            return nil
        }
        if Right.kinds.contains(first) { return Right(words).map { .right($0) } }
        return Entry(words.dropLast().joined(separator: " "), at: at).map { .entry($0) }
    }

    /// Whether a line says something.
    package static func isLine(_ line: ArraySlice<UInt8>) -> Bool { read(line) != nil }

    /// The longest line, its end included, is shorter.
    package static let lineBytesMax = 160

    private static func isBeginning(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.count < lineBytesMax,
            line.allSatisfy({ $0 == UInt8(ascii: " ") || Right.isPlain($0) })
        else { return false }
        let word = String(decoding: line.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
        let isWhole = line.count > word.utf8.count
        return word.allSatisfy(\.isHexDigit)
            || Right.kinds.contains { isWhole ? $0 == word : $0.hasPrefix(word) }
    }

    /// A line that cannot be read.
    package struct Damaged: Error, Hashable {
        /// From 1.
        package let line: Int
    }

    package var isEmpty: Bool { entries.isEmpty && rights.isEmpty }

    package func contains(_ entry: Entry) -> Bool {
        bySalt[entry.salt]?.contains(entry.digest) ?? false
    }

    /// Whether the customer of a space was erased.
    package func contains(space name: String) -> Bool {
        bySalt.contains { salt, digests in digests.contains(Entry.digest(salt, name)) }
    }

    package mutating func insert(_ right: Right) { rights.append(right) }

    package mutating func insert(_ entry: Entry) {
        guard !contains(entry) else { return }
        entries.append(entry)
        bySalt[entry.salt, default: []].insert(entry.digest)
    }

    /// The entry of a space. One salt serves for all that were made here.
    package func entry(for space: String, at now: UInt64, random: () -> UInt64) -> Entry {
        Entry(salt: entries.last?.salt ?? random(), space: space, at: now)
    }

    /// A line of the list beside the data file.
    package static func line(_ entry: Entry) -> String { "\(entry.text) \(entry.at)\n" }
}
