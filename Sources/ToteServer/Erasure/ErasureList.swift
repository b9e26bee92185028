internal import ToteCore

/// The customers who were erased: what a backup of before brings back is erased again.
///
/// Nobody is named. An entry is a salt and the SHA-256 of salt and space name, of which 16 bytes
/// are kept: whoever has an id can ask whether it is there, and nobody can list them. Kept in the
/// data file and beside it, since a restored file knows only what was erased before its backup.
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
    private var bySalt: [UInt64: Set<[UInt8]>] = [:]

    package init() {}

    /// Reads the list beside a data file: a line each, `SALT DIGEST MILLISECONDS`.
    ///
    /// - Throws: `Damaged` at a line that is none: one that is overlooked would bring somebody
    ///   back. The last line may be so, where its end is missing: it was being written.
    package init(text: String) throws(Damaged) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            if let entry = Self.entry(line) {
                insert(entry)
            } else if index < lines.count - 1 {
                throw Damaged(line: index + 1)
            }
        }
    }

    /// What a line says; `nil` when it says nothing.
    package static func entry(_ line: some StringProtocol) -> Entry? {
        guard let space = line.lastIndex(of: " "),
            let at = UInt64(line[line.index(after: space)...])
        else { return nil }
        return Entry(String(line[..<space]), at: at)
    }

    /// A line that cannot be read.
    package struct Damaged: Error, Hashable {
        /// From 1.
        package let line: Int
    }

    package var isEmpty: Bool { entries.isEmpty }

    package func contains(_ entry: Entry) -> Bool {
        bySalt[entry.salt]?.contains(entry.digest) ?? false
    }

    /// Whether the customer of a space was erased.
    package func contains(space name: String) -> Bool {
        bySalt.contains { salt, digests in digests.contains(Entry.digest(salt, name)) }
    }

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
