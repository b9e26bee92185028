internal import CSQLite

/// A disk in memory under the real SQLite, which does what disks do: it loses what was not synced,
/// tears a write in the middle, is full, and fails once or for good.
///
/// A file is what is read and written; what is durable of it is what was synced. Files appear and
/// disappear at once. Confined to one thread at a time, with the databases on it.
///
/// Databases on it are opened `isExclusive`: it has no shared memory.
package final class SimulatedDisk {
    /// What may fail. Reads of what is beyond the end do not.
    package enum Operation: Sendable, Hashable, CaseIterable {
        case read, write, sync
    }

    /// A failure that is to come.
    package struct Failure: Sendable {
        /// Operations of its kind that succeed first.
        package var after = 0
        /// How many fail then; `.max` for good.
        package var count = 1
        /// The disk has no room, rather than an error of the hardware.
        package var isFull = false

        package init(after: Int = 0, count: Int = 1, isFull: Bool = false) {
            self.after = after
            self.count = count
            self.isFull = isFull
        }
    }

    /// What fails next, by kind. An operation that is not here succeeds.
    package var failures: [Operation: Failure] = [:]
    /// How often something failed.
    package private(set) var failureCount = 0
    fileprivate var isCutOff = false
    fileprivate var files: [String: SimulatedFile] = [:]
    /// Registered with SQLite while this lives.
    private let layer: UnsafeMutablePointer<sqlite3_vfs>
    private let nameCharacters: UnsafeMutablePointer<CChar>
    /// What databases are opened with: this under the layer that checks pages.
    private var checked: PageChecksums.Layer?

    package init() {
        let name = "tote-disk-\(UInt64.random(in: 0 ... .max))"
        nameCharacters = .allocate(capacity: name.utf8.count + 1)
        for (index, byte) in name.utf8.enumerated() { nameCharacters[index] = CChar(byte) }
        nameCharacters[name.utf8.count] = 0
        layer = .allocate(capacity: 1)
        // Time and randomness are the system's: nothing here asks for them.
        layer.initialize(to: sqlite3_vfs_find(nil)?.pointee ?? sqlite3_vfs())
        layer.pointee.iVersion = 1
        layer.pointee.zName = UnsafePointer(nameCharacters)
        layer.pointee.szOsFile = Int32(MemoryLayout<SimulatedHandle>.stride)
        layer.pointee.pAppData = Unmanaged.passUnretained(self).toOpaque()
        layer.pointee.xOpen = openFile
        layer.pointee.xDelete = { layer, path, _ in
            guard let disk = disk(layer), let path, !disk.isCutOff else { return IOError.delete }
            return disk.files.removeValue(forKey: String(cString: path)) == nil
                ? IOError.deleteNothing : SQLITE_OK
        }
        layer.pointee.xAccess = { layer, path, _, result in
            guard let disk = disk(layer), let path else { return IOError.access }
            result?.pointee = disk.files[String(cString: path)] == nil ? 0 : 1
            return SQLITE_OK
        }
        layer.pointee.xFullPathname = { _, path, capacity, out in
            guard let path, let out else { return SQLITE_CANTOPEN }
            let bytes = String(cString: path).utf8CString
            guard bytes.count <= Int(capacity) else { return SQLITE_CANTOPEN }
            for (index, byte) in bytes.enumerated() { out[index] = byte }
            return SQLITE_OK
        }
        sqlite3_vfs_register(layer, 0)
        checked = PageChecksums.Layer(over: layer, name: name + "-checked")
    }

    deinit {
        sqlite3_vfs_unregister(layer)
        layer.deallocate()
        nameCharacters.deallocate()
    }

    /// What SQLite knows the disk by.
    var name: String? { checked?.name }

    /// The bytes of a file as they are read now; `nil` when there is none.
    package func bytes(of path: String) -> [UInt8]? { files[path]?.bytes }

    /// Puts a file there, durably, in the place of one that nobody has open.
    package func put(_ bytes: [UInt8], at path: String) {
        for suffix in ["", "-wal", "-journal"] { files[path + suffix] = nil }
        files[path] = SimulatedFile(bytes)
    }

    /// The disk as the next process finds it, after this one ended at once: what is still open
    /// reaches it no more, also when it is closed.
    ///
    /// - Parameter random: when the power was gone as well: says, 64 bits at a time, for each
    ///   sector of every write that was not synced whether it was kept.
    package func restarted(losing random: (() -> UInt64)? = nil) -> SimulatedDisk {
        isCutOff = true
        let next = copy()
        guard let random else { return next }
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            next.files[path] = SimulatedFile(file.unsynced.remains(of: file.bytes, random))
        }
        return next
    }

    /// Another disk with all that is on this one now.
    package func copy() -> SimulatedDisk {
        let copy = SimulatedDisk()
        copy.files = files.mapValues { SimulatedFile($0) }
        return copy
    }

    /// Whether an operation fails, as was asked for.
    fileprivate func fails(_ operation: Operation) -> Failure? {
        guard !isCutOff else { return Failure() }
        guard let failure = failures.next(operation) else { return nil }
        failureCount += 1
        return failure
    }
}

extension [SimulatedDisk.Operation: SimulatedDisk.Failure] {
    /// Counts an operation that is done now.
    ///
    /// - Returns: how it fails; `nil` when it succeeds.
    mutating func next(_ operation: SimulatedDisk.Operation) -> SimulatedDisk.Failure? {
        guard var failure = self[operation] else { return nil }
        guard failure.after == 0 else {
            failure.after -= 1
            self[operation] = failure
            return nil
        }
        if failure.count != .max { failure.count -= 1 }
        self[operation] = failure.count == 0 ? nil : failure
        return failure
    }
}

/// A file as it is read, and what of it is not durable.
private final class SimulatedFile {
    var bytes: [UInt8]
    var unsynced = UnsyncedSectors()

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    init(_ other: SimulatedFile) { (bytes, unsynced) = (other.bytes, other.unsynced) }

    func write(_ source: UnsafeRawBufferPointer, at offset: Int) {
        let range = offset..<offset + source.count
        willChange(range)
        if bytes.count < range.upperBound {
            bytes.append(
                contentsOf: repeatElement(0, count: range.upperBound - bytes.count))
        }
        bytes.withUnsafeMutableBytes { target in
            UnsafeMutableRawBufferPointer(rebasing: target[range]).copyMemory(from: source)
        }
    }

    func truncate(to count: Int) {
        guard count < bytes.count else { return }
        willChange(count..<bytes.count)
        bytes.removeLast(bytes.count - count)
    }

    private func willChange(_ range: Range<Int>) {
        unsynced.willChange(range, ofFileWith: bytes.count) { Array(bytes[$0]) }
    }
}

/// SQLite's extended codes of SQLITE_IOERR (sqlite.org/rescode.html), whose macros Swift cannot
/// read.
enum IOError {
    static let read = SQLITE_IOERR | 1 << 8
    static let shortRead = SQLITE_IOERR | 2 << 8
    static let write = SQLITE_IOERR | 3 << 8
    static let sync = SQLITE_IOERR | 4 << 8
    static let truncate = SQLITE_IOERR | 6 << 8
    static let size = SQLITE_IOERR | 7 << 8
    static let delete = SQLITE_IOERR | 10 << 8
    static let access = SQLITE_IOERR | 13 << 8
    static let deleteNothing = SQLITE_IOERR | 23 << 8
}

/// SQLite's record of an open file: its methods first, then what is ours.
private struct SimulatedHandle {
    var methods: UnsafePointer<sqlite3_io_methods>?
    var disk: Unmanaged<SimulatedDisk>
    var file: Unmanaged<SimulatedFile>
}

private func disk(_ layer: UnsafeMutablePointer<sqlite3_vfs>?) -> SimulatedDisk? {
    layer?.pointee.pAppData.map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
}

/// The disk and the file of SQLite's record, and an error when the disk fails at this.
private func open(
    _ file: UnsafeMutablePointer<sqlite3_file>?, _ operation: SimulatedDisk.Operation?
) -> (file: SimulatedFile, failure: SimulatedDisk.Failure?)? {
    guard let file else { return nil }
    let handle = UnsafeMutableRawPointer(file).assumingMemoryBound(to: SimulatedHandle.self)
    let disk = handle.pointee.disk.takeUnretainedValue()
    return (handle.pointee.file.takeUnretainedValue(), operation.flatMap { disk.fails($0) })
}

private let openFile:
    @convention(c) (
        UnsafeMutablePointer<sqlite3_vfs>?, UnsafePointer<CChar>?,
        UnsafeMutablePointer<sqlite3_file>?, Int32, UnsafeMutablePointer<Int32>?
    ) -> Int32 = { layer, path, record, flags, opened in
        guard let disk = disk(layer), let record, !disk.isCutOff else { return SQLITE_CANTOPEN }
        // SQLite's own scratch files have no name.
        let name = path.map { String(cString: $0) }
        let file = name.flatMap { disk.files[$0] } ?? SimulatedFile([])
        if let name, disk.files[name] == nil {
            guard flags & SQLITE_OPEN_CREATE != 0 else {
                record.pointee.pMethods = nil
                return SQLITE_CANTOPEN
            }
            disk.files[name] = file
        }
        opened?.pointee = flags
        UnsafeMutableRawPointer(record).initializeMemory(
            as: SimulatedHandle.self,
            to: SimulatedHandle(
                methods: methods, disk: .passRetained(disk), file: .passRetained(file)))
        return SQLITE_OK
    }

nonisolated(unsafe) private let methods: UnsafePointer<sqlite3_io_methods> = {
    let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    var own = sqlite3_io_methods()
    // Without shared memory and mapped files.
    own.iVersion = 1
    own.xClose = { record in
        guard let record else { return SQLITE_OK }
        let handle = UnsafeMutableRawPointer(record).assumingMemoryBound(to: SimulatedHandle.self)
        handle.pointee.file.release()
        handle.pointee.disk.release()
        return SQLITE_OK
    }
    own.xRead = { record, target, count, offset in
        guard let (file, failure) = open(record, .read), let target else {
            return IOError.read
        }
        guard failure == nil else { return IOError.read }
        let there = max(0, min(Int(count), file.bytes.count - Int(offset)))
        file.bytes.withUnsafeBytes { bytes in
            if there > 0, let start = bytes.baseAddress {
                target.copyMemory(from: start + Int(offset), byteCount: there)
            }
        }
        guard there < count else { return SQLITE_OK }
        (target + there).initializeMemory(as: UInt8.self, repeating: 0, count: Int(count) - there)
        return IOError.shortRead
    }
    own.xWrite = { record, source, count, offset in
        guard let (file, failure) = open(record, .write), let source else {
            return IOError.write
        }
        if let failure { return failure.isFull ? SQLITE_FULL : IOError.write }
        file.write(UnsafeRawBufferPointer(start: source, count: Int(count)), at: Int(offset))
        return SQLITE_OK
    }
    own.xTruncate = { record, count in
        guard let (file, failure) = open(record, .write) else { return IOError.truncate }
        guard failure == nil else { return IOError.truncate }
        file.truncate(to: Int(count))
        return SQLITE_OK
    }
    own.xSync = { record, _ in
        guard let (file, failure) = open(record, .sync) else { return IOError.sync }
        guard failure == nil else {
            file.unsynced.didNotSync()
            return IOError.sync
        }
        file.unsynced.didSync(ofFileWith: file.bytes.count)
        return SQLITE_OK
    }
    own.xFileSize = { record, size in
        guard let (file, _) = open(record, nil) else { return IOError.size }
        size?.pointee = sqlite3_int64(file.bytes.count)
        return SQLITE_OK
    }
    own.xLock = { _, _ in SQLITE_OK }
    own.xUnlock = { _, _ in SQLITE_OK }
    own.xCheckReservedLock = { _, result in
        result?.pointee = 0
        return SQLITE_OK
    }
    own.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
    own.xSectorSize = { _ in Int32(UnsyncedSectors.sectorBytes) }
    own.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
    methods.initialize(to: own)
    return UnsafePointer(methods)
}()
