extension ServerConnection {
    /// Enforces what time has run out for. Deadlines count from the beginning of a thing, so that a
    /// byte now and then does not move them.
    func enforceDeadlines() {
        let now = loop.nowMillis
        let deadlines = loop.deadlines
        if isLingering {
            if now - quietSince >= deadlines.linger { destroy() }
            return
        }
        releaseHeld()
        if isWriteBlocked, now - writeWindowStart >= deadlines.writeGrace {
            let needed = loop.options.writeBytesPerSecond * deadlines.writeGrace / 1000
            guard writeWindowBytes >= needed else {
                loop.counters.slowReadersCut.countOne()
                return destroy()
            }
            writeWindowStart = now
            writeWindowBytes = 0
        }
        if let oldest = due.first, oldest.answer == nil,
            now - oldest.sinceMillis >= deadlines.answer
        {
            return giveUpOnAnswer(oldest)
        }
        enforceReading(now, deadlines)
    }

    private func enforceReading(_ now: Int, _ deadlines: Deadlines) {
        if phase != .idle, !canTakeRequest {
            // We stopped reading: the client is not to blame for what it could not send.
            phaseStart = now
            bodyBytesReceived = 0
            return
        }
        let elapsed = now - phaseStart
        switch phase {
        case .idle:
            if isQuiet, now - quietSince >= deadlines.idle { destroy() }
        case .head:
            if elapsed >= deadlines.header { refuse("the header took too long") }
        case .body:
            if elapsed >= deadlines.body {
                refuse("the body took too long")
            } else if elapsed >= deadlines.bodyGrace,
                bodyBytesReceived * 1000 < loop.options.bodyBytesPerSecond * elapsed
            {
                refuse("the body came too slowly")
            }
        }
    }

    private func refuse(_ detail: String) {
        fail(.requestTimeout(detail))
        run()
    }

    private func giveUpOnAnswer(_ oldest: Due) {
        loop.counters.failures.countOne()
        hasTakenLast = true
        phase = .idle
        input?.removeAll()
        due[0].onDisconnect = nil
        due[0].isLast = true
        due[0].answer = .made(loop.response(to: .answerTimeout()))
        oldest.onDisconnect?()
        run()
    }
}
