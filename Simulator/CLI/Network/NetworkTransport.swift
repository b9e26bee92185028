import ToteClient
import ToteConcurrency

/// The transport of a simulated device: a thread per lane, and the link in front of the sockets.
final class NetworkTransport: Transport {
    private struct Job: Sendable {
        let exchange: NetworkLink.Exchange
        let answer: CheckedContinuation<TransportResponse, any Error>
    }

    private let lanes: [TransportRequest.Lane: Mailbox<Job>]
    private let threads: [JoinableThread]

    init(over link: NetworkLink) {
        let lanes: [TransportRequest.Lane: Mailbox<Job>] = [
            .exchange: Mailbox(), .parked: Mailbox(), .lookup: Mailbox(),
        ]
        self.lanes = lanes
        threads = lanes.values.map { mailbox in
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
        for mailbox in lanes.values { mailbox.close() }
        for thread in threads { thread.join() }
    }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        let exchange = NetworkLink.Exchange(request)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let job = Job(exchange: exchange, answer: continuation)
                if lanes[request.lane]?.post(job) != true {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            exchange.cut()
        }
    }
}
