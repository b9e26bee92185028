/// Reads the members of an intent's map, each with its bound; none may be unknown.
struct IntentReader {
    private let value: Value

    init(_ value: Value, members: Set<String>) throws(IntentError) {
        guard case .map(let entries) = value else { throw .malformed("a map belongs here") }
        guard entries.allSatisfy({ members.contains($0.name) }) else {
            throw .malformed("its members are \(members.sorted().joined(separator: ", "))")
        }
        self.value = value
    }

    func order() throws(IntentError) -> OrderID {
        guard let id = OrderID(try text("order", 32...32)) else {
            throw .malformed("an order's id is 32 lower-case hex digits")
        }
        return id
    }

    func lease(_ name: String = "lease") throws(IntentError) -> LeaseID {
        guard let id = LeaseID(try text(name, 32...32)) else {
            throw .malformed("a lease's id is 32 lower-case hex digits")
        }
        return id
    }

    func account() throws(IntentError) -> AccountName {
        guard let account = AccountName(try text("account", 1...AccountName.bytesMax))
        else {
            throw .malformed("account is points, card:<currency> or offer:<id>")
        }
        return account
    }

    /// The id of an offer.
    func offer() throws(IntentError) -> String {
        let id = try text("offer", 1...64)
        guard AccountName("offer:\(id)") != nil else {
            throw .malformed("an offer's id has the bytes a-z A-Z 0-9 - _ .")
        }
        return id
    }

    func amount(_ name: String) throws(IntentError) -> Amount {
        guard let amount = Amount(try int(name, Amount.range)) else {
            throw .malformed("\(name) is an amount")
        }
        return amount
    }

    func text(_ name: String, _ bytes: ClosedRange<Int>) throws(IntentError) -> String {
        guard let text = value[name]?.textValue, bytes.contains(text.utf8.count) else {
            throw .malformed(
                "\(name) is a text of \(bytes.lowerBound) to \(bytes.upperBound) bytes")
        }
        return text
    }

    func optionalText(_ name: String, _ most: Int) throws(IntentError) -> String? {
        value[name] == nil ? nil : try text(name, 1...most)
    }

    func int(_ name: String, _ range: ClosedRange<Int64>) throws(IntentError) -> Int64 {
        guard let int = value[name]?.intValue, range.contains(int) else {
            throw .malformed(
                "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return int
    }

    func optionalInt(
        _ name: String, _ range: ClosedRange<Int64>
    ) throws(IntentError) -> Int64? {
        value[name] == nil ? nil : try int(name, range)
    }

    func list(_ name: String, _ count: ClosedRange<Int>) throws(IntentError) -> [Value] {
        guard case .array(let values)? = value[name], count.contains(values.count) else {
            throw .malformed("\(name) is a list of \(count.lowerBound) to \(count.upperBound)")
        }
        return values
    }
}
