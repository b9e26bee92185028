internal import ToteServer

/// One attempt: the URL and its host's addresses are checked anew, then it is signed and posted.
///
/// The name is resolved here and once more by URLSession: a name server that gives two answers
/// within that moment can lead the second one elsewhere. Behind TLS, which such a host cannot
/// answer for another name, only the beginning of a handshake would reach it.
struct WebhookExchange {
    let options: WebhookSenderOptions
    let poster: WebhookPoster

    func make(_ attempt: WebhookAttempt) -> WebhookOutcome {
        guard let url = try? WebhookURL(attempt.url, policy: options.policy) else {
            return .unanswered("url_refused")
        }
        let addresses = url.address.map { [$0] } ?? options.resolve(url.host)
        guard !addresses.isEmpty else { return .unanswered("name_not_resolved") }
        guard addresses.allSatisfy(options.policy.allows) else {
            return .unanswered("address_refused")
        }
        let headers = WebhookSignature.headers(
            secrets: attempt.secrets, id: attempt.id.message,
            seconds: SystemClock.nowSeconds(), body: attempt.body)
        return poster.post(
            attempt.url, headers: headers, body: attempt.body, timeout: options.timeout)
    }
}
