import Glibc
package import ToteServer

// The list beside a data file of who was erased and what changed of rights: a restored file is held
// against it.
extension DataDirectory {
    /// Who was erased and what changed of rights, as far as this directory knows.
    ///
    /// - Parameter path: another list.
    /// - Throws: `ServiceError.directory` when it cannot be read, `.store` when it is damaged.
    package func erasures(at path: String? = nil) throws(ServiceError) -> ErasureList {
        let path = path ?? erasedPath
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT, path == erasedPath else {
                throw .directory("\(path): \(String(cString: strerror(errno)))")
            }
            return ErasureList()
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 * 1_024)
        while true {
            let count = read(descriptor, &block, block.count)
            guard count >= 0 else {
                throw .directory("\(path): \(String(cString: strerror(errno)))")
            }
            guard count > 0 else { break }
            bytes += block[..<count]
        }
        do throws(ErasureList.Damaged) {
            // Of a copy that somebody names every line counts.
            return try ErasureList(bytes, forgivesTail: path == erasedPath)
        } catch {
            throw .store(
                code: "damaged_erased_list",
                "line \(error.line) of \(path) cannot be read: put a copy of the list in its "
                    + "place, or take away a last line that has no end; without it erased "
                    + "customers, and rights that were taken away, come back with a backup")
        }
    }

    /// Adds an entry to the list: durable when this returns.
    package func keep(_ entry: ErasureList.Entry) throws(ServiceError) {
        try append(ErasureList.line(entry))
    }

    /// The same for changes of rights, all at once.
    package func keep(_ rights: [Right]) throws(ServiceError) {
        try append(rights.map(\.line).joined())
    }

    private func append(_ text: String) throws(ServiceError) {
        let descriptor = open(erasedPath, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .directory("\(erasedPath): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        // A line that was being written when a process ended is none, and is taken away first; one
        // that lost its end alone is ended.
        var end = [UInt8](repeating: 0, count: ErasureList.lineBytesMax)
        let size = lseek(descriptor, 0, SEEK_END)
        let start = max(0, size - off_t(end.count))
        let count = pread(descriptor, &end, end.count, start)
        guard size >= 0, count == Int(size - start) else {
            throw .directory("\(erasedPath) cannot be read")
        }
        let tail = end.prefix(count)
        let whole = tail.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let isEntry = ErasureList.isLine(tail[whole...])
        let isMended =
            isEntry
            ? write(descriptor, "\n", 1) == 1
            : ftruncate(descriptor, start + off_t(whole)) == 0
        guard isMended else { throw .directory("\(erasedPath) cannot be written") }
        let line = Array(text.utf8)
        guard write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0 else {
            throw .directory("\(erasedPath) cannot be written")
        }
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }
}
