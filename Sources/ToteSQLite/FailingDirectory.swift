internal import CSQLite

/// A directory of this machine in which databases are on a disk that fails as told: it is full, an
/// operation fails, and the power takes back what was not synced.
///
/// A layer under SQLite over the system's own, so that a whole program can be tried which opens its
/// files by their paths; `SimulatedDisk` does the same in memory, for who opens them on a disk.
/// Making and removing files does not fail, and is durable at once.
///
/// While there is one, one thread at a time may use any database of the process.
package final class FailingDirectory {
    /// What fails next, by kind. An operation that is not here succeeds.
    package var failures: [SimulatedDisk.Operation: SimulatedDisk.Failure] = [:]
    /// How often something failed.
    package private(set) var failureCount = 0
    /// What the power would take back, by the paths of the files. Who replaces a file sets it.
    package var unsynced: [String: UnsyncedSectors] = [:]
    /// As SQLite names the files in it.
    private let prefix: String

    /// Puts the layer under all databases that this process opens, for good.
    ///
    /// - Returns: `false` when one was opened without it before.
    package static func prepare() -> Bool {
        guard let layer else { return false }
        sqlite3_vfs_register(layer, 1)
        return PageChecksums.isOver(layer)
    }

    /// The name of the layer, for who opens a database by it.
    package static let name = "tote-failing"

    /// - Parameter path: of a directory that is there, or its parent.
    package init(_ path: String) {
        _ = layer
        prefix = Self.fullPath(path) + "/"
        directories[ObjectIdentifier(self)] = .passUnretained(self)
    }

    deinit { directories[ObjectIdentifier(self)] = nil }

    private static func fullPath(_ path: String) -> String {
        guard let system else { return path }
        var bytes = [CChar](repeating: 0, count: Int(system.pointee.mxPathname) + 1)
        let code = system.pointee.xFullPathname(system, path, Int32(bytes.count), &bytes)
        guard code == SQLITE_OK || code == pathIsLink else { return path }
        return String(
            decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// `SQLITE_OK_SYMLINK`: the path is whole, and went over a link.
    private static let pathIsLink = SQLITE_OK | 2 << 8

    fileprivate static func of(_ path: String) -> FailingDirectory? {
        directories.values.lazy.map { $0.takeUnretainedValue() }.first { path.hasPrefix($0.prefix) }
    }

    fileprivate func fails(_ operation: SimulatedDisk.Operation) -> SimulatedDisk.Failure? {
        guard let failure = failures.next(operation) else { return nil }
        failureCount += 1
        return failure
    }

    /// A file was made anew: what was in one of its name is of no interest.
    fileprivate func forget(_ path: String) { unsynced[path] = nil }

    fileprivate func note(
        _ path: String, _ change: (inout UnsyncedSectors) -> Void
    ) { change(&unsynced[path, default: UnsyncedSectors()]) }
}

nonisolated(unsafe) private var directories: [ObjectIdentifier: Unmanaged<FailingDirectory>] = [:]

nonisolated(unsafe) private let system = sqlite3_vfs_find(nil)

/// SQLite's record of the layer. All but opening a file goes to the system as it is.
nonisolated(unsafe) private let layer: UnsafeMutablePointer<sqlite3_vfs>? = {
    guard let system else { return nil }
    let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    layer.initialize(to: system.pointee)
    let name = FailingDirectory.name.utf8CString
    let characters = UnsafeMutablePointer<CChar>.allocate(capacity: name.count)
    for (index, character) in name.enumerated() { characters[index] = character }
    layer.pointee.zName = UnsafePointer(characters)
    layer.pointee.szOsFile = Int32(stateOffset + MemoryLayout<FileState>.stride)
    layer.pointee.xOpen = openFile
    sqlite3_vfs_register(layer, 0)
    return layer
}()

/// What is known of an open file in such a directory. It lies behind the system's record of it: a
/// layer above may have put its own methods in front.
private struct FileState {
    var methods: sqlite3_io_methods
    let below: UnsafePointer<sqlite3_io_methods>
    let directory: FailingDirectory
    let path: String
}

private let stateOffset: Int = {
    let alignment = MemoryLayout<FileState>.alignment
    let size = Int(system?.pointee.szOsFile ?? 0)
    return (size + alignment - 1) / alignment * alignment
}()

private func state(
    _ file: UnsafeMutablePointer<sqlite3_file>
) -> UnsafeMutablePointer<FileState> {
    (UnsafeMutableRawPointer(file) + stateOffset).assumingMemoryBound(to: FileState.self)
}

private let openFile:
    @convention(c) (
        UnsafeMutablePointer<sqlite3_vfs>?, UnsafePointer<CChar>?,
        UnsafeMutablePointer<sqlite3_file>?, Int32, UnsafeMutablePointer<Int32>?
    ) -> Int32 = { _, path, file, flags, opened in
        guard let system, let file else { return SQLITE_ERROR }
        let code = system.pointee.xOpen?(system, path, file, flags, opened) ?? SQLITE_ERROR
        // SQLite's own scratch files have no name.
        guard code == SQLITE_OK, let methods = file.pointee.pMethods,
            let path = path.map({ String(cString: $0) }),
            let directory = FailingDirectory.of(path)
        else { return code }
        var own = methods.pointee
        // Without those that give out the file's memory as it lies there.
        own.iVersion = min(own.iVersion, 2)
        (own.xRead, own.xWrite) = (read, write)
        (own.xTruncate, own.xSync, own.xClose) = (truncate, sync, close)
        let there = UnsafeMutableRawPointer(file) + stateOffset
        let state = there.bindMemory(to: FileState.self, capacity: 1)
        state.initialize(
            to: FileState(methods: own, below: methods, directory: directory, path: path))
        file.pointee.pMethods = UnsafeRawPointer(state).assumingMemoryBound(
            to: sqlite3_io_methods.self)
        if size(of: file) == 0 { directory.forget(path) }
        return code
    }

private func size(of file: UnsafeMutablePointer<sqlite3_file>) -> Int {
    var size: sqlite3_int64 = 0
    _ = state(file).pointee.below.pointee.xFileSize(file, &size)
    return Int(size)
}

/// Notes what is about to be written over, or cut off.
private func willChange(_ range: Range<Int>, in file: UnsafeMutablePointer<sqlite3_file>) {
    let state = state(file)
    let below = state.pointee.below.pointee
    state.pointee.directory.note(state.pointee.path) { unsynced in
        unsynced.willChange(range, ofFileWith: size(of: file)) { range in
            [UInt8](unsafeUninitializedCapacity: range.count) { bytes, count in
                let code = below.xRead(
                    file, bytes.baseAddress, Int32(range.count), sqlite3_int64(range.lowerBound))
                count = code == SQLITE_OK ? range.count : 0
            }
        }
    }
}

private let close: @convention(c) (UnsafeMutablePointer<sqlite3_file>?) -> Int32 = {
    guard let file = $0 else { return SQLITE_ERROR }
    let state = state(file)
    let below = state.pointee.below
    state.deinitialize(count: 1)
    file.pointee.pMethods = below
    return below.pointee.xClose(file)
}

private let read:
    @convention(c) (
        UnsafeMutablePointer<sqlite3_file>?, UnsafeMutableRawPointer?, Int32, sqlite3_int64
    ) -> Int32 = { file, bytes, count, offset in
        guard let file else { return SQLITE_ERROR }
        let state = state(file)
        guard state.pointee.directory.fails(.read) == nil else { return IOError.read }
        return state.pointee.below.pointee.xRead(file, bytes, count, offset)
    }

private let write:
    @convention(c) (
        UnsafeMutablePointer<sqlite3_file>?, UnsafeRawPointer?, Int32, sqlite3_int64
    ) -> Int32 = { file, bytes, count, offset in
        guard let file else { return SQLITE_ERROR }
        let state = state(file)
        if let failure = state.pointee.directory.fails(.write) {
            return failure.isFull ? SQLITE_FULL : IOError.write
        }
        willChange(Int(offset)..<Int(offset) + Int(count), in: file)
        return state.pointee.below.pointee.xWrite(file, bytes, count, offset)
    }

private let truncate: @convention(c) (UnsafeMutablePointer<sqlite3_file>?, sqlite3_int64) -> Int32 =
    {
        file, count in
        guard let file else { return SQLITE_ERROR }
        let state = state(file)
        guard state.pointee.directory.fails(.write) == nil else { return IOError.truncate }
        willChange(Int(count)..<max(Int(count), size(of: file)), in: file)
        return state.pointee.below.pointee.xTruncate(file, count)
    }

private let sync: @convention(c) (UnsafeMutablePointer<sqlite3_file>?, Int32) -> Int32 = {
    file, _ in
    guard let file else { return SQLITE_ERROR }
    let state = state(file)
    let directory = state.pointee.directory
    guard directory.fails(.sync) == nil else {
        directory.note(state.pointee.path) { $0.didNotSync() }
        return IOError.sync
    }
    let count = size(of: file)
    directory.note(state.pointee.path) { $0.didSync(ofFileWith: count) }
    // The power is imagined: nothing needs to reach the machine's own disk.
    return SQLITE_OK
}
