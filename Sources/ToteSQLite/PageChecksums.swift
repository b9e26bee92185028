internal import CSQLite

/// A layer under SQLite that ends each page of a database file with a checksum of it: what a disk
/// or another program changed is an error when it is read, never an answer.
///
/// The checksum is made as a page is written to the database file and looked at as it is read from
/// there; pages in the WAL have SQLite's own. A page's number is part of it, so that a page in the
/// place of another is found as well. One that was never written, all zeros, has none. (The idea
/// is that of SQLite's cksumvfs, sqlite.org/cksumvfs.html; the format is our own.)
///
/// What a page of a tree does not use is overwritten on the way: SQLite moves rows from page to
/// page and leaves them where they were, also with `secure_delete`.
enum PageChecksums {
    /// The bytes at the end of each page that SQLite leaves alone: the header's byte 20 says so.
    static let reservedBytes: Int32 = 8
    /// The layer over the system's own; registered at the first use, for good.
    private static let layer = sqlite3_vfs_find(nil).flatMap {
        Layer(over: $0, name: "tote-checksums")
    }
    /// What SQLite knows it by.
    static let name = layer?.name

    /// Whether another layer is under this one.
    static func isOver(_ below: UnsafeMutablePointer<sqlite3_vfs>) -> Bool {
        layer?.below == below
    }

    /// A read of a page that is not what was written (`SQLITE_IOERR_DATA`).
    static let damaged = SQLITE_IOERR | 32 << 8

    /// A layer over another one, registered with SQLite while this lives.
    final class Layer: @unchecked Sendable {
        /// What `xOpen` is given: SQLite's record of the layer, and the one below.
        struct Record {
            var own: sqlite3_vfs
            let below: UnsafeMutablePointer<sqlite3_vfs>
            let stateOffset: Int
        }

        let name: String
        var below: UnsafeMutablePointer<sqlite3_vfs> { record.pointee.below }
        private let record: UnsafeMutablePointer<Record>
        private let nameCharacters: UnsafeMutablePointer<CChar>

        init?(over below: UnsafeMutablePointer<sqlite3_vfs>, name: String) {
            self.name = name
            let characters = name.utf8CString
            nameCharacters = .allocate(capacity: characters.count)
            for (index, character) in characters.enumerated() {
                nameCharacters[index] = character
            }
            let alignment = MemoryLayout<FileState>.alignment
            let offset = (Int(below.pointee.szOsFile) + alignment - 1) / alignment * alignment
            // All but opening a file goes below as it is.
            var own = below.pointee
            own.zName = UnsafePointer(nameCharacters)
            own.szOsFile = Int32(offset + MemoryLayout<FileState>.stride)
            own.xOpen = open
            record = .allocate(capacity: 1)
            record.initialize(to: Record(own: own, below: below, stateOffset: offset))
            guard sqlite3_vfs_register(&record.pointee.own, 0) == SQLITE_OK else { return nil }
        }

        deinit {
            sqlite3_vfs_unregister(&record.pointee.own)
            record.deallocate()
            nameCharacters.deallocate()
        }
    }

    /// What is known of an open database file. It lies behind the record of the file that the layer
    /// below has, whose methods it borrows: all but three go there as they are.
    struct FileState {
        var methods: sqlite3_io_methods
        let below: UnsafePointer<sqlite3_io_methods>
        /// Where a page gets its checksum; SQLite's copy stays as it is.
        var page: UnsafeMutableRawPointer?
        /// 0 where pages have no checksums.
        var pageBytes = 0
        /// Whether the first page was read or written: it says whether there are checksums.
        var isKnown = false
        /// How many pages there are, as the first one says.
        var pageCount = UInt32.max
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
            pageCount = (28..<32).reduce(0) { $0 << 8 | UInt32(byte($1)) }
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

    /// Of a file whose methods are ours: they are the first member of its state.
    private static func state(
        _ file: UnsafeMutablePointer<sqlite3_file>
    ) -> UnsafeMutablePointer<FileState> {
        UnsafeMutableRawPointer(mutating: UnsafeRawPointer(file.pointee.pMethods))
            .assumingMemoryBound(to: FileState.self)
    }

    /// Whether the pages of an open database file have checksums.
    static func cover(_ file: UnsafeMutablePointer<sqlite3_file>) -> Bool {
        state(file).pointee.pageBytes > 0
    }

    private static let open:
        @convention(c) (
            UnsafeMutablePointer<sqlite3_vfs>?, UnsafePointer<CChar>?,
            UnsafeMutablePointer<sqlite3_file>?, Int32, UnsafeMutablePointer<Int32>?
        ) -> Int32 = { layer, path, file, flags, opened in
            guard let layer, let file else { return SQLITE_ERROR }
            let record = UnsafeMutableRawPointer(layer).assumingMemoryBound(to: Layer.Record.self)
            let below = record.pointee.below
            let code = below.pointee.xOpen?(below, path, file, flags, opened) ?? SQLITE_ERROR
            guard code == SQLITE_OK, flags & SQLITE_OPEN_MAIN_DB != 0,
                let methods = file.pointee.pMethods
            else { return code }
            var own = methods.pointee
            // Without those that give out the file's memory as it lies there.
            own.iVersion = min(own.iVersion, 2)
            own.xRead = read
            own.xWrite = write
            own.xClose = close
            let state = (UnsafeMutableRawPointer(file) + record.pointee.stateOffset)
                .bindMemory(to: FileState.self, capacity: 1)
            state.initialize(to: FileState(methods: own, below: methods))
            file.pointee.pMethods = UnsafeRawPointer(state).assumingMemoryBound(
                to: sqlite3_io_methods.self)
            return code
        }

    private static let close: @convention(c) (UnsafeMutablePointer<sqlite3_file>?) -> Int32 = {
        guard let file = $0 else { return SQLITE_ERROR }
        let state = state(file)
        let below = state.pointee.below
        state.pointee.page?.deallocate()
        state.deinitialize(count: 1)
        file.pointee.pMethods = below
        return below.pointee.xClose(file)
    }

    private static let read:
        @convention(c) (
            UnsafeMutablePointer<sqlite3_file>?, UnsafeMutableRawPointer?, Int32, sqlite3_int64
        ) -> Int32 = { file, bytes, count, offset in
            guard let file, let bytes else { return SQLITE_ERROR }
            let state = state(file)
            let code = state.pointee.below.pointee.xRead(file, bytes, count, offset)
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
            let write = state.pointee.below.pointee.xWrite
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
            if state.pointee.pageCount < tellablePages {
                clearUnused(copy, covered, header: page == 1 ? 100 : 0)
            }
            copy.storeBytes(
                of: checksum(copy, covered, page).littleEndian, toByteOffset: covered,
                as: UInt64.self)
            return write?(file, copy, count, offset) ?? SQLITE_ERROR
        }

    /// Other pages begin with the number of a page, and its first byte is 0 or 1 as long as there
    /// are fewer than these: no page of a tree begins so.
    private static let tellablePages: UInt32 = 0x0200_0000

    /// Overwrites what a page of a tree has between the pointers to its cells and the cells
    /// (sqlite.org/fileformat2.html, section 1.6). Leaves another page as it is.
    private static func clearUnused(_ page: UnsafeMutableRawPointer, _ usable: Int, header: Int) {
        func byte(_ offset: Int) -> Int { Int(page.load(fromByteOffset: offset, as: UInt8.self)) }
        func number(_ offset: Int) -> Int { byte(offset) << 8 | byte(offset + 1) }
        let headerBytes: Int
        switch byte(header) {
        case 2, 5: headerBytes = 12
        case 10, 13: headerBytes = 8
        default: return
        }
        let start = header + headerBytes + 2 * number(header + 3)
        // Written as 0 where it is 65,536.
        let end = number(header + 5) == 0 ? 65_536 : number(header + 5)
        guard start < end, end <= usable else { return }
        (page + start).initializeMemory(as: UInt8.self, repeating: 0, count: end - start)
    }

    /// Gives the pages that were written before the first one their checksums.
    private static func sealEarlyPages(_ file: UnsafeMutablePointer<sqlite3_file>) -> Int32 {
        let state = state(file).pointee
        guard let page = state.page else { return SQLITE_OK }
        let (count, below) = (Int32(state.pageBytes), state.below.pointee)
        let covered = state.pageBytes - Int(reservedBytes)
        for offset in stride(from: sqlite3_int64(count), to: state.earlyEnd, by: Int(count)) {
            guard let number = state.page(at: offset, Int(count)) else { continue }
            var code = below.xRead(file, page, count, offset)
            if code == SQLITE_OK {
                page.storeBytes(
                    of: checksum(page, covered, number).littleEndian, toByteOffset: covered,
                    as: UInt64.self)
                code = below.xWrite(file, page, count, offset)
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
