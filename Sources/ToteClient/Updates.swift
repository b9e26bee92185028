/// A value now, and again whenever it has changed: never the same twice in a row, and only the
/// latest.
///
/// Each iteration stands for itself. It ends when its task is cancelled or the `Tote` is closed,
/// and keeps the `Tote` alive until then.
public struct Updates<Element: Hashable & Sendable>: AsyncSequence, Sendable {
    public typealias Failure = Never

    private let tote: Tote
    private let followsStatus: Bool
    private let read: @Sendable (isolated Tote) -> Element

    init(
        _ tote: Tote, followsStatus: Bool = false,
        read: @escaping @Sendable (isolated Tote) -> Element
    ) {
        self.tote = tote
        self.followsStatus = followsStatus
        self.read = read
    }

    public func makeAsyncIterator() -> Iterator {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Element.self, bufferingPolicy: .bufferingNewest(1))
        let (tote, followsStatus, read) = (tote, followsStatus, read)
        let start = Task {
            await tote.observe(continuation, followsStatus: followsStatus, read: read)
        }
        continuation.onTermination = { _ in
            Task {
                guard let id = await start.value else { return }
                await tote.stopObserving(id)
            }
        }
        return Iterator(stream: stream.makeAsyncIterator())
    }

    public struct Iterator: AsyncIteratorProtocol {
        var stream: AsyncStream<Element>.Iterator
        var last: Element?

        public mutating func next() async -> Element? {
            await next(isolation: #isolation)
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
            while let element = await stream.next(isolation: actor) {
                // A value that changed and changed back while nobody looked has not changed.
                if element != last {
                    last = element
                    return element
                }
            }
            return nil
        }
    }
}

extension Tote {
    /// Somebody who wants to know when a value changes.
    struct Observer {
        /// What was shown when the value was read last.
        var seen: Seen
        let followsStatus: Bool
        /// Reads the value, and passes it on when it has changed.
        let look: (isolated Tote) -> Void
        let finish: () -> Void
    }

    struct Seen: Hashable {
        var shown: UInt64
        var revision: UInt64
        var status: SyncStatus?
    }

    /// Returns the observer's id; `nil` when the Tote is closed, and the sequence has ended.
    func observe<Element: Hashable & Sendable>(
        _ continuation: AsyncStream<Element>.Continuation, followsStatus: Bool,
        read: @escaping @Sendable (isolated Tote) -> Element
    ) -> UInt64? {
        guard !installation.isClosed else {
            continuation.finish()
            return nil
        }
        nextObserver += 1
        var last = read(self)
        continuation.yield(last)
        observers[nextObserver] = Observer(
            seen: seen(followsStatus), followsStatus: followsStatus,
            look: { tote in
                let value = read(tote)
                guard value != last else { return }
                last = value
                continuation.yield(value)
            }, finish: { continuation.finish() })
        return nextObserver
    }

    func stopObserving(_ id: UInt64) { observers[id] = nil }

    private func seen(_ followsStatus: Bool) -> Seen {
        Seen(
            shown: shown, revision: openReplica?.revision ?? 0,
            status: followsStatus ? machine.status : nil)
    }

    /// Lets observers look again whose part of the state may have changed.
    func announce() {
        guard !observers.isEmpty else { return }
        for id in observers.keys.sorted() {
            guard let observer = observers[id] else { continue }
            let now = seen(observer.followsStatus)
            guard observer.seen != now else { continue }
            observers[id]?.seen = now
            observer.look(self)
        }
    }
}
