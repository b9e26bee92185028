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
    /// - Parameter forgivesTail: whether the last line may be the beginning of one, which was being
    ///   written when a process ended.
    /// - Throws: `Damaged` at a line that is none: one that is overlooked would bring somebody
    ///   back.
    package init(_ bytes: [UInt8], forgivesTail: Bool = true) throws(Damaged) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            if let entry = Self.entry(line) {
                insert(entry)
                continue
            }
            let isTail = index == lines.count - 1
            guard isTail, line.isEmpty || forgivesTail && Self.isBeginning(line) else {
                throw Damaged(line: index + 1)
            }
        }
    }

    /// What a line says, whatever ends it; `nil` when it says nothing.
    package static func entry(_ line: ArraySlice<UInt8>) -> Entry? {
        let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        guard let space = line.lastIndex(of: UInt8(ascii: " ")),
            let at = UInt64(String(decoding: line[(space + 1)...], as: UTF8.self))
        else { return nil }
        return Entry(String(decoding: line[..<space], as: UTF8.self), at: at)
    }

    private static func isBeginning(_ line: ArraySlice<UInt8>) -> Bool {
        line.count < 80
            && line.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: " "):
                    true
                default: false
                }
            }
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
