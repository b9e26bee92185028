#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// What the app's own backend gave the app to show to the server.
public struct AccessToken: Sendable, Hashable {
    public var secret: String
    /// A new one is asked for 30 s before; `nil` when it is good until refused.
    public var expires: Date?

    public init(_ secret: String, expires: Date? = nil) {
        self.secret = secret
        self.expires = expires
    }
}

extension AccessToken {
    /// Milliseconds since 1970; a date beyond the year 5138 counts as that.
    var expiresMilliseconds: UInt64? {
        expires.map { UInt64(max(0, min($0.timeIntervalSince1970, 1e11)) * 1_000) }
    }
}

extension AccessToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never the secret: descriptions end up in logs.
    public var description: String { "AccessToken(…)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Asks the app for a token: at the start, before one expires, and after one was refused. Never
/// twice at once.
///
/// `nil` says that nobody is signed in any more; a thrown error that it should be tried again
/// later, but for `ToteError.customerErased`: the backend was told `customer_erased` when it asked
/// for the token, and what is here of the customer is removed.
public typealias TokenProvider = @Sendable () async throws -> AccessToken?
