internal import Foundation
internal import ToteConcurrency
internal import ToteServer

#if canImport(FoundationNetworking)
    internal import FoundationNetworking
#endif

/// One request to a receiver and what came of it, by the system's URLSession: no cookies, no cache,
/// no credentials, no redirects, and no more of an answer than need be.
final class WebhookPoster: Sendable {
    private let receiver = PostReceiver()
    private let session: URLSession

    init() {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpCookieStorage = nil
        configuration.httpShouldSetCookies = false
        configuration.urlCache = nil
        configuration.urlCredentialStorage = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        session = URLSession(configuration: configuration, delegate: receiver, delegateQueue: nil)
    }

    /// Ends what is under way; a session keeps its delegate, and itself, until then.
    func end() {
        for task in receiver.failAll("stopped") { cancel(task) }
        session.finishTasksAndInvalidate()
    }

    /// Cancels a task in the queue in which tasks end: on Linux a task that is cancelled from
    /// elsewhere while it ends, also by `invalidateAndCancel`, takes the process with it
    /// (https://github.com/swiftlang/swift-corelibs-foundation/issues/3296).
    private func cancel(_ task: URLSessionTask) {
        session.delegateQueue.addOperation { task.cancel() }
    }

    /// Posts and waits for the whole answer, at most so long.
    func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8], timeout: Duration
    ) -> WebhookOutcome {
        guard let url = URL(string: url) else { return .unanswered("url_refused") }
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.httpBody = Data(body)
        request.httpShouldHandleCookies = false
        // Longer than our own, which not every platform's session keeps to.
        request.timeoutInterval = 2 * (timeout / .seconds(1)) + 60
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue("tote-webhooks", forHTTPHeaderField: "User-Agent")
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let outcome = Mailbox<WebhookOutcome>()
        let begun = receiver.begin(outcome) { [request] in session.dataTask(with: request) }
        guard let task = begun else { return .unanswered("stopped") }
        task.resume()
        if let outcome = outcome.drain(waitingAtMost: timeout).first { return outcome }
        receiver.finish(task.taskIdentifier, .unanswered("timeout"))
        cancel(task)
        return outcome.drain(waitingAtMost: .zero).first ?? .unanswered("timeout")
    }
}

/// Collects answers by task.
private final class PostReceiver: NSObject, URLSessionDataDelegate, Sendable {
    private struct Post: Sendable {
        let task: URLSessionTask
        let outcome: Mailbox<WebhookOutcome>
        var status = 0
        var retryAfterSeconds: UInt64?
        var bodyBytes = 0

        var answered: WebhookOutcome {
            .answered(status, retryAfterSeconds: retryAfterSeconds)
        }
    }

    private struct State: Sendable {
        var posts: [Int: Post] = [:]
        var hasEnded = false
    }

    private let state = Monitor(State())

    /// As much of an answer is read; what follows is nobody's.
    private static let bodyBytesMax = 64 * 1_024

    /// Makes a task and takes its answer from now on; `nil` when all has ended: a session that was
    /// invalidated ends the process when it is asked for a task.
    func begin(
        _ outcome: Mailbox<WebhookOutcome>, _ make: () -> URLSessionTask
    ) -> URLSessionTask? {
        state.change { state in
            guard !state.hasEnded else { return nil }
            let task = make()
            state.posts[task.taskIdentifier] = Post(task: task, outcome: outcome)
            return task
        }
    }

    /// Tells the outcome of a task, once.
    func finish(_ id: Int, _ outcome: WebhookOutcome) {
        state.change { $0.posts.removeValue(forKey: id) }?.outcome.post(outcome)
    }

    /// Tells the outcome of every task that has none, and of those that would begin. Returns them.
    func failAll(_ code: String) -> [URLSessionTask] {
        let posts = state.change { state in
            defer { state.posts = [:] }
            state.hasEnded = true
            return Array(state.posts.values)
        }
        for post in posts { post.outcome.post(.unanswered(code)) }
        return posts.map(\.task)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let head = response as? HTTPURLResponse
        let status = head?.statusCode ?? 0
        let seconds = head?.value(forHTTPHeaderField: "Retry-After").flatMap { UInt64($0) }
        let id = dataTask.taskIdentifier
        state.change { state in
            state.posts[id]?.status = status
            state.posts[id]?.retryAfterSeconds = seconds
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let id = dataTask.taskIdentifier
        let post = state.change { state in
            state.posts[id]?.bodyBytes += data.count
            return state.posts[id]
        }
        // The status was the answer.
        guard let post, post.bodyBytes > Self.bodyBytesMax else { return }
        finish(id, post.answered)
        dataTask.cancel()
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        let id = task.taskIdentifier
        if let error { return finish(id, .unanswered(Self.code(error))) }
        let post = state.change { $0.posts[id] }
        let answered = post.flatMap { $0.status > 0 ? $0.answered : nil }
        finish(id, answered ?? .unanswered("connection_failed"))
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        // Where a redirect leads was never checked: it is an answer like others, and no success.
        completionHandler(nil)
    }

    private static func code(_ error: any Error) -> String {
        switch (error as? URLError)?.code {
        case .timedOut?: "timeout"
        case .cannotFindHost?, .dnsLookupFailed?: "name_not_resolved"
        case .secureConnectionFailed?, .serverCertificateUntrusted?,
            .serverCertificateHasBadDate?, .serverCertificateHasUnknownRoot?,
            .serverCertificateNotYetValid?:
            "tls_failed"
        // Linux has no code for a certificate that nobody vouches for; its text tells.
        case .unknown? where error.localizedDescription.contains("SSL"): "tls_failed"
        default: "connection_failed"
        }
    }
}
