import Glibc
internal import ToteConcurrency

/// The directory that holds one brand's data: the file, the operator's socket, a lock.
package struct DataDirectory: Sendable, Hashable {
    package let path: String

    package init(path: String) { self.path = path }

    package var filePath: String { path + "/tote.db" }
    package var socketPath: String { path + "/operator.sock" }
    /// The list of who was erased and of rights that were taken away.
    package var erasedPath: String { path + "/erased" }
    var lockPath: String { path + "/lock" }

    /// Makes the directory, readable by its owner alone, when it is not there.
    ///
    /// - Throws: `ServiceError.directory` when it cannot be made or is not a directory.
    package func make() throws(ServiceError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw .directory("\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .directory("\(path) is not a directory")
        }
    }

    package var holdsData: Bool { access(filePath, F_OK) == 0 }

    /// Takes the directory for this process until the lock is dropped.
    ///
    /// - Throws: `ServiceError.inUse` when another process has it.
    package func lock() throws(ServiceError) -> DirectoryLock {
        let descriptor = open(lockPath, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .directory("\(lockPath): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .inUse("\(path) is in use by another tote process")
        }
        return DirectoryLock(descriptor: descriptor)
    }

    /// Whether a file can be written and made durable here: what readiness means.
    package func canWrite() -> Bool {
        let probe = path + "/.probe"
        let descriptor = open(probe, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { unlink(probe) }
        let block = [UInt8](repeating: 0x74, count: 64 * 1_024)
        let wrote = block.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        let isSynced = fsync(descriptor) == 0
        return close(descriptor) == 0 && isSynced && wrote == block.count
    }
}

/// Holds a data directory; dropping it gives the directory free.
package final class DirectoryLock: Sendable {
    private let descriptor: Lock<Int32?>

    init(descriptor: Int32) { self.descriptor = Lock(descriptor) }

    deinit { release() }

    /// Gives the directory free now; later calls change nothing.
    package func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }
}

/// Why a service did not start or ended.
package enum ServiceError: Error, Hashable, CustomStringConvertible {
    case directory(String)
    case inUse(String)
    case store(code: String, String)
    case listen(String)

    package var description: String {
        switch self {
        case .directory(let text), .inUse(let text), .listen(let text), .store(_, let text): text
        }
    }

    /// The stable code for `--json` and logs.
    package var code: String {
        switch self {
        case .directory: "bad_directory"
        case .inUse: "directory_in_use"
        case .store(let code, _): code
        case .listen: "cannot_listen"
        }
    }
}
