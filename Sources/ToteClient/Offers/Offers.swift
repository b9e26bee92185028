public import ToteCore

/// An offer as this device's user sees it.
public struct CustomerOffer: Hashable, Sendable, Identifiable {
    public enum State: Hashable, Sendable {
        /// It can be activated.
        case open
        /// Asked for on this device; the server has not decided yet.
        case queued
        /// `uses` are left.
        case active
        /// All that there was for the customer is used.
        case used
        /// Not begun, or over.
        case notOn
        /// The server refused it here last, with a code: `offer_exhausted`, `offer_not_earned`. It
        /// may be activated again: the server decides anew.
        case refused(String)
    }

    public var offer: Programme.Offer
    public var state: State
    /// What is left for the customer, here and elsewhere.
    public var uses: Int64
    /// What this device can use without a network.
    public var usesHere: Int64
    public var id: String { offer.id }
}

/// A challenge as this device's user sees it.
public struct CustomerChallenge: Hashable, Sendable, Identifiable {
    public var challenge: Programme.Challenge
    public var progress: ChallengeProgress
    public var isDone: Bool { progress.doneAt != nil }
    public var id: String { challenge.id }
}

extension Tote {
    /// The offers that the customer may activate or has, in the order of the catalogue: asks
    /// nobody. Those for customers on a list show once the server has told that this one is on it.
    public var offers: [CustomerOffer] { openReplica?.offers(at: clock.reading()) ?? [] }

    /// The offers now, and again whenever one changes.
    public nonisolated var offersUpdates: Updates<[CustomerOffer]> { Updates(self) { $0.offers } }

    /// What the customer has of offers, by where it is.
    public var activeOffers: [Balance] {
        (openReplica?.accounts ?? []).filter { $0.kind == "offer" }.map { balance($0) }
    }

    /// The challenges of the catalogue, and how far the customer has come.
    public var challenges: [CustomerChallenge] { openReplica?.challenges ?? [] }

    /// The challenges now, and again whenever the customer comes further.
    public nonisolated var challengesUpdates: Updates<[CustomerChallenge]> {
        Updates(self) { $0.challenges }
    }

    /// Activates an offer, as whoever follows a link in a mail does: once, on however many of the
    /// customer's devices, and however often. Durable when it returns, with or without a network;
    /// the server decides, and may refuse it as `offer_exhausted`.
    ///
    /// What is active is spent with `OrderRequest.offers`; without a network by a device that has
    /// reserved it (`reserve(1, of: .offer(id))`).
    ///
    /// - Parameters:
    ///   - text: an offer's id, or its link.
    ///   - channel: where it was followed, `mail` for one; by default where this app is.
    /// - Returns: the receipt that tells what became of it.
    /// - Throws: `orderRefused` with `offer_unknown` for an offer that the catalogue here has not,
    ///   `offer_not_on` for one that surely is over or has not begun; `outboxFull`, `storage`.
    @discardableResult
    public func activate(
        _ text: String, channel: Channel? = nil
    ) throws(ToteError) -> Receipt.ID {
        let receipt = try replica().activate(
            Programme.Offer.id(text), channel: channel, at: clock.reading())
        handle(.localChange)
        return receipt
    }
}
