internal import ToteCore

/// Placeholder until the catalogue's own branch is merged.
final class CatalogBook {
    private(set) var catalog: Catalog?

    func replace(with changed: Catalog, at time: UInt64) throws -> Int64 {
        var next = changed
        next.version = (catalog?.version ?? 0) + 1
        catalog = next
        return next.version
    }
}
