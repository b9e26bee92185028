import ToteCommandLine

/// How good a device's network is, in the words that phones' developer settings use.
struct NetworkProfile: Hashable, Sendable {
    var name: String
    /// One way, in milliseconds.
    var latency: Int
    /// Up to so much more, drawn for each way, in milliseconds.
    var jitter: Int
    /// From the server, in kilobits a second; 0 is without limit.
    var down: Int
    /// To the server, likewise.
    var up: Int
    /// How many of 100 requests, and of 100 replies, get lost.
    var loss: Int
    var summary: String

    static let offline = "offline"
    static let captive = "captive"

    /// What `net NAME` knows.
    static let presets = [
        NetworkProfile(
            name: offline, latency: 0, jitter: 0, down: 0, up: 0, loss: 100,
            summary: "no network; what is under way is cut"),
        NetworkProfile(
            name: "edge", latency: 400, jitter: 80, down: 240, up: 200, loss: 0,
            summary: "400 ms, 240 kbit/s down, 200 up"),
        NetworkProfile(
            name: "3g", latency: 100, jitter: 20, down: 780, up: 330, loss: 0,
            summary: "100 ms, 780 kbit/s down, 330 up"),
        NetworkProfile(
            name: "lte", latency: 50, jitter: 10, down: 50_000, up: 10_000, loss: 0,
            summary: "50 ms, 50 Mbit/s down, 10 up"),
        NetworkProfile(
            name: "wifi", latency: 2, jitter: 1, down: 40_000, up: 33_000, loss: 0,
            summary: "2 ms, 40 Mbit/s down, 33 up: what a device starts with"),
        NetworkProfile(
            name: "very-bad", latency: 250, jitter: 250, down: 1_000, up: 1_000, loss: 20,
            summary: "250 to 500 ms, 1 Mbit/s, 20 of 100 requests and replies lost"),
        NetworkProfile(
            name: captive, latency: 20, jitter: 10, down: 0, up: 0, loss: 0,
            summary: "a hotel's login page answers everything in place of the server"),
    ]

    static let usual = "wifi"

    static func preset(_ name: String) -> NetworkProfile? { presets.first { $0.name == name } }

    var isOffline: Bool { name == Self.offline }

    /// How long so many bytes are under way, without the jitter.
    func delay(bytes: Int, kilobits: Int) -> Duration {
        let transfer = kilobits == 0 ? 0 : bytes * 8 / kilobits
        return .milliseconds(latency + transfer)
    }
}

/// What happens to one exchange, once.
enum NetworkFault: Hashable, Sendable {
    /// Nothing yet: those behind it wait for the exchange after.
    case pass
    case lostRequest
    /// The server does what was asked; its answer gets lost.
    case lostReply
    /// The connection is cut after so many bytes of the request.
    case cutRequest(bytes: Int)
    /// The connection is cut after so many bytes of the reply, which never counts as arrived.
    case cutReply(bytes: Int)
    /// The request arrives twice.
    case twice
    /// A hotel's login page answers in place of the server.
    case captivePortal
    /// A proxy answers 502 in place of the server, or 504 after it did what was asked.
    case badGateway, gatewayTimeout
    /// The half of a reply counts as all of it.
    case truncatedReply
    /// The reply comes when nobody waits for it any more.
    case lateReply
    /// The server has too much to do: it answers 503, and does nothing.
    case overloaded
}
