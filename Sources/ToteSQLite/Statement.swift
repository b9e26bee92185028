internal import CSQLite

/// A value bound to a statement.
package enum Parameter {
    case null
    case int(Int64)
    case text(String)
    case blob([UInt8])

    /// An unsigned number, stored with the same 64 bits.
    package static func bits(_ value: UInt64) -> Parameter { .int(Int64(bitPattern: value)) }
    package static func optional(_ value: [UInt8]?) -> Parameter {
        value.map { .blob($0) } ?? .null
    }
    package static func optional(bits value: UInt64?) -> Parameter {
        value.map { .bits($0) } ?? .null
    }
    package static func optional(_ value: String?) -> Parameter { value.map { .text($0) } ?? .null }
}

/// A prepared statement. It belongs to its database's thread and is reset after each use.
package final class Statement {
    let handle: OpaquePointer
    private unowned let database: Database

    init(handle: OpaquePointer, database: Database) {
        self.handle = handle
        self.database = database
    }

    /// Tells SQLite to copy what is bound: `SQLITE_TRANSIENT`, which C writes as a cast of −1.
    private static var copied: sqlite3_destructor_type {
        unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }

    func bind(_ parameters: [Parameter]) throws(SQLiteError) {
        for (index, parameter) in parameters.enumerated() {
            try bind(parameter, at: Int32(index + 1))
        }
    }

    private func bind(_ parameter: Parameter, at index: Int32) throws(SQLiteError) {
        let code: Int32
        switch parameter {
        case .null: code = sqlite3_bind_null(handle, index)
        case .int(let value): code = sqlite3_bind_int64(handle, index, value)
        case .text(var value):
            code = value.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    sqlite3_bind_text(handle, index, $0.baseAddress, Int32($0.count), Self.copied)
                }
            }
        case .blob(let value):
            code =
                value.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : value.withUnsafeBytes {
                    sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), Self.copied)
                }
        }
        guard code == SQLITE_OK else { throw database.error(code, "binding parameter \(index)") }
    }

    /// Runs to the end; rows are passed over.
    package func run(_ parameters: [Parameter]) throws(SQLiteError) {
        defer { reset() }
        try bind(parameters)
        while try step() {}
    }

    /// Runs a statement whose parameters are numbers and, last, bytes that SQLite reads where they
    /// lie: for the writes that every request makes.
    package func run(numbers: [Int64?], bytes: [UInt8]? = nil) throws(SQLiteError) {
        defer { reset() }
        for (index, number) in numbers.enumerated() {
            let place = Int32(truncatingIfNeeded: index + 1)
            let code =
                number.map { sqlite3_bind_int64(handle, place, $0) }
                ?? sqlite3_bind_null(handle, place)
            guard code == SQLITE_OK else { throw database.error(code, "binding \(place)") }
        }
        let code = bytes.map { stepBinding($0, at: numbers.count + 1) } ?? sqlite3_step(handle)
        guard code == SQLITE_DONE else {
            throw database.error(code, String(cString: sqlite3_sql(handle)).prefix(60).description)
        }
    }

    /// Binds bytes without copying them and steps while they are there.
    private func stepBinding(_ bytes: [UInt8], at place: Int) -> Int32 {
        let place = Int32(truncatingIfNeeded: place)
        // Safe: a nil destructor is SQLITE_STATIC, and the step ends inside the closure.
        return bytes.withUnsafeBytes { raw in
            let bound =
                raw.isEmpty
                ? sqlite3_bind_zeroblob(handle, place, 0)
                : sqlite3_bind_blob(handle, place, raw.baseAddress, Int32(raw.count), nil)
            return bound == SQLITE_OK ? sqlite3_step(handle) : bound
        }
    }

    /// Moves to the next row; `false` at the end.
    func step() throws(SQLiteError) -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            throw database.error(code, String(cString: sqlite3_sql(handle)).prefix(60).description)
        }
    }

    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    // Reading a column of the current row; the row must be there.

    package func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    package func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    /// The unsigned number whose 64 bits are stored.
    package func bits(_ column: Int32) -> UInt64 { UInt64(bitPattern: int(column)) }

    package func optionalBits(_ column: Int32) -> UInt64? {
        isNull(column) ? nil : bits(column)
    }

    package func text(_ column: Int32) -> String {
        guard let text = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    package func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    package func blob(_ column: Int32) -> [UInt8] {
        guard let blob = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return Array(UnsafeRawBufferPointer(start: blob, count: count))
    }

    package func optionalBlob(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : blob(column) }
}
