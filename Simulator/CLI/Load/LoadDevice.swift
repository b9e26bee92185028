import CLinux
import Glibc
import ToteClient
import ToteCore

/// One device of a load: the production replica, and one connection that does not block.
final class LoadDevice {
    /// What became of the bytes that came.
    enum Progress {
        /// The answer is not whole yet.
        case waiting
        case answered(ReplyOutcome, status: Int)
        /// The connection is gone; what was under way is sent again on another.
        case cut
    }

    let replica: Replica
    /// When each change was to be made that was not answered yet, oldest first: nanoseconds of the
    /// monotonic clock.
    private(set) var unanswered: [UInt64] = []
    /// When it may try again after a refusal, on the same clock.
    var pausedUntil: UInt64 = 0
    private(set) var descriptor: Int32 = -1
    private(set) var edits: Int64 = 0
    private let head: String
    private var underWay: Outgoing?
    /// How many of `unanswered` the push that is under way has.
    private var covered = 0
    private var unsent: ArraySlice<UInt8> = []
    private var input: [UInt8] = []

    private static let collection: Name = "cart:main"
    /// Few enough to meet those of the customer's other devices.
    private static let items = (0..<40).map { Name("sku-\($0)") }

    /// - Parameter file: where its file is; `nil` for memory.
    init(space: String, secret: String, host: String, file: String?) throws {
        replica =
            try file.map { try Replica(path: $0, random: { SystemClock.random() }) }
            ?? Replica(image: nil, random: { SystemClock.random() })
        head =
            "POST /v1/spaces/\(space)/sync HTTP/1.1\r\nHost: \(host)\r\n"
            + "Authorization: Bearer \(secret)\r\nContent-Type: application/cbor\r\n"
            + "Content-Length: "
    }

    var isIdle: Bool { underWay == nil }

    /// How many of the customer's things it shows.
    var shown: Int64 {
        Self.items.reduce(0) { $0 + replica.view.quantity(Self.collection, $1) }
    }

    private static func reading() -> ClockReading {
        ClockReading(
            wallMilliseconds: SystemClock.nowMilliseconds(),
            uptimeMilliseconds: SystemClock.monotonicMilliseconds(), bootID: 1)
    }

    /// Makes a change that was to be made at `nanos`.
    func edit(dueAt nanos: UInt64, _ random: UInt64) throws {
        let item = Self.items[Int(random % UInt64(Self.items.count))]
        let writes = replica.view.adding(1, collection: Self.collection, item: item)
        _ = try replica.commit(writes, at: Self.reading())
        edits += 1
        unanswered.append(nanos)
    }

    func use(_ descriptor: Int32) {
        self.descriptor = descriptor
        input.removeAll(keepingCapacity: true)
        unsent = []
        underWay = nil
    }

    func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Sends what there is to send, or asks for what is new.
    ///
    /// - Returns: whether anything is under way then; false, too, where the connection is gone.
    func start(pulls: Bool) throws -> Bool {
        guard
            let outgoing = try replica.nextRequest(at: Self.reading(), pullsAnyway: pulls)
        else { return false }
        let body = outgoing.body
        underWay = outgoing
        covered = outgoing.kind == .push ? outgoing.request.changes.count : 0
        unsent = (Array("\(head)\(body.count)\r\n\r\n".utf8) + body)[...]
        return send()
    }

    /// Sends what the kernel takes.
    func send() -> Bool {
        while !unsent.isEmpty {
            let count = unsent.withUnsafeBytes {
                clinux_send(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            unsent = unsent.dropFirst(count)
        }
        return true
    }

    var hasUnsent: Bool { !unsent.isEmpty }

    /// Takes in what came; `latency` is told of each change that was answered.
    func receive(
        _ room: inout [UInt8], latency: (_ dueAt: UInt64) -> Void
    ) throws -> Progress {
        let count = room.withUnsafeMutableBytes {
            clinux_receive(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0, errno == EAGAIN || errno == EINTR { return .waiting }
        guard count > 0, let outgoing = underWay else { return .cut }
        input.append(contentsOf: room[..<count])
        guard let whole = LoadGenerator.answer(input[...]) else { return .waiting }
        let body = Array(input[whole.body..<whole.end])
        input.removeAll(keepingCapacity: input.capacity <= 4_096)
        underWay = nil
        let outcome = try replica.receive(
            status: whole.status, body: body, isProblem: whole.status != 200, to: outgoing,
            at: Self.reading())
        if case .progress = outcome {
            for due in unanswered.prefix(covered) { latency(due) }
            unanswered.removeFirst(min(covered, unanswered.count))
        }
        return .answered(outcome, status: whole.status)
    }
}
