internal import ToteCore

// What the documents and the outbox say of a customer's offers and challenges.
extension Replica {
    package func offers(at reading: ClockReading) -> [CustomerOffer] {
        let power = SpendingPower(self, at: reading)
        let now = serverTime(at: reading)?.milliseconds ?? reading.wallMilliseconds
        let accounts = LedgerDocuments.accounts(in: view.confirmed)
        let refusals = refusedOffers
        return (catalog?.programme?.offers ?? []).compactMap { offer in
            let name = AccountName.offer(offer.id)
            let account = accounts.first { $0.name == name }
            let isListed =
                LedgerDocuments.value(
                    LedgerDocuments.item(listedFor: offer.id), in: view.confirmed) != nil
            guard account != nil || offer.audience != .listed || isListed else { return nil }
            let left = leases.filter { $0.account == name }
                .reduce(power.available(name)) { $0 + power.left(of: $1.id) }
            return CustomerOffer(
                offer: offer,
                state: state(
                    of: offer, account, left: left, isOn: offer.isOn(at: now),
                    refusal: refusals.last { $0.offer == offer.id }?.code),
                uses: left, usesHere: power.here(name))
        }
    }

    private static let activating = "activate offer"

    /// What the server refused of this device, oldest first.
    private var refusedOffers: [(offer: String, code: String)] {
        ((try? receipts()) ?? []).compactMap { receipt in
            // An order that was refused names an offer as well.
            guard case .rejected(let rejection) = receipt.state, receipt.label == Self.activating,
                let offer = rejection.details["offer"]?.textValue
            else { return nil }
            return (offer, rejection.code)
        }
    }

    private func state(
        of offer: Programme.Offer, _ account: AccountSummary?, left: Int64, isOn: Bool,
        refusal: String?
    ) -> CustomerOffer.State {
        if account != nil { return left > 0 ? .active : isOn ? .used : .notOn }
        let isQueued = outbox.contains {
            $0.isVisible && $0.state != .rejected
                && $0.change.readableIntent == .activate(offer.id)
        }
        if isQueued { return .queued }
        // It shows: so it is there, and the customer on its list, by now.
        let stands = refusal.flatMap { $0 == "offer_unknown" || $0 == "offer_not_on" ? nil : $0 }
        return isOn ? stands.map { .refused($0) } ?? .open : .notOn
    }

    package var challenges: [CustomerChallenge] {
        (catalog?.programme?.challenges ?? []).map { challenge in
            let value = LedgerDocuments.value(
                LedgerDocuments.item(challenge: challenge.id), in: view.confirmed)
            return CustomerChallenge(
                challenge: challenge,
                progress: value.flatMap { ChallengeProgress($0) } ?? ChallengeProgress())
        }
    }

    /// Saves that the customer activates an offer; one that waits to be sent is asked for once.
    package func activate(
        _ id: String, channel: Channel? = nil, at reading: ClockReading
    ) throws(ToteError) -> Receipt.ID {
        if let asked = outbox.last(where: {
            ($0.state == .saved || $0.state == .sending)
                && $0.change.readableIntent == .activate(id)
        }) {
            return Hex.string(asked.change.nonce)
        }
        guard let offer = catalog?.programme?.offer(id) else {
            throw .order(
                "offer_unknown", "the catalogue here has no offer \(id): fetch it anew",
                .map(["offer": .text(id)]))
        }
        if let now = serverTime(at: reading), now.isSure, !offer.isOn(at: now.milliseconds) {
            throw .order(
                "offer_not_on", "the offer \(id) is over, or has not begun",
                .map(["offer": .text(id)]))
        }
        guard
            let nonce = try commit(
                [], intent: .activate(offer.id), label: Self.activating, at: reading,
                channel: channel)
        else { throw ToteError(.storage, "nothing was saved") }
        return Hex.string(nonce)
    }
}
