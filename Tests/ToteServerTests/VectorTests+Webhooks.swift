import Testing
import ProtocolChecks
import ToteCore
import ToteServer

/// Protocol/vectors/webhooks.json against the signature that the server makes.
@Suite struct WebhookVectorTests {
    /// What a receiver does (Protocol §17.2), with our own signature in place of its library.
    private func accepts(_ vector: JSON) throws -> Bool {
        let secret = try #require(vector["secret"]?.text)
        let key = try #require(Base64.bytes(String(secret.dropFirst("whsec_".count))))
        let id = try #require(vector["webhook_id"]?.text)
        let timestamp = try #require(vector["webhook_timestamp"]?.text)
        guard let seconds = UInt64(timestamp), let now = vector["now"]?.int,
            abs(now - Int64(seconds)) <= 300
        else { return false }
        let signature = WebhookSignature.signature(
            secret: WebhookSecret(bytes: key), id: id, seconds: seconds,
            body: Array((vector["body"]?.text ?? "").utf8))
        return vector["webhook_signature"]?.text?.split(separator: " ")
            .contains { $0 == signature } ?? false
    }

    @Test func `our signatures are accepted, and altered requests are not`() throws {
        let vectors = try JSON.vectors("webhooks").filter { $0["secret"] != nil }
        #expect(vectors.count >= 20)
        for vector in vectors {
            #expect(
                .bool(try accepts(vector)) == vector["accepted"], "\(vector["id"]?.text ?? "")")
        }
    }

    @Test func `a secret is written as its receiver reads it`() {
        let secret = WebhookSecret(bytes: Array(0..<24))
        #expect(secret.text == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")
        let headers = WebhookSignature.headers(
            secrets: [secret, WebhookSecret(bytes: Array(100..<124))], id: "msg_1",
            seconds: 1_800_000_000, body: Array("{\"type\":\"x\"}\n".utf8))
        #expect(headers.map(\.name) == ["webhook-id", "webhook-timestamp", "webhook-signature"])
        #expect(
            headers[2].value.hasPrefix("v1,J+0c+WsAMDkQy0TF30P/ee9aR51K8+v85mgKqOMj6M8= v1,"))
    }
}
