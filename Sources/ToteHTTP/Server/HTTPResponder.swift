/// The way to answer one request, from any thread, now or later. A request that waits for its
/// answer costs no thread.
package struct HTTPResponder: Sendable {
    enum Route: Sendable {
        /// The loop that has the connection of the request.
        case loop(LoopMailbox, RequestID)
        /// Somebody in this process who waits for the answer.
        case exchange(HTTPExchange)
    }

    let route: Route

    /// The loop that has the request: counted from 0 in each server; 0 for one without a socket.
    package var loop: Int {
        if case .loop(let mailbox, _) = route { mailbox.index } else { 0 }
    }

    /// Answers the request. Only the first answer counts; one for a client that has gone, or that
    /// comes behind `answerDeadline`, is dropped.
    package func respond(_ response: HTTPResponse) {
        switch route {
        case .exchange(let exchange): exchange.respond(response)
        case .loop(let mailbox, let id):
            if let loop = mailbox.loopOfThisThread {
                loop.respond(id, .made(response))
            } else {
                mailbox.post(.respond(id, response))
            }
        }
    }

    /// Answers a client that asks too often: not before the loop's next look at its deadlines, a
    /// quarter of a second later at most. Else it would ask again at once, and keep the loop from
    /// others. For a handler; from another thread the answer goes at once.
    package func respondHeld(_ response: HTTPResponse) {
        if case .loop(let mailbox, let id) = route, let loop = mailbox.loopOfThisThread {
            loop.respond(id, .made(response), isHeld: true)
        } else {
            respond(response)
        }
    }

    /// Answers the request with what `make` returns; it runs on the loop's thread, must not block.
    ///
    /// For an answer whose bytes take time that the calling thread has not.
    package func respond(making make: @escaping @Sendable () -> HTTPResponse) {
        switch route {
        case .exchange(let exchange): exchange.respond(make())
        case .loop(let mailbox, let id):
            if let loop = mailbox.loopOfThisThread {
                loop.respond(id, .making(make))
            } else {
                mailbox.post(.respondMaking(id, make))
            }
        }
    }

    /// Asks to be told, once, if the client goes away before the request is answered; at once if it
    /// has. A later call replaces an earlier one.
    ///
    /// With a notice asked for, a client that stops sending counts as gone and its connection is
    /// closed; without, it is still answered. The notice runs on the loop's thread and must not
    /// block.
    package func onDisconnect(_ notice: @escaping @Sendable () -> Void) {
        switch route {
        case .exchange(let exchange): exchange.onDisconnect(notice)
        case .loop(let mailbox, let id):
            if let loop = mailbox.loopOfThisThread {
                loop.onDisconnect(id, notice)
            } else {
                mailbox.post(.onDisconnect(id, notice))
            }
        }
    }
}
