import Glibc

/// Counts the blocks that a piece of work allocates, by the C library's own trace of `malloc`.
///
/// The trace needs the library's debugging part to be loaded first: `Command.main` starts the
/// program a second time with it (`isTracing`). Where that part is missing, nothing is counted.
enum AllocationCounter {
    static let library = "libc_malloc_debug.so.0"
    static let traceVariable = "MALLOC_TRACE"

    /// Blocks allocated by `work`, `nil` where they cannot be counted.
    static func count(_ work: () throws -> Void) rethrows -> Int? {
        guard let path = getenv(traceVariable).map({ String(cString: $0) }) else { return nil }
        // What is made once, at the first use, is not part of the work.
        try work()
        unlink(path)
        traceOn()
        try work()
        traceOff()
        guard let file = fopen(path, "r") else { return nil }
        defer {
            fclose(file)
            unlink(path)
        }
        // One line per call: `@ place + address size` for a new block, `>` for one that was made
        // larger.
        var blocks = 0
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        while getline(&line, &capacity, file) > 0 {
            guard let line else { break }
            if strstr(line, " + 0x") != nil || strstr(line, " > 0x") != nil { blocks += 1 }
        }
        free(line)
        return blocks
    }

    /// Runs this program again with the tracing library before the others, for the codec benchmark.
    ///
    /// - Returns: its exit status, `nil` when this already is the second run or it cannot be
    ///   started.
    static func runTraced(_ arguments: [String]) -> Int32? {
        guard getenv(traceVariable) == nil, dlopen(library, RTLD_LAZY) != nil else { return nil }
        setenv("LD_PRELOAD", library, 1)
        setenv(traceVariable, "/tmp/tote-bench-\(getpid()).trace", 1)
        defer {
            unsetenv("LD_PRELOAD")
            unsetenv(traceVariable)
        }
        var child = pid_t()
        var pointers: [UnsafeMutablePointer<CChar>?] = (["tote-sim"] + arguments).map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        guard posix_spawn(&child, "/proc/self/exe", nil, nil, &pointers, environ) == 0 else {
            return nil
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status
    }
}

// Linked by name: `dlsym` would find the C library's own, which trace nothing.
@_silgen_name("mtrace") private func traceOn()
@_silgen_name("muntrace") private func traceOff()
