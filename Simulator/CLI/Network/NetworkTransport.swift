import ToteClient
import ToteConcurrency

/// The transport of a simulated device: a thread per lane, and the link in front of the sockets.
/// What waits in one space does not wait for another: such a request has a lane for its path.
final class NetworkTransport: Transport {
    private struct Job: Sendable {
        let exchange: NetworkLink.Exchange
        let answer: CheckedContinuation<TransportResponse, any Error>
    }

    private struct Lane: Sendable {
        let mailbox = Mailbox<Job>()
        let thread: JoinableThread

        init(over link: NetworkLink) {
            thread = startThread(named: "lane") { [mailbox] in
                while !mailbox.isClosed {
                    for job in mailbox.drain(waitingAtMost: nil) {
                        job.answer.resume(with: Result { try link.carry(job.exchange) })
                    }
                }
            }
        }
    }

    private let link: NetworkLink
    /// By what they carry; `nil` when no more may come.
    private let lanes = Lock<[String: Lane]?>([:])

    init(over link: NetworkLink) { self.link = link }

    /// Ends the threads; what is under way must have ended.
    func close() {
        let lanes = lanes.withLock { lanes in
            defer { lanes = nil }
            return lanes ?? [:]
        }
        for (_, lane) in lanes { lane.mailbox.close() }
        for (_, lane) in lanes.sorted(by: { $0.key < $1.key }) { lane.thread.join() }
    }

    private func lane(_ request: TransportRequest) -> Lane? {
        let name = request.lane == .parked ? "parked \(request.path)" : "\(request.lane)"
        return lanes.withLock { lanes in
            guard lanes != nil else { return nil }
            if let lane = lanes?[name] { return lane }
            let lane = Lane(over: link)
            lanes?[name] = lane
            return lane
        }
    }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        let exchange = NetworkLink.Exchange(request)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let job = Job(exchange: exchange, answer: continuation)
                if lane(request)?.mailbox.post(job) != true {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            exchange.cut()
        }
    }
}
