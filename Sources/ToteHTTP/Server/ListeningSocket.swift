import CLinux
import Glibc

/// Makes the sockets that a server accepts on.
enum ListeningSocket {
    /// One socket per loop on the same address and port: the system spreads connections over them.
    static func tcp(
        host: String, port: UInt16, count: Int, queue: Int
    ) throws(HTTPServerError) -> (sockets: [Int32], port: UInt16) {
        guard let address = SocketAddress(numericHost: host, port: port) else {
            throw HTTPServerError(message: "\(host) is no numeric address", errno: 0)
        }
        if port != 0 { try probe(address, host: host) }
        var sockets: [Int32] = []
        var bound = address
        do throws(HTTPServerError) {
            for _ in 0..<count {
                sockets.append(try tcpSocket(bound, host: host, queue: queue))
                if bound.port == 0 { bound = try localAddress(of: sockets[0], host: host) }
            }
        } catch {
            for socket in sockets { close(socket) }
            throw error
        }
        return (sockets, bound.port)
    }

    /// SO_REUSEPORT would let two servers of one user share a port without a word: binding once
    /// without it finds the other one.
    private static func probe(
        _ address: SocketAddress, host: String
    ) throws(HTTPServerError) {
        let descriptor = try open(address.family, named: "\(host):\(address.port)")
        defer { close(descriptor) }
        enable(SO_REUSEADDR, of: descriptor)
        guard address.withPointer({ bind(descriptor, $0, $1) }) == 0 else {
            throw HTTPServerError(message: "cannot bind \(host):\(address.port)", errno: errno)
        }
    }

    private static func tcpSocket(
        _ address: SocketAddress, host: String, queue: Int
    ) throws(HTTPServerError) -> Int32 {
        let name = "\(host):\(address.port)"
        let descriptor = try open(address.family, named: name)
        enable(SO_REUSEADDR, of: descriptor)
        enable(SO_REUSEPORT, of: descriptor)
        // Accepted sockets inherit both: no delay for small answers, and no more than 64 KiB that
        // wait in the system for a slow reader's window.
        set(Int32(IPPROTO_TCP), TCP_NODELAY, 1, of: descriptor)
        set(Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, 64 * 1024, of: descriptor)
        guard address.withPointer({ bind(descriptor, $0, $1) }) == 0,
            listen(descriptor, Int32(clamping: queue)) == 0
        else {
            let error = HTTPServerError(message: "cannot listen on \(name)", errno: errno)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func localAddress(
        of descriptor: Int32, host: String
    ) throws(HTTPServerError) -> SocketAddress {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &size)
            }
        }
        guard code == 0,
            let address = SocketAddress(
                numericHost: host, port: SocketAddress(storage: storage).port)
        else { throw HTTPServerError(message: "cannot tell the port of \(host)", errno: errno) }
        return address
    }

    /// A socket in the file system that its owner alone may connect to.
    ///
    /// A file left behind by a server that died is replaced; a live server's is not.
    static func unix(path: String, queue: Int) throws(HTTPServerError) -> Int32 {
        guard let address = SocketAddress(unixPath: path) else {
            throw HTTPServerError(message: "a socket's path has 1 to 107 bytes: \(path)", errno: 0)
        }
        try removeStale(address, path: path)
        let descriptor = try open(AF_UNIX, named: path)
        guard address.withPointer({ bind(descriptor, $0, $1) }) == 0,
            chmod(path, 0o600) == 0,  // Before listen: until then nobody can connect.
            listen(descriptor, Int32(clamping: queue)) == 0
        else {
            let error = HTTPServerError(message: "cannot listen on \(path)", errno: errno)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func removeStale(
        _ address: SocketAddress, path: String
    ) throws(HTTPServerError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw HTTPServerError(message: "\(path) is there and is no socket", errno: EEXIST)
        }
        let descriptor = try open(AF_UNIX, named: path)
        defer { close(descriptor) }
        guard address.withPointer({ connect(descriptor, $0, $1) }) != 0, errno == ECONNREFUSED
        else {
            throw HTTPServerError(message: "a server answers at \(path)", errno: EADDRINUSE)
        }
        unlink(path)
    }

    private static func open(
        _ family: Int32, named name: String
    ) throws(HTTPServerError) -> Int32 {
        let flags = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(family, Int32(flags), 0)
        guard descriptor >= 0 else {
            throw HTTPServerError(message: "no socket for \(name)", errno: errno)
        }
        if family == AF_INET6 { set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0, of: descriptor) }
        return descriptor
    }

    private static func enable(_ option: Int32, of descriptor: Int32) {
        set(SOL_SOCKET, option, 1, of: descriptor)
    }

    private static func set(_ level: Int32, _ option: Int32, _ value: Int32, of descriptor: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
