import CLinux
import Glibc

extension ServerConnection {
    /// Least room to read into, in bytes.
    private static let readBytesAtLeast = 4096
    /// Reads in a row before other connections get their turn.
    private static let readsAtMost = 4

    /// Reads what has arrived and acts on it.
    func receive() {
        for _ in 0..<Self.readsAtMost {
            guard isOpen, !isLingering, !inputEnded, canTakeRequest else { return }
            let buffer = input ?? loop.buffers.take()
            input = buffer
            let room = buffer.reserve(Self.readBytesAtLeast)
            let count = clinux_receive(descriptor, room.baseAddress, room.count)
            guard count > 0 else {
                if buffer.isEmpty {
                    loop.buffers.give(buffer)
                    input = nil
                }
                if count == 0 { return endInput() }
                if count != -Int(EAGAIN) && count != -Int(EINTR) { destroy() }
                return
            }
            buffer.commit(count)
            if phase == .body { bodyBytesReceived += count }
            run()
            if count < room.count { return }
        }
    }

    /// Reads and throws away, while the connection lingers.
    func discardInput() {
        let buffer = loop.buffers.take()
        defer { loop.buffers.give(buffer) }
        for _ in 0..<Self.readsAtMost {
            let room = buffer.reserve(Self.readBytesAtLeast)
            let count = clinux_receive(descriptor, room.baseAddress, room.count)
            if count == -Int(EAGAIN) || count == -Int(EINTR) { return }
            guard count > 0 else { return destroy() }
        }
    }

    /// Parses requests and hands them on, until bytes or room for answers run out.
    func takeRequests() {
        isHeldBack = false
        while let input, !input.isEmpty, !hasTakenLast {
            guard canTakeRequest else {
                isHeldBack = true
                break
            }
            var consumed = 0
            do throws(HTTPFailure) {
                let request = try parser.parse(input.readable, consumed: &consumed)
                input.consume(consumed)
                notePhase(didComplete: request != nil)
                guard let request else { break }
                handOn(request)
            } catch {
                return fail(error)
            }
        }
    }

    private func notePhase(didComplete: Bool) {
        guard didComplete || parser.phase != phase else { return }
        phase = parser.phase
        phaseStart = loop.nowMillis
        bodyBytesReceived = 0
    }

    private func handOn(_ request: HTTPRequest) {
        let sequence = nextSequence
        nextSequence += 1
        let isLast =
            parser.saysClose || loop.isDraining
            || Int(nextSequence) >= loop.options.requestsPerConnectionAtMost
        if isLast { hasTakenLast = true }
        dueBodyBytes += request.body.count
        due.append(
            Due(
                sequence: sequence, isHEAD: request.method == .head, isLast: isLast,
                sinceMillis: loop.nowMillis, bodyBytes: request.body.count))
        loop.counters.requests.countOne()
        let id = RequestID(slot: slot, generation: generation, sequence: sequence)
        loop.handler(request, HTTPResponder(route: .loop(loop.mailbox, id)))
    }

    /// Refuses what came: one answer, behind those that are due, and then the end.
    func fail(_ failure: HTTPFailure) {
        guard !hasTakenLast else { return }
        hasTakenLast = true
        loop.counters.failures.countOne()
        due.append(
            Due(
                sequence: nextSequence, isHEAD: parser.isReadingHEAD, isLast: true,
                sinceMillis: loop.nowMillis, answer: .made(loop.response(to: failure))))
        nextSequence += 1
        phase = .idle
        input?.removeAll()
    }

    /// The client has closed its side. Requests that nobody wants notice of are still answered.
    func endInput() {
        guard !inputEnded else { return }
        inputEnded = true
        hasTakenLast = true
        phase = .idle
        input?.removeAll()
        if let first = due.firstIndex(where: { $0.onDisconnect != nil }) { abandon(from: first) }
        if !due.isEmpty { due[due.count - 1].isLast = true }
        if isLingering { return destroy() }
        run()
    }

    /// The server is to end: an idle connection is closed, another after the answers that are due.
    func drain() {
        guard isOpen, !isLingering else { return }
        // A request that has already arrived is taken rather than cut off.
        receive()
        guard isOpen, !isLingering else { return }
        if isQuiet { return destroy() }
        guard phase == .idle, !due.isEmpty else { return }
        hasTakenLast = true
        due[due.count - 1].isLast = true
        loop.mark(self)
    }
}
