/// One fault of a catalogue: where, what, and what to do.
public struct CatalogError: Error, Hashable, Sendable {
    /// A step from a value to one inside it.
    package enum Step: Hashable, Sendable {
        case member(String)
        case index(Int)
    }

    /// The way from the whole catalogue to the fault.
    package let steps: [Step]
    /// What a program may branch on: `wrong_type`, `missing_member`, `unknown_member`,
    /// `out_of_range`, `bad_id`, `bad_text`, `bad_currency`, `duplicate`, `unknown_reference`,
    /// `too_many`, `price_missing`, `tax_missing`, `intervals_overlap`, `out_of_order`.
    public let code: String
    /// For people: what is wrong, with the values.
    public let message: String
    /// The names that would be right in place of an unknown one.
    package let known: [String]

    /// A fault at a place.
    package init(_ steps: [Step], _ code: String, _ message: String, known: [String] = []) {
        self.steps = steps
        self.code = code
        self.message = message
        self.known = known
    }

    /// Where the fault is, like `products[3].price`; empty for the whole.
    public var path: String {
        var path = ""
        for step in steps {
            switch step {
            case .member(let name): path += path.isEmpty ? name : ".\(name)"
            case .index(let index): path += "[\(index)]"
            }
        }
        return path
    }

    /// As the admin API shows it.
    package var value: Value {
        .map([
            Value.Entry("code", .text(code)), Value.Entry("message", .text(message)),
            Value.Entry("path", .text(path)),
        ])
    }
}

/// All faults that were found in a catalogue, in order, at most `Catalog.faultsMax`; at least one.
package struct CatalogFaults: Error, Hashable, Sendable {
    package let faults: [CatalogError]
}
