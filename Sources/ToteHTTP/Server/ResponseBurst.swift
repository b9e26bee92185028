/// Answers to many requests that leave together, from a thread that is no loop's: each loop is
/// woken once for all of its own, and has them all before it sends the first.
package struct ResponseBurst {
    private var messages: [(mailbox: LoopMailbox, waiting: [LoopMessage])] = []

    /// An empty burst.
    package init() {}

    /// Adds what `HTTPResponder.respond(making:)` would send at once.
    package mutating func add(
        _ responder: HTTPResponder, making make: @escaping @Sendable () -> HTTPResponse
    ) {
        guard case .loop(let mailbox, let id) = responder.route else {
            return responder.respond(making: make)
        }
        let message = LoopMessage.respondMaking(id, make)
        for index in messages.indices where messages[index].mailbox === mailbox {
            messages[index].waiting.append(message)
            return
        }
        messages.append((mailbox, [message]))
    }

    /// Sends everything that was added.
    package mutating func send() {
        for (mailbox, waiting) in messages { mailbox.post(waiting) }
        messages = []
    }
}
