import Glibc

/// Bytes that come in at one end and go out at the other. Confined to one thread.
final class ByteBuffer {
    private var base: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int
    private var start = 0
    private var end = 0

    init(capacity: Int) {
        base = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit {
        base.deallocate()
    }

    var count: Int { end - start }
    var isEmpty: Bool { start == end }

    /// What is there. Valid until the buffer is next changed.
    var readable: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: base + start, count: end - start)
    }

    /// Drops bytes from the front.
    func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "consuming \(count) of \(self.count)")
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    func removeAll() {
        start = 0
        end = 0
    }

    /// Room for at least `count` bytes behind the last; `commit` says how many were written.
    func reserve(_ count: Int) -> UnsafeMutableBufferPointer<UInt8> {
        if capacity - end < count { makeRoom(for: count) }
        return UnsafeMutableBufferPointer(start: base + end, count: capacity - end)
    }

    func commit(_ count: Int) {
        precondition(count >= 0 && end + count <= capacity, "committing \(count) at \(end)")
        end += count
    }

    func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        if capacity - end < bytes.count { makeRoom(for: bytes.count) }
        memcpy(base + end, source, bytes.count)
        end += bytes.count
    }

    func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { append($0) }
    }

    func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a decimal number, which is not negative.
    func append(_ number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        _ = reserve(20)
        var rest = number
        while divisor > 0 {
            base[end] = UInt8(0x30 + rest / divisor)
            end += 1
            rest %= divisor
            divisor /= 10
        }
    }

    /// Appends text for a header field: a control character, which could end the field and begin
    /// another, becomes a space.
    func appendField(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            let first = end - start
            append(bytes)
            for index in start + first..<end
            where base[index] < Byte.space && base[index] != Byte.tab || base[index] == Byte.delete
            {
                base[index] = Byte.space
            }
        }
    }

    private func makeRoom(for count: Int) {
        let used = end - start
        if capacity - used >= count && used <= capacity / 2 {
            memmove(base, base + start, used)
        } else {
            let larger = max(used + count, capacity * 2)
            let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
            memcpy(bytes, base + start, used)
            base.deallocate()
            base = bytes
            capacity = larger
        }
        start = 0
        end = used
    }
}

/// Buffers that connections borrow while they have something to read or write, so that an idle
/// connection holds none.
final class BufferPool {
    /// What a buffer of the pool holds, in bytes: a whole ordinary request or answer.
    static let bufferBytes = 16 * 1024
    /// How many unused buffers are kept.
    static let buffersAtMost = 64

    // See `ServerConnection` for why this is not checked.
    @exclusivity(unchecked) private var free: [ByteBuffer] = []

    func take() -> ByteBuffer {
        free.popLast() ?? ByteBuffer(capacity: Self.bufferBytes)
    }

    /// Takes a buffer back; one that has grown is freed.
    func give(_ buffer: ByteBuffer) {
        guard free.count < Self.buffersAtMost, buffer.capacity == Self.bufferBytes else { return }
        buffer.removeAll()
        free.append(buffer)
    }
}
