internal import CSQLite

/// How SQLite treats the memory of the whole process.
package enum SQLiteMemory {
    /// Stops SQLite from counting what it allocates, for a process whose threads each work on
    /// connections of their own: the count takes one lock for all of them, at every allocation.
    ///
    /// Call it before the first connection is opened; later it does nothing.
    package static func countNothing() { _ = csqlite_count_no_memory() }
}
