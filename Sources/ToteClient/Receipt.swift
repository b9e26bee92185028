public import ToteCore

/// What became of one change: saved → sending → accepted, rejected or withdrawn.
///
/// A receipt is durable with its change, survives a crash and an upgrade, and stays until it is
/// dismissed; of accepted ones the last 1,000 are kept.
public struct Receipt: Hashable, Sendable, Identifiable {
    public enum State: Hashable, Sendable {
        /// Durable on this device.
        case saved
        /// On its way; the answer is not known.
        case sending
        /// The server has it for good.
        case accepted
        /// The server refused it for good; it no longer shows.
        case rejected(Rejection)
        /// Taken back before it was sent.
        case withdrawn

        /// Whether the state will never change again.
        public var isFinal: Bool {
            switch self {
            case .saved, .sending: false
            case .accepted, .rejected, .withdrawn: true
            }
        }
    }

    /// The change's nonce: 16 hex digits, the same on every device and in the server's log.
    public var id: String
    public var state: State
    /// What the app called the change when it made it; empty for one of another device.
    public var label: String
    /// False for a rejection of another device of the same customer.
    public var isOwn: Bool

    /// For a developer or a support desk: what to do about a rejection. Apps localise by code.
    public var whatToDo: String? {
        guard case .rejected(let rejection) = state else { return nil }
        switch rejection.code {
        case "not_allowed": return "this token may not write there: check the token's grants"
        case "too_many_cells": return "remove something from the document, then try again"
        case "too_old": return "it waited over 400 days to be sent: make the change again"
        case "price_changed": return "show the new total, and let the customer order again"
        case "cart_already_ordered": return "another device ordered this cart: show its order"
        case "sold_out", "not_sold_here", "product_unknown", "option_unknown", "options_invalid",
            "quantity_limited":
            return "take the lines in `items` out of the cart, or change them"
        case "slot_full", "pickup_time_passed", "store_closed":
            return "let the customer choose another pickup time"
        case "step_not_allowed": return "too late: show the order as it is"
        case "tenders_mismatch", "currency_mismatch", "intent_malformed", "order_exists":
            return "the app made an order that cannot be: update the app"
        case "store_unknown", "no_catalog": return "fetch the catalogue, then order again"
        case "balance_too_low":
            return "show the balance; sync other devices that hold points, or pay another way"
        case "lease_expired": return "the reservation is over: connect, then order again"
        case "lease_denied": return "nothing more can be set aside: spend or return some first"
        case "lease_unknown", "lease_not_held", "no_redeemer":
            return "reserve again: nobody holds this reservation any more"
        case "reward_unknown", "reward_changed":
            return "fetch the catalogue, and show the rewards as they are now"
        case "offer_unknown", "offer_changed":
            return "fetch the catalogue, and show the offers as they are now"
        case "offer_not_on": return "say that the offer is over, or when it begins"
        case "offer_not_earned": return "say how many orders are missing"
        case "offer_exhausted": return "say that others were faster: nothing of it is left"
        case "not_redeemer": return "an operator names the store's redeemer: tote store redeemer"
        case "too_many_open_orders": return "collect or cancel an open order first"
        case "unsupported": return "this server is older than the app: update the server"
        default: return "the change breaks a rule of the protocol: update the app"
        }
    }
}
