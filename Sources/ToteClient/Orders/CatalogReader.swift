package import ToteCore

/// Reads catalogues as servers give them. A process with many devices gives them one that remembers
/// what it has read: a catalogue takes longer to read than an order to place.
package struct CatalogReader: Sendable {
    let read: @Sendable ([UInt8]) throws -> Catalog

    /// Reads by `read`, which returns the same for the same bytes.
    package init(_ read: @escaping @Sendable ([UInt8]) throws -> Catalog) { self.read = read }

    /// Reads each anew.
    package static let plain = CatalogReader { try Catalog(try Encoding.json.value($0)) }
}
