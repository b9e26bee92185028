/// A queue that many threads fill and one or more wait on.
///
/// Unbounded by itself: who posts must be bounded by something else (requests in flight).
package final class Mailbox<Element: Sendable>: Sendable {
    private struct State {
        var waiting: [Element] = []
        var isClosed = false
    }

    private let monitor = Monitor(State())

    /// An open, empty mailbox.
    package init() {}

    /// Adds an element and wakes a waiting reader.
    ///
    /// - Returns: false if the mailbox is closed; the element is dropped.
    @discardableResult
    package func post(_ element: Element) -> Bool {
        monitor.change { state in
            guard !state.isClosed else { return false }
            state.waiting.append(element)
            return true
        }
    }

    /// Takes everything that is there, in the order it was posted.
    ///
    /// - Parameter timeout: how long to wait if there is nothing yet; nil waits for ever, zero not
    ///   at all.
    /// - Returns: nothing if the time has passed, or if the mailbox is closed and empty.
    package func drain(waitingAtMost timeout: Duration?) -> [Element] {
        monitor.wait(atMost: timeout) { state in
            guard !state.waiting.isEmpty || state.isClosed else { return nil }
            let taken = state.waiting
            state.waiting = []
            return taken
        } ?? []
    }

    /// Whether `close` was called; what was posted before may still be drained.
    package var isClosed: Bool {
        monitor.change { $0.isClosed }
    }

    /// Refuses further elements and wakes every waiting reader.
    package func close() {
        monitor.change { $0.isClosed = true }
    }
}
