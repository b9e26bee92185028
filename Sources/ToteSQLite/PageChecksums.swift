internal import CSQLite

/// A layer under SQLite that ends each page of a database file with a checksum of it: what a disk
/// or another program changed is an error when it is read, never an answer.
///
/// The checksum is made as a page is written to the database file and looked at as it is read from
/// there; pages in the WAL have SQLite's own. A page's number is part of it, so that a page in the
/// place of another is found as well. One that was never written, all zeros, has none. (The idea
/// is that of SQLite's cksumvfs, sqlite.org/cksumvfs.html; the format is our own.)
enum PageChecksums {
    /// The bytes at the end of each page that SQLite leaves alone: the header's byte 20 says so.
    static let reservedBytes: Int32 = 8
    /// What SQLite knows the layer by; registered at the first use.
    static let name: String? = register()

    /// A read of a page that is not what was written (`SQLITE_IOERR_DATA`).
    static let damaged = SQLITE_IOERR | 32 << 8

    /// SQLite's own layer for this system.
    nonisolated(unsafe) private static let system = sqlite3_vfs_find(nil)

    private static func register() -> String? {
        guard let system else { return nil }
        let name: StaticString = "tote-checksums"
        let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        layer.initialize(to: system.pointee)
        layer.pointee.zName = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(
            to: CChar.self)
        layer.pointee.szOsFile = Int32(stateOffset) + Int32(MemoryLayout<FileState>.stride)
        layer.pointee.xOpen = open
        return sqlite3_vfs_register(layer, 0) == SQLITE_OK ? name.description : nil
    }

    /// What is known of an open database file. It lies behind the system's own record of the file,
    /// whose methods it borrows: all but three go there as they are.
    private struct FileState {
        var methods: sqlite3_io_methods
        let system: UnsafePointer<sqlite3_io_methods>
        /// Where a page gets its checksum; SQLite's copy stays as it is.
        var page: UnsafeMutableRawPointer?
        /// 0 where pages have no checksums.
        var pageBytes = 0
        /// Whether the first page was read or written: it says whether there are checksums.
        var isKnown = false
        /// Where what was written before the first page ends.
        ///
        /// A copy of more than SQLite keeps in memory is such a file: `VACUUM INTO` holds the first
        /// page to the end.
        var earlyEnd: sqlite3_int64 = 0

        /// Reads from the beginning of a database whether its pages have checksums, and their size
        /// (sqlite.org/fileformat2.html, section 1.3).
        mutating func learn(_ header: UnsafeRawPointer, _ count: Int) {
            guard count >= 100 else { return }
            isKnown = true
            let byte = { header.load(fromByteOffset: $0, as: UInt8.self) }
            let size = Int(byte(16)) << 8 | Int(byte(17))
            let pageBytes = byte(20) == UInt8(reservedBytes) ? (size == 1 ? 65_536 : size) : 0
            guard pageBytes != self.pageBytes else { return }
            page?.deallocate()
            page = pageBytes == 0 ? nil : .allocate(byteCount: pageBytes, alignment: 8)
            self.pageBytes = pageBytes
        }

        /// The number of the page that these bytes are; `nil` for anything but one whole page.
        func page(at offset: sqlite3_int64, _ count: Int) -> UInt64? {
            guard count == pageBytes, offset % sqlite3_int64(count) == 0 else { return nil }
            return UInt64(offset / sqlite3_int64(count)) + 1
        }
    }

    private static let stateOffset: Int = {
        let alignment = MemoryLayout<FileState>.alignment
        return (Int(system?.pointee.szOsFile ?? 0) + alignment - 1) / alignment * alignment
    }()

    private static func state(
        _ file: UnsafeMutablePointer<sqlite3_file>
    ) -> UnsafeMutablePointer<FileState> {
        (UnsafeMutableRawPointer(file) + stateOffset).assumingMemoryBound(to: FileState.self)
    }

    /// Whether the pages of an open database file have checksums.
    static func cover(_ file: UnsafeMutablePointer<sqlite3_file>) -> Bool {
        state(file).pointee.pageBytes > 0
    }

    private static let open:
        @convention(c) (
            UnsafeMutablePointer<sqlite3_vfs>?, UnsafePointer<CChar>?,
            UnsafeMutablePointer<sqlite3_file>?, Int32, UnsafeMutablePointer<Int32>?
        ) -> Int32 = { _, path, file, flags, opened in
            guard let system, let open = system.pointee.xOpen, let file else { return SQLITE_ERROR }
            let code = open(system, path, file, flags, opened)
            guard code == SQLITE_OK, flags & SQLITE_OPEN_MAIN_DB != 0,
                let methods = file.pointee.pMethods
            else { return code }
            var own = methods.pointee
            // Without those that give out the file's memory as it lies there.
            own.iVersion = min(own.iVersion, 2)
            own.xRead = read
            own.xWrite = write
            own.xClose = close
            let state = state(file)
            state.initialize(to: FileState(methods: own, system: methods))
            // `methods` is the first member of what is behind `state`, and stays where it is.
            file.pointee.pMethods = UnsafeRawPointer(state).assumingMemoryBound(
                to: sqlite3_io_methods.self)
            return code
        }

    private static let close: @convention(c) (UnsafeMutablePointer<sqlite3_file>?) -> Int32 = {
        guard let file = $0 else { return SQLITE_ERROR }
        let state = state(file)
        let system = state.pointee.system
        state.pointee.page?.deallocate()
        state.deinitialize(count: 1)
        file.pointee.pMethods = system
        return system.pointee.xClose(file)
    }

    private static let read:
        @convention(c) (
            UnsafeMutablePointer<sqlite3_file>?, UnsafeMutableRawPointer?, Int32, sqlite3_int64
        ) -> Int32 = { file, bytes, count, offset in
            guard let file, let bytes else { return SQLITE_ERROR }
            let state = state(file)
            let code = state.pointee.system.pointee.xRead(file, bytes, count, offset)
            guard code == SQLITE_OK else { return code }
            if offset == 0 { state.pointee.learn(bytes, Int(count)) }
            guard let page = state.pointee.page(at: offset, Int(count)) else { return code }
            return isSound(bytes, Int(count), page) ? code : damaged
        }

    private static let write:
        @convention(c) (
            UnsafeMutablePointer<sqlite3_file>?, UnsafeRawPointer?, Int32, sqlite3_int64
        ) -> Int32 = { file, bytes, count, offset in
            guard let file, let bytes else { return SQLITE_ERROR }
            let state = state(file)
            let write = state.pointee.system.pointee.xWrite
            if offset == 0 {
                let isFirst = !state.pointee.isKnown
                state.pointee.learn(bytes, Int(count))
                let code = isFirst ? sealEarlyPages(file) : SQLITE_OK
                guard code == SQLITE_OK else { return code }
            } else if !state.pointee.isKnown {
                state.pointee.earlyEnd = max(
                    state.pointee.earlyEnd, offset + sqlite3_int64(count))
            }
            guard let page = state.pointee.page(at: offset, Int(count)),
                let copy = state.pointee.page
            else { return write?(file, bytes, count, offset) ?? SQLITE_ERROR }
            let covered = Int(count) - Int(reservedBytes)
            copy.copyMemory(from: bytes, byteCount: covered)
            copy.storeBytes(
                of: checksum(bytes, covered, page).littleEndian, toByteOffset: covered,
                as: UInt64.self)
            return write?(file, copy, count, offset) ?? SQLITE_ERROR
        }

    /// Gives the pages that were written before the first one their checksums.
    private static func sealEarlyPages(_ file: UnsafeMutablePointer<sqlite3_file>) -> Int32 {
        let state = state(file).pointee
        guard let page = state.page else { return SQLITE_OK }
        let (count, system) = (Int32(state.pageBytes), state.system.pointee)
        let covered = state.pageBytes - Int(reservedBytes)
        for offset in stride(from: sqlite3_int64(count), to: state.earlyEnd, by: Int(count)) {
            guard let number = state.page(at: offset, Int(count)) else { continue }
            var code = system.xRead(file, page, count, offset)
            if code == SQLITE_OK {
                page.storeBytes(
                    of: checksum(page, covered, number).littleEndian, toByteOffset: covered,
                    as: UInt64.self)
                code = system.xWrite(file, page, count, offset)
            }
            guard code == SQLITE_OK else { return code }
        }
        return SQLITE_OK
    }

    /// Whether a page ends with the checksum of the rest, or was never written.
    private static func isSound(_ page: UnsafeRawPointer, _ count: Int, _ number: UInt64) -> Bool {
        let covered = count - Int(reservedBytes)
        let stored = UInt64(
            littleEndian: page.loadUnaligned(fromByteOffset: covered, as: UInt64.self))
        if stored == checksum(page, covered, number) { return true }
        return stored == 0
            && (0..<covered).allSatisfy { page.load(fromByteOffset: $0, as: UInt8.self) == 0 }
    }

    /// Two running sums of 64-bit words, the second one of the first (Fletcher, 1982), mixed so
    /// that no bit of either can make up for a bit of the other.
    private static func checksum(
        _ bytes: UnsafeRawPointer, _ count: Int, _ number: UInt64
    ) -> UInt64 {
        var sum = number
        var sums: UInt64 = 0
        var offset = 0
        while offset < count {
            sum &+= UInt64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            sums &+= sum
            offset += 8
        }
        return mixed(sum ^ mixed(sums))
    }

    /// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): each bit of the input changes
    /// about half of the result's.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
