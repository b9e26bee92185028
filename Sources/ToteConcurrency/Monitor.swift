/// A lock whose waiters can sleep until the value is as they need it.
package final class Monitor<Value: Sendable>: Sendable {
    // Safe: touched with `mutex` held only.
    nonisolated(unsafe) private var value: Value
    nonisolated(unsafe) private let mutex = PlatformMutex()
    nonisolated(unsafe) private let condition = PlatformCondition()

    /// Guards `value`.
    package init(_ value: Value) {
        self.value = value
    }

    deinit {
        condition.destroy()
        mutex.destroy()
    }

    /// Changes the value and wakes every waiter, so that each looks again.
    @discardableResult
    package func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        mutex.lock()
        let result = body(&value)
        mutex.unlock()
        condition.broadcast()
        VirtualTime.active?.wake(ObjectIdentifier(self))
        return result
    }

    /// Sleeps until `body` answers, or until the time has passed.
    ///
    /// - Parameter timeout: nil waits for ever; zero asks once.
    /// - Returns: the answer of `body`, or nil when the time has passed without one.
    @discardableResult
    package func wait<Result: Sendable>(
        atMost timeout: Duration?, until body: (inout Value) -> Result?
    ) -> Result? {
        if let time = VirtualTime.current { return wait(time, atMost: timeout, until: body) }
        mutex.lock()
        defer { mutex.unlock() }
        if let result = body(&value) { return result }
        guard let timeout else {
            while true {
                condition.wait(mutex)
                if let result = body(&value) { return result }
            }
        }
        let (end, overflow) = MonotonicClock.nowNanos()
            .addingReportingOverflow(timeout.clampedNanos)
        let deadline = overflow ? UInt64.max : end
        while MonotonicClock.nowNanos() < deadline {
            condition.wait(mutex, untilNanos: deadline)
            if let result = body(&value) { return result }
        }
        return nil
    }

    /// The same in virtual time, while the other threads take their turns.
    private func wait<Result: Sendable>(
        _ time: VirtualTime, atMost timeout: Duration?, until body: (inout Value) -> Result?
    ) -> Result? {
        let (end, overflow) = time.nowNanos.addingReportingOverflow(timeout?.clampedNanos ?? .max)
        let deadline = overflow ? UInt64.max : end
        while true {
            mutex.lock()
            let result = body(&value)
            mutex.unlock()
            if let result { return result }
            guard time.nowNanos < deadline else { return nil }
            time.wait(on: ObjectIdentifier(self), untilNanos: deadline)
        }
    }
}
