import Glibc

/// What Linux says of this process, under the names that every Prometheus client uses.
enum ProcessFigures {
    private static func text(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Adds them to a page; without `/proc` there is little to add.
    ///
    /// - Parameter started: when the process began, milliseconds since 1970.
    static func add(to page: inout MetricsPage, started: UInt64) {
        page.add(.processStart, Double(started) / 1_000)
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        // proc_pid_stat(5): behind the name in parentheses, which may hold anything, comes field 3.
        let fields = text("/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
        func field(_ number: Int) -> Int? {
            fields.indices.contains(number - 3) ? Int(fields[number - 3]) : nil
        }
        if let user = field(14), let system = field(15) {
            page.add(.processCPU, Double(user + system) / ticks)
        }
        if let threads = field(20) { page.add(.processThreads, threads) }
        if let virtual = field(23) { page.add(.processVirtual, virtual) }
        if let pages = field(24) {
            page.add(.processResident, pages * sysconf(Int32(_SC_PAGESIZE)))
        }
        if let folder = opendir("/proc/self/fd") {
            // The folder's own descriptor, `.` and `..` are in it, too.
            var count = -3
            while readdir(folder) != nil { count += 1 }
            closedir(folder)
            page.add(.processDescriptors, max(0, count))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            page.add(.processDescriptorsMax, limit.rlim_cur)
        }
    }
}
