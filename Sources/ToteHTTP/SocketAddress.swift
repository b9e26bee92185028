import CLinux
import Glibc

/// A socket's address of any family, in the shape that the system wants.
struct SocketAddress {
    private(set) var storage = sockaddr_storage()
    private(set) var size: socklen_t = 0

    /// An IPv4 or IPv6 address in digits; nil if it is neither.
    init?(numericHost host: String, port: UInt16) {
        var v4 = in_addr()
        if inet_pton(AF_INET, host, &v4) == 1 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr = v4
            set(address)
            return
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, host, &v6) == 1 else { return nil }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = v6
        set(address)
    }

    /// A path; nil if it does not fit into the 108 bytes that the system has for it.
    init?(unixPath path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = path.utf8CString
        guard bytes.count > 1, bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            return nil
        }
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            bytes.withUnsafeBytes { target.copyMemory(from: $0) }
        }
        set(address)
    }

    /// An address that the system has filled in.
    init(storage: sockaddr_storage) {
        self.storage = storage
        size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    }

    /// The first stream address that the system's resolver has for a name.
    init?(resolving name: String, port: UInt16) {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, String(port), &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        guard let address = list.pointee.ai_addr,
            Int(list.pointee.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size
        else { return nil }
        withUnsafeMutableBytes(of: &storage) { target in
            target.copyMemory(
                from: UnsafeRawBufferPointer(start: address, count: Int(list.pointee.ai_addrlen)))
        }
        size = list.pointee.ai_addrlen
    }

    private mutating func set<Address>(_ address: Address) {
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: address) { target.copyMemory(from: $0) }
        }
        size = socklen_t(MemoryLayout<Address>.size)
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// The port in the machine's byte order; 0 for a path.
    var port: UInt16 {
        switch family {
        case AF_INET: UInt16(bigEndian: read(sockaddr_in.self).sin_port)
        case AF_INET6: UInt16(bigEndian: read(sockaddr_in6.self).sin6_port)
        default: 0
        }
    }

    /// The sixteen bytes of the address; IPv4 as `::ffff:a.b.c.d`. Nil for a path.
    var bits: AddressBits? {
        switch family {
        case AF_INET:
            let v4 = UInt32(bigEndian: read(sockaddr_in.self).sin_addr.s_addr)
            return AddressBits(high: 0, low: 0xFFFF << 32 | UInt64(v4))
        case AF_INET6:
            let address = read(sockaddr_in6.self).sin6_addr
            return withUnsafeBytes(of: address) { bytes in
                AddressBits(
                    high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            }
        default:
            return nil
        }
    }

    /// The address in digits, without the port; `unix` for a path.
    var numericText: String {
        guard let bits else { return "unix" }
        if let v4 = bits.v4 {
            return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
        }
        var address = read(sockaddr_in6.self).sin6_addr
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    }

    private func read<Address>(_ type: Address.Type) -> Address {
        withUnsafeBytes(of: storage) { $0.loadUnaligned(as: Address.self) }
    }

    /// Calls `body` with what `bind` and `connect` take.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }
}

/// An IPv6 address as two words, IPv4 mapped into it.
struct AddressBits: Hashable {
    let high: UInt64
    let low: UInt64

    /// The IPv4 address, if it is one.
    var v4: UInt32? { high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil }

    /// What the limit per address counts by: the address, of IPv6 the /64 that one line has.
    var countedAs: AddressBits { v4 == nil ? AddressBits(high: high, low: 0) : self }
}

/// The system's text for an error number.
func errorText(_ number: Int32) -> String {
    guard let text = strerror(number) else { return "error \(number)" }
    return String(cString: text)
}
