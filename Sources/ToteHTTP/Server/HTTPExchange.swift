internal import ToteConcurrency

/// One request to a handler in this process, without a socket: its answer, and the client's end.
package final class HTTPExchange: Sendable {
    private struct State {
        var response: HTTPResponse?
        var isOver = false
        var notice: (@Sendable () -> Void)?
    }

    private let state = Monitor(State())

    /// An exchange that waits for its answer.
    package init() {}

    /// The way for the handler to answer it.
    package var responder: HTTPResponder { HTTPResponder(route: .exchange(self)) }

    /// Whether the client has gone.
    package var isCancelled: Bool { state.change { $0.isOver } }

    /// Waits for the answer.
    ///
    /// - Returns: nil when the time passes first, or the client has gone.
    package func response(waitingAtMost timeout: Duration) -> HTTPResponse? {
        let answer: HTTPResponse?? = state.wait(atMost: timeout) { state in
            state.response.map { .some($0) } ?? (state.isOver ? .some(nil) : nil)
        }
        return answer ?? nil
    }

    /// The client goes away: who waits for the answer gets none, and the handler is told, if it
    /// asked to be.
    package func cancel() {
        state.change { state -> (@Sendable () -> Void)? in
            defer { state.notice = nil }
            guard !state.isOver, state.response == nil else { return nil }
            state.isOver = true
            return state.notice
        }?()
    }

    func respond(_ response: HTTPResponse) {
        state.change { state in
            guard !state.isOver, state.response == nil else { return }
            state.response = response
            state.notice = nil
        }
    }

    func onDisconnect(_ notice: @escaping @Sendable () -> Void) {
        let isOver = state.change { state in
            if !state.isOver, state.response == nil { state.notice = notice }
            return state.isOver
        }
        if isOver { notice() }
    }
}
