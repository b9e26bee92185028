import ToteClient
import ToteConcurrency

/// The transport of a simulated device: a thread per lane, and the link in front of the sockets.
final class NetworkTransport: Transport {
    private struct Job: Sendable {
        let exchange: NetworkLink.Exchange
        let answer: CheckedContinuation<TransportResponse, any Error>
    }

    private let lanes: [(lane: TransportRequest.Lane, mailbox: Mailbox<Job>)]
    private let threads: [JoinableThread]

    init(over link: NetworkLink) {
        let names: [TransportRequest.Lane] = [.exchange, .parked, .lookup]
        lanes = names.map { ($0, Mailbox()) }
        threads = lanes.map { _, mailbox in
            startThread(named: "lane") {
                while !mailbox.isClosed {
                    for job in mailbox.drain(waitingAtMost: nil) {
                        job.answer.resume(with: Result { try link.carry(job.exchange) })
                    }
                }
            }
        }
    }

    /// Ends the threads; what is under way must have ended.
    func close() {
        for (_, mailbox) in lanes { mailbox.close() }
        for thread in threads { thread.join() }
    }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        let exchange = NetworkLink.Exchange(request)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let job = Job(exchange: exchange, answer: continuation)
                let lane = lanes.first { $0.lane == request.lane }
                if lane?.mailbox.post(job) != true {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            exchange.cut()
        }
    }
}
