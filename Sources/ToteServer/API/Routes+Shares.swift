internal import ToteCore

// Spaces that several share: Protocol section 32.
extension Server {
    static let shareRoutes: [Route] = [
        Route("POST", "/v1/shares", .token, "Makes a share, or joins one.") {
            $0.takes(
                .object(
                    [:],
                    optional: [
                        "space": .pattern("(list|tote):[0-9a-f]{32}"), "seed": .hex(32),
                        "member": .hex(16), "join": .text(1...64),
                    ], others: .none))
            $0.answers(200, .named("Share"))
            $0.answers(201, .named("Share"))
            $0.refuses(
                409, "share_ended", "share_left", "share_full", "share_customers_only",
                "too_many_shares",
                "invitation_taken")
            $0.refuses(422, "wrong_code")
            $0.refuses(429, "locked")
        },
        Route("POST", "/v1/spaces/{space}/invitations", .space, "Invites somebody to a share.") {
            $0.takes(
                .object(
                    ["secret": .hex(32), "role": .words(Share.Role.allCases.map(\.rawValue))],
                    optional: ["for_s": .int(Share.secondsRange)], others: .none))
            $0.answers(200, .named("Invitation"))
            $0.answers(201, .named("Invitation"))
            $0.refuses(409, "owner_only", "too_many_invitations")
        },
        Route(
            "POST", "/v1/spaces/{space}/members/{member}", .space,
            "Gives a member another role, or none."
        ) {
            $0.takes(.object(["role": roles], others: .none))
            $0.answers(200, .object(["role": roles]))
            $0.refuses(409, "owner_only", "last_owner")
        },
        Route("POST", "/v1/spaces/{space}/end", .space, "Ends a share for all its members.") {
            $0.takes(.object([:], others: .none))
            $0.answers(200, .object(["role": roles]))
            $0.refuses(409, "owner_only")
        },
    ]

    private static let roles = JSONSchema.words(Share.Role.allCases.map(\.rawValue) + ["none"])
}
