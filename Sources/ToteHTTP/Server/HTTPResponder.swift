/// The way to answer one request, from any thread, now or later. A request that waits for its
/// answer costs no thread.
package struct HTTPResponder: Sendable {
    let mailbox: LoopMailbox
    let id: RequestID

    /// The loop that has the request: counted from 0 in each server.
    package var loop: Int { mailbox.index }

    /// Answers the request. Only the first answer counts; one for a client that has gone, or that
    /// comes behind `answerDeadline`, is dropped.
    package func respond(_ response: HTTPResponse) {
        if let loop = mailbox.loopOfThisThread {
            loop.respond(id, .made(response))
        } else {
            mailbox.post(.respond(id, response))
        }
    }

    /// Answers a client that asks too often: not before the loop's next look at its deadlines, a
    /// quarter of a second later at most. Else it would ask again at once, and keep the loop from
    /// others. For a handler; from another thread the answer goes at once.
    package func respondHeld(_ response: HTTPResponse) {
        if let loop = mailbox.loopOfThisThread {
            loop.respond(id, .made(response), isHeld: true)
        } else {
            mailbox.post(.respond(id, response))
        }
    }

    /// Answers the request with what `make` returns; it runs on the loop's thread, must not block.
    ///
    /// For an answer whose bytes take time that the calling thread has not.
    package func respond(making make: @escaping @Sendable () -> HTTPResponse) {
        if let loop = mailbox.loopOfThisThread {
            loop.respond(id, .making(make))
        } else {
            mailbox.post(.respondMaking(id, make))
        }
    }

    /// Asks to be told, once, if the client goes away before the request is answered; at once if it
    /// has. A later call replaces an earlier one.
    ///
    /// With a notice asked for, a client that stops sending counts as gone and its connection is
    /// closed; without, it is still answered. The notice runs on the loop's thread and must not
    /// block.
    package func onDisconnect(_ notice: @escaping @Sendable () -> Void) {
        if let loop = mailbox.loopOfThisThread {
            loop.onDisconnect(id, notice)
        } else {
            mailbox.post(.onDisconnect(id, notice))
        }
    }
}
