internal import ToteCore

// How a customer goes on at a store's device: Protocol section 24.
extension Server {
    static let handOffRoutes: [Route] = [
        Route("POST", "/v1/spaces/{space}/handoffs", .space, "Offers a hand-off, with a code.") {
            $0.takes(
                .object(
                    ["id": .hex(32)],
                    optional: ["for_s": .int(HandOff.secondsRange)], others: .none))
            $0.answers(200, .named("HandOff"))
            $0.answers(201, .named("HandOff"))
            $0.refuses(409, "too_many_handoffs")
        },
        Route(
            "POST", "/v1/spaces/{space}/handoffs/{handoff}/points", .space,
            "Lets the device spend points and place orders."
        ) {
            $0.takes(.object([:], others: .none))
            $0.answers(200, .named("HandOff"))
            $0.refuses(409, "handoff_ended")
        },
        Route(
            "POST", "/v1/spaces/{space}/handoffs/{handoff}/end", .space,
            "Ends a hand-off: the customer, or the device itself."
        ) {
            $0.takes(.object([:], others: .none))
            $0.answers(200, .named("HandOff"))
        },
        Route("POST", "/v1/stores/{store}/handoffs", .store, "A store's device takes a code.") {
            $0.takes(
                .object(
                    ["code": .text(1...CarriedHandOff.textBytesMax), "device": .hex(16)],
                    others: .none))
            $0.answers(
                200,
                .object([
                    "id": .hex(32), "space": .text, "token": .text, "until": .milliseconds,
                    "points": .bool, "server_time": .milliseconds,
                ]))
            $0.refuses(
                409, "handoff_taken", "handoff_ended", "too_many_handoffs", "replica_forked",
                "clock_ahead")
            $0.refuses(422, "wrong_code", "code_unknown", "code_expired")
            $0.refuses(429, "locked")
        },
    ]
}
