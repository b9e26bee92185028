package import ToteCore

/// A refusal of a whole request: an RFC 9457 problem document with a stable code (Protocol §7).
package struct Problem: Error, Hashable, Sendable {
    package var status: Int
    /// snake_case, listed in Protocol/errors.json.
    package var code: String
    /// For a developer: what happened, with numbers, and what to do.
    package var detail: String
    /// True: nothing was applied. False: it may have been; send the same again.
    package var didNotHappen = true
    /// Further members of the document.
    package var members: [Value.Entry] = []
    package var retryAfterSeconds: Int?

    package init(
        _ status: Int, _ code: String, _ detail: String, members: [Value.Entry] = []
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.members = members
    }

    /// The document as JSON.
    package func body(requestID: String) -> [UInt8] {
        let entries: [Value.Entry] = [
            Value.Entry("type", .text("urn:tote:error:\(code)")),
            Value.Entry("title", .text(code.split(separator: "_").joined(separator: " "))),
            Value.Entry("status", .int(Int64(status))), Value.Entry("code", .text(code)),
            Value.Entry("detail", .text(detail)),
            Value.Entry("did_not_happen", .bool(didNotHappen)),
            Value.Entry("request_id", .text(requestID)),
        ]
        return Encoding.json.encode(.map(entries + members))
    }

    /// What does not exist, and what is not the caller's: one answer for both.
    package static let notFound = Problem(404, "not_found", "there is nothing here for this token")
    package static let unauthorized = Problem(
        401, "invalid_token", "a valid bearer token is needed: ask your backend for a new one")
    package static let replicaForked = Problem(
        409, "replica_forked",
        "another copy wrote under this replica id: take a new id, name the old one in `formerly`")

    /// What is said of an object with a member that does not belong there. Not which one: it may be
    /// anything that a client put into the wrong place.
    static func onlyMembers(_ names: Set<String>) -> String {
        names.isEmpty
            ? "an empty object belongs here"
            : "its members are \(names.sorted().joined(separator: ", ")) and no other"
    }

    package static func malformed(_ error: WireError) -> Problem {
        Problem(
            400, "malformed", "byte \(error.offset): \(error.message)",
            members: [
                Value.Entry("offset", .int(Int64(error.offset))),
                Value.Entry("reason", .text(error.reason.rawValue)),
            ])
    }
}
