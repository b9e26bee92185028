#include <sqlite3.h>

// sqlite3_config takes a variable list of arguments, which Swift cannot call.

/// Stops SQLite from counting the memory it uses, which takes a lock of the whole process at every
/// allocation. Only before the first connection is opened; SQLITE_MISUSE afterwards.
static inline int csqlite_count_no_memory(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
