/// A running thread of the operating system.
///
/// `join` may be called, once or more often, by somebody other than the thread itself. What the
/// system keeps of a thread that nobody joined is freed when it has ended and nobody holds this.
package final class JoinableThread: Sendable {
    private let identity: ThreadIdentity
    private let joined = Lock(false)
    /// Lets the others take their turns until it has ended, where it takes turns.
    private let waitInTurn: (@Sendable () -> Void)?

    fileprivate init(_ identity: ThreadIdentity, waitInTurn: (@Sendable () -> Void)? = nil) {
        self.identity = identity
        self.waitInTurn = waitInTurn
    }

    deinit {
        joined.withLock { if !$0 { identity.detach() } }
    }

    /// Waits until the thread's body has returned. Later calls return at once.
    package func join() {
        precondition(identity != .current, "a thread cannot wait for itself")
        waitInTurn?()
        joined.withLock { joined in
            if !joined { identity.join() }
            joined = true
        }
    }
}

/// Starts a thread that runs `body` and ends with it.
///
/// - Parameter name: shown by debuggers and `top -H`; Linux keeps its first 15 bytes.
package func startThread(
    named name: String, _ body: @escaping @Sendable () -> Void
) -> JoinableThread {
    guard let time = VirtualTime.current else {
        return JoinableThread(spawnThread(named: name, body))
    }
    let thread = time.spawn(named: name, body)
    return JoinableThread(thread.identity) { time.waitForEnd(of: thread.participant) }
}
