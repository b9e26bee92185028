#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// How an account's documents on this device stand to those on the server. Edits are saved in every
/// status.
public enum SyncStatus: Hashable, Sendable {
    /// Open, and not yet asked to sync.
    case starting
    /// Not in touch with the server since a time, until a retry at another, where one is planned.
    case offline(since: Date, retryAt: Date?, why: OfflineReason)
    /// Asking for a token, or waiting for the first answer.
    case connecting
    /// In touch, with something to send or to receive.
    case syncing
    /// Everything is sent, and everything was received as of a time.
    case upToDate(at: Date)
    /// No account, or none with a token that the server takes: sign in.
    case signedOut
    /// This version of the app does not speak the server's protocol any more.
    case updateRequired
    /// Stopped for good until `start` or `signIn`; only a developer or an operator can help.
    case halted(ToteError)
}

/// Why there is no touch with the server.
public enum OfflineReason: Hashable, Sendable {
    /// `stop` was called.
    case stopped
    /// No answer came; the transport's words.
    case noConnection(String)
    /// The server, or something before it, answered but did not do it; a code of the protocol or
    /// `http_503`.
    case serverBusy(code: String)
    /// The app's token closure threw, or has not returned yet.
    case noToken(String)
    /// The answer could not be saved; the device's disk may be full.
    case notSaved(ToteError)
}
