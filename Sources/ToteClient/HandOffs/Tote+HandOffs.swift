public import ToteCore
public import ToteQR

/// What a phone shows so that a store's device can go on with the customer's cart.
public struct HandOffOffer: Hashable, Sendable, Identifiable {
    public var id: HandOff.ID
    /// Six characters, to be read out and typed; `nil` where the code carries the cart.
    public var code: String?
    /// What a scanner reads.
    public var text: String
    /// When it can no longer be taken, milliseconds of the server's clock.
    public var until: UInt64

    public var qrCode: QRCode {
        do {
            return try QRCode(text)
        } catch {
            // The text is bounded: `CarriedHandOff.textBytesMax`, of those that take little room.
            preconditionFailure("a code of \(text.utf8.count) bytes does not fit: \(error)")
        }
    }
}

// The customer's side: offering, watching and ending hand-offs.
extension Tote {
    /// How long an offer waits for the server before it does without.
    static let offerTimeout: Duration = .seconds(5)

    /// Hands the cart on to a store's device: shows a code that the device takes.
    ///
    /// With a network the server keeps the code, which can be typed. Without one the code itself
    /// carries what was not sent, signed by the last token that this device had.
    ///
    /// - Parameter duration: how long the store's device may go on: 1 minute to 8 hours.
    /// - Throws: `signedOut`, `invalidArgument`, `handOffRefused`, `server` when neither the server
    ///   can be had nor a code be made without it, `storage`.
    public func offerHandOff(
        for duration: Duration = .seconds(1_800)
    ) async throws(ToteError) -> HandOffOffer {
        let seconds = try Self.seconds(duration)
        let path = try handOffPath()
        do {
            return try await offer(newHandOffID(), seconds, path)
        } catch {
            // No network, something else in its place, or nobody who gives a token.
            guard [.server, .signedOut].contains(error.code),
                let carried = try? carryHandOff(for: duration)
            else { throw error }
            return carried
        }
    }

    private func offer(
        _ id: HandOffID, _ seconds: Int64, _ path: String
    ) async throws(ToteError) -> HandOffOffer {
        let response = try await lookUp(
            path, [:],
            body: Encoding.json.encode(.map(["id": .text(id.text), "for_s": .int(seconds)])),
            timeout: Self.offerTimeout)
        let value = try Self.handOffAnswer(response)
        guard let code = value["code"]?.textValue,
            let until = value["until"]?.intValue.flatMap(UInt64.init(exactly:))
        else { throw ToteError(.server, "the offer was answered without a code") }
        return HandOffOffer(id: id, code: code, text: code, until: until)
    }

    /// The same without asking for a network first.
    ///
    /// - Throws: as `offerHandOff`.
    public func carryHandOff(
        for duration: Duration = .seconds(1_800)
    ) throws(ToteError) -> HandOffOffer {
        _ = try handOffPath()
        guard let account = installation.account,
            let key = try installation.handOffKey(of: account)
        else {
            throw ToteError(.notFound, "this device has had no token yet: connect once")
        }
        let carried = try replica().carriedHandOff(
            newHandOffID(), seconds: Self.seconds(duration), key: key, at: clock.reading())
        announce()
        return HandOffOffer(
            id: carried.id, code: nil, text: carried.text, until: carried.until)
    }

    /// The customer's hand-offs as of the last sync, the latest to end first.
    public var handOffs: [HandOff] { openReplica?.handOffs ?? [] }

    /// The hand-offs now, and again whenever one changes.
    public nonisolated var handOffUpdates: Updates<[HandOff]> { Updates(self) { $0.handOffs } }

    /// Lets a joined device spend points and place orders.
    ///
    /// - Throws: `signedOut`, `server`, `handOffRefused` when no device is joined, `notFound`.
    public func allowPoints(in id: HandOff.ID) async throws(ToteError) {
        try await changeHandOff(id, "points")
    }

    /// Ends a hand-off now: the device loses what it has of the customer.
    ///
    /// - Throws: `signedOut`, `server`, `notFound`.
    public func endHandOff(_ id: HandOff.ID) async throws(ToteError) {
        try await changeHandOff(id, "end")
    }

    private func changeHandOff(_ id: HandOff.ID, _ what: String) async throws(ToteError) {
        let response = try await lookUp(
            try handOffPath() + "/\(id.text)/\(what)", [:], body: Array("{}".utf8))
        _ = try Self.handOffAnswer(response)
    }

    private func handOffPath() throws(ToteError) -> String {
        guard let session, session.store == nil, joinedHandOff == nil else {
            throw ToteError(.signedOut, "no customer is signed in: call signIn first")
        }
        return session.path.dropLast("/sync".count) + "/handoffs"
    }

    private func newHandOffID() -> HandOffID {
        HandOffID(high: clock.draw(), low: clock.draw())
    }

    private static func seconds(_ duration: Duration) throws(ToteError) -> Int64 {
        guard HandOff.secondsRange.contains(duration.components.seconds) else {
            throw ToteError(.invalidArgument, "a hand-off lasts from 1 minute to 8 hours")
        }
        return duration.components.seconds
    }

    /// What a route of hand-offs answered.
    static func handOffAnswer(_ response: TransportResponse) throws(ToteError) -> Value {
        let value = try? Encoding.json.value(response.body)
        switch response.status {
        case 200, 201: if let value { return value }
        case 404: throw ToteError(.notFound, "there is no such hand-off, or not for this device")
        case 409, 422, 429:
            if let code = value?["code"]?.textValue {
                throw ToteError(
                    .handOffRefused, value?["detail"]?.textValue ?? code,
                    rejection: Rejection(code: code))
            }
        default: break
        }
        throw ToteError(.server, "a hand-off was answered with \(response.status)")
    }
}
