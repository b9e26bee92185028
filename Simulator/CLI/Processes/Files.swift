import Glibc
import ToteCommandLine
import ToteSQLite
import ToteSimulation

/// The few things that a run does with files, by POSIX calls.
enum Files {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// What a command ends with.
        let exit: ExitCode

        init(_ what: String, _ path: String) {
            exit = what == "made" ? .cannotCreate : .ioError
            description = "\(path) cannot be \(what): \(String(cString: strerror(errno)))"
        }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Makes a directory and those above it.
    static func makeDirectory(_ path: String) throws(Failure) {
        if isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeDirectory(String(path[..<slash]))
        }
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw Failure("made", path) }
    }

    /// A new directory that nobody else has, under `TMPDIR` or `/tmp`.
    static func makeTemporaryDirectory() throws(Failure) -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/tote-sim-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("made", parent) }
        return String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The names in a directory, in order; none when it is not there.
    static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file, or a directory and all that is in it.
    static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in names(in: path) { remove(path + "/" + name) }
        rmdir(path)
    }

    /// The bytes of a file.
    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 64 * 1_024)
        while true {
            let count = Glibc.read(descriptor, &room, room.count)
            if count == 0 { return bytes }
            if count > 0 { bytes += room[..<count] }
            if count < 0, errno != EINTR { throw Failure("read", path) }
        }
    }

    /// Puts bytes into a file, whole or not at all, readable by its owner alone.
    static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        let fresh = path + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("written", path) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) }
            if count < 0, errno != EINTR {
                close(descriptor)
                throw Failure("written", path)
            }
        }
        guard close(descriptor) == 0, rename(fresh, path) == 0 else {
            throw Failure("written", path)
        }
    }

    /// Puts bytes behind what is in a file, as far as there is room.
    static func append(_ bytes: [UInt8], to path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    /// Copies a directory with all that is in it; what was in the other before is gone.
    ///
    /// Nobody may be writing there: a database and its log must be of one moment.
    static func copyDirectory(_ from: String, to: String) throws(Failure) {
        remove(to)
        try makeDirectory(to)
        for name in names(in: from) {
            let path = from + "/" + name
            if isDirectory(path) {
                try copyDirectory(path, to: to + "/" + name)
            } else {
                try write(try read(path), to: to + "/" + name)
            }
        }
    }

    /// Does something after which a directory is what it was before, all that is in it.
    ///
    /// - Throws: when it cannot be copied, and nothing was done; or put back.
    static func keeping(_ directory: String, _ body: () -> Void) throws(RunFailure) {
        let copy = directory + ".kept"
        do throws(Failure) {
            try copyDirectory(directory, to: copy)
        } catch {
            remove(copy)
            throw RunFailure(.unavailable, "\(error)")
        }
        body()
        let former = directory + ".former"
        guard rename(directory, former) == 0, rename(copy, directory) == 0 else {
            throw RunFailure(.unavailable, "\(copy) cannot be renamed: error \(errno)")
        }
        remove(former)
    }

    /// The same, for files on a disk that fails: where the power is lost, a part of what was not
    /// synced is gone as well.
    ///
    /// - Parameter seed: says what; `nil` where there is power.
    static func keeping(
        _ directory: String, on disk: FailingDirectory?, losing seed: UInt64?,
        _ body: () -> Void
    ) throws(RunFailure) {
        let unsynced = disk?.unsynced ?? [:]
        try keeping(directory, body)
        disk?.unsynced = seed == nil ? unsynced : [:]
        guard let seed else { return }
        var random = SeededGenerator(seed: seed)
        do throws(Failure) {
            for (path, sectors) in unsynced.sorted(by: { $0.key < $1.key }) where exists(path) {
                try write(sectors.remains(of: try read(path)) { random.next() }, to: path)
            }
        } catch {
            throw RunFailure(.unavailable, "\(error)")
        }
    }

    /// The path made absolute.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }
}
