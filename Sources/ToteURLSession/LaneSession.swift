internal import Foundation
internal import ToteConcurrency
internal import ToteClient

#if canImport(FoundationNetworking)
    internal import FoundationNetworking
#endif

/// One URLSession and the answers that it is receiving.
final class LaneSession: Sendable {
    private let receiver = Receiver()
    private let session: URLSession

    /// - Parameter connections: how many requests are under way at once; the others wait.
    init(connections: Int) {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpMaximumConnectionsPerHost = connections
        configuration.httpCookieStorage = nil
        configuration.httpShouldSetCookies = false
        configuration.urlCache = nil
        configuration.urlCredentialStorage = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        session = URLSession(configuration: configuration, delegate: receiver, delegateQueue: nil)
    }

    /// A session keeps its delegate, and itself, until it is told to end. Nothing is under way
    /// then but what was cancelled.
    func end() { session.finishTasksAndInvalidate() }

    /// Cancels a task in the queue in which tasks end: on Linux a task that is cancelled from
    /// elsewhere while it ends, also by `invalidateAndCancel`, takes the process with it
    /// (https://github.com/swiftlang/swift-corelibs-foundation/issues/3296).
    private func cancel(_ task: URLSessionTask) {
        session.delegateQueue.addOperation { task.cancel() }
    }

    func send(_ request: URLRequest, timeout: Duration) async throws -> TransportResponse {
        let task = session.dataTask(with: request)
        let id = task.taskIdentifier
        let timer = Task {
            try await Task.sleep(for: timeout)
            receiver.fail(id, URLError(.timedOut))
            cancel(task)
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                receiver.begin(id, continuation)
                // Cancelled before there was anything to fail.
                if Task.isCancelled { return receiver.fail(id, URLError(.cancelled)) }
                task.resume()
            }
        } onCancel: {
            receiver.fail(id, URLError(.cancelled))
            cancel(task)
        }
    }
}

/// Collects answers by task, each at most as long as it may be.
private final class Receiver: NSObject, URLSessionDataDelegate, Sendable {
    typealias Continuation = CheckedContinuation<TransportResponse, any Error>

    private struct Answer {
        var continuation: Continuation
        var response = TransportResponse(status: 0)
    }

    private let answers = Lock<[Int: Answer]>([:])

    func begin(_ id: Int, _ continuation: Continuation) {
        answers.withLock { $0[id] = Answer(continuation: continuation) }
    }

    func fail(_ id: Int, _ error: any Error) {
        answers.withLock { $0.removeValue(forKey: id) }?.continuation.resume(throwing: error)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        guard let response = response as? HTTPURLResponse else {
            fail(dataTask.taskIdentifier, URLError(.badServerResponse))
            return completionHandler(.cancel)
        }
        answers.withLock { answers in
            answers[dataTask.taskIdentifier]?.response.status = response.statusCode
            for name in ["Content-Type", "Retry-After", "ETag"] {
                answers[dataTask.taskIdentifier]?.response.headers[name] = response.value(
                    forHTTPHeaderField: name)
            }
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let count = answers.withLock { answers in
            answers[dataTask.taskIdentifier]?.response.body += data
            return answers[dataTask.taskIdentifier]?.response.body.count ?? 0
        }
        guard count > TransportResponse.bodyBytesMax else { return }
        fail(dataTask.taskIdentifier, URLError(.dataLengthExceedsMaximum))
        dataTask.cancel()
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        if let error { return fail(task.taskIdentifier, error) }
        guard let answer = answers.withLock({ $0.removeValue(forKey: task.taskIdentifier) }) else {
            return
        }
        guard answer.response.status > 0 else {
            return answer.continuation.resume(throwing: URLError(.badServerResponse))
        }
        answer.continuation.resume(returning: answer.response)
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        // The token goes to nobody but the server; a captive portal's redirect is an answer like
        // others.
        completionHandler(nil)
    }
}
