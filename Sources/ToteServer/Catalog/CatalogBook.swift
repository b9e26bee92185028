internal import ToteCore
internal import ToteSQLite

/// The catalogue in force, with the bytes that it is served as, and the last ones before it.
final class CatalogBook {
    /// A catalogue and its JSON.
    struct Current {
        let catalog: Catalog
        let bytes: [UInt8]
    }

    /// How many versions are kept, the one in force included.
    static let versionsMax = 20

    private let store: ServerStore
    private(set) var current: Current?

    /// Reads the catalogue in force.
    ///
    /// - Throws: `StoreError.corrupt` when it cannot be read.
    init(store: ServerStore) throws {
        self.store = store
        let row = try store.database.row(
            "SELECT version, body FROM catalogs ORDER BY version DESC LIMIT 1"
        ) { ($0.int(0), $0.blob(1)) }
        guard let (version, bytes) = row else { return }
        current = Current(catalog: try Self.read(bytes, version: version), bytes: bytes)
    }

    private static func read(_ bytes: [UInt8], version: Int64) throws -> Catalog {
        do {
            let catalog = try Catalog(try Encoding.json.value(bytes))
            guard catalog.version == version else {
                throw StoreError.corrupt("catalogue \(version) calls itself \(catalog.version)")
            }
            return catalog
        } catch let error as CatalogError {
            throw StoreError.corrupt("catalogue \(version): \(error.path): \(error.message)")
        } catch let error as WireError {
            throw StoreError.corrupt("catalogue \(version): \(error.message)")
        }
    }

    /// Reads every catalogue that is kept, as a check.
    static func faults(_ store: ServerStore) throws -> [String] {
        var faults: [String] = []
        let versions = try store.database.rows("SELECT version FROM catalogs ORDER BY version") {
            $0.int(0)
        }
        for version in versions {
            let body = try store.database.row(
                "SELECT body FROM catalogs WHERE version = ?", .int(version)
            ) { $0.blob(0) }
            do {
                _ = try read(body ?? [], version: version)
            } catch let error as StoreError {
                faults.append(error.description)
            }
        }
        return faults
    }

    /// Puts a catalogue in force, under the next version.
    ///
    /// - Throws: `Problem` when it is too large, and storage errors; nothing has changed then.
    func replace(with catalog: Catalog, at now: UInt64) throws -> Catalog {
        var catalog = catalog
        catalog.version = (current?.catalog.version ?? 0) + 1
        let bytes = Encoding.json.encode(catalog.value)
        guard bytes.count <= Catalog.bytesMax else {
            throw Problem.catalogInvalid([
                CatalogError(
                    [], "too_large",
                    "the catalogue has \(bytes.count) bytes, at most \(Catalog.bytesMax) are "
                        + "allowed; list opening hours for fewer days")
            ])
        }
        try store.database.run(
            "INSERT INTO catalogs VALUES (?1, ?2, ?3)", .int(catalog.version), .bits(now),
            .blob(bytes))
        try store.database.run(
            "DELETE FROM catalogs WHERE version <= ?",
            .int(catalog.version - Int64(Self.versionsMax)))
        current = Current(catalog: catalog, bytes: bytes)
        return catalog
    }
}

extension Problem {
    /// A catalogue that was refused as a whole, with all its faults.
    static func catalogInvalid(_ faults: [CatalogError]) -> Problem {
        let first = faults.first.map { "\($0.path.isEmpty ? "the whole" : $0.path): \($0.message)" }
        return Problem(
            422, "catalog_invalid",
            "\(faults.count == 1 ? "1 fault" : "\(faults.count) faults"); the first: "
                + (first ?? ""),
            members: [Value.Entry("errors", .array(faults.map(\.value)))])
    }
}
