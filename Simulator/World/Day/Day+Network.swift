internal import ToteClient
internal import ToteCore

// The network between the devices and the server.
extension Day {
    /// How long an answer may be late: longer than a device waits.
    private static let lateMilliseconds: UInt64 = 50_000
    /// How slow a message may be, at most: some are overtaken by what was sent after they were
    /// given up.
    private static let slowMillisecondsMax = 45_000
    /// How much two messages may differ, for each of 1,000 that the rate says.
    private static let jitterMilliseconds = 100

    /// Sends what the machine wants sent, as the app's shell does, into this weather.
    func send(_ phone: Phone, _ id: SyncMachine.ID, _ lane: TransportRequest.Lane) throws {
        let next = try storing(phone, id) { () throws(ToteError) in
            lane == .exchange
                ? try phone.replica.exchangeRequest(at: phone.reading(now))
                : try phone.replica.pullRequest(waitSeconds: SyncMachine.waitSeconds)
        }
        guard let outgoing = next else { return }
        noteUnsure(phone)
        phone.replica.checkInvariants()
        phone.underWay[id] = outgoing
        requests += 1
        note(
            .sent(
                device: phone.number, request: requests, kind: Self.name(outgoing.kind),
                outgoing.request.changes.map(\.change.nonce),
                position: outgoing.cursor?.position ?? 0))
        var message = Message(
            device: phone.number, launch: phone.launch, id: id, number: requests,
            outgoing: outgoing, token: phone.token, back: latency(phone), fault: nil)
        if let why = isOut(phone) {
            return timeline.plan(.fail(message, why), at: now + 1 + UInt64(weather.below(40)))
        }
        if now < phone.captiveUntil {
            let page = Answer(status: 200, body: Array("<html>".utf8), isProblem: false)
            return timeline.plan(.answer(message, page), at: now + message.back)
        }
        message.fault = Fault.ofMessages.first { strikes($0) }
        if let fault = message.fault { note(fault, device: phone.number) }
        let there = now + latency(phone)
        if now < phone.deafUpUntil { return }
        switch message.fault {
        case .requestLost: return
        case .requestCut: timeline.plan(.fail(message, "reset"), at: there)
        case .badGateway:
            let page = Answer(status: 502, body: Array("<html>".utf8), isProblem: false)
            timeline.plan(.answer(message, page), at: there + message.back)
        case .requestDuplicated:
            timeline.plan(.arrive(message), at: there)
            timeline.plan(
                .arrive(message), at: there + UInt64(draw(.requestDuplicated, below: 3_000)))
        default: timeline.plan(.arrive(message), at: there)
        }
    }

    /// The server's answer goes back.
    func reply(_ message: Message, _ answer: Answer) {
        let phone = phones[message.device]
        let there = now + message.back
        guard now >= phone.deafDownUntil else { return }
        switch message.fault {
        case .replyLost: return
        case .replyCut: timeline.plan(.fail(message, "reset"), at: there)
        case .replyTruncated:
            var half = answer
            half.body.removeLast(half.body.count / 2)
            timeline.plan(.answer(message, half), at: there)
        case .replyLate:
            timeline.plan(.answer(message, answer), at: there + Self.lateMilliseconds)
        case .gatewayTimeout:
            let page = Answer(status: 504, body: Array("<html>".utf8), isProblem: false)
            timeline.plan(.answer(message, page), at: there)
        default: timeline.plan(.answer(message, answer), at: there)
        }
    }

    private func isOut(_ phone: Phone) -> String? {
        if now < phone.offlineUntil { return "no network" }
        return now < partitionedUntil ? "no route" : nil
    }

    private func latency(_ phone: Phone) -> UInt64 {
        var latency = phone.latency + max(phone.stalledUntil, now) - now
        if strikes(.slow) {
            note(.slow, device: phone.number)
            latency += 1_000 + UInt64(draw(.slow, below: Self.slowMillisecondsMax))
        }
        if let rate = options.rates[.jitter], !isHealed {
            struck[.jitter, default: 0] += 1
            latency += UInt64(draw(.jitter, below: rate * Self.jitterMilliseconds))
        }
        return latency
    }

    private static func name(_ kind: Outgoing.Kind) -> String {
        switch kind {
        case .push: "push"
        case .pull: "pull"
        case .resend: "resend"
        }
    }
}
