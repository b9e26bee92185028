public import ToteCore

/// Why the client core refused or failed to do something.
///
/// Whatever throws this has saved nothing: the documents, the outbox and the receipts are as
/// before.
public struct ToteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a program may branch on; an unknown code must be treated as final.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The change breaks a limit; `details` has `limit` and `actual`.
        public static let limit = Code(rawValue: "limit")
        /// Too much waits to be sent: sync first.
        public static let outboxFull = Code(rawValue: "outbox_full")
        /// The file cannot be written or read; the device's disk may be full.
        public static let storage = Code(rawValue: "storage")
        /// The file is damaged, or not one of ours; it was left as it is.
        public static let storeUnusable = Code(rawValue: "store_unusable")
        /// The file was written by a newer version of the app.
        public static let storeTooNew = Code(rawValue: "store_too_new")
        /// Nobody is signed in.
        public static let signedOut = Code(rawValue: "signed_out")
        /// There is no change or receipt with this id, or it cannot be withdrawn any more.
        public static let notFound = Code(rawValue: "not_found")
        /// The server and this version of the app do not understand each other.
        public static let updateRequired = Code(rawValue: "update_required")
        /// The server answered what the protocol does not allow, or refused for good.
        public static let server = Code(rawValue: "server")
        /// The order cannot be placed or changed; `rejection` says why, by a code of the protocol.
        public static let orderRefused = Code(rawValue: "order_refused")
        /// The ledger does not allow it; `rejection` says why, by a code of the protocol.
        public static let ledgerRefused = Code(rawValue: "ledger_refused")
        /// The customer was erased at the server, and what this device had of them is erased, too.
        public static let customerErased = Code(rawValue: "customer_erased")
        /// A hand-off cannot be offered, joined or changed; `rejection` says why, by a code of the
        /// protocol.
        public static let handOffRefused = Code(rawValue: "handoff_refused")
        /// A share was refused by the server; `rejection` says why.
        public static let shareRefused = Code(rawValue: "share_refused")
        /// An argument that no document can hold.
        public static let invalidArgument = Code(rawValue: "invalid_argument")
    }

    public var code: Code
    /// For a developer: what happened, with the numbers, and what to do about it.
    public var message: String
    /// The rule that was broken, when the code is `limit`, `order_refused`, `ledger_refused` or
    /// `handoff_refused`: a code of Protocol/errors.json.
    public var rejection: Rejection?

    package init(_ code: Code, _ message: String, rejection: Rejection? = nil) {
        self.code = code
        self.message = message
        self.rejection = rejection
    }

    public var description: String { "\(code.rawValue): \(message)" }
}

extension ToteError {
    /// What a token provider throws when the app's backend was told that the customer is erased.
    public static let customerErased = ToteError(
        .customerErased, "this customer was erased; nothing of them is here any more")
}
