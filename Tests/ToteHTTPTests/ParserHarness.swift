import ToteHTTP

/// What a parser made of some bytes: the requests it passed on, and how it ended.
struct Verdict: Equatable, CustomStringConvertible {
    var requests: [String] = []
    var failure: HTTPFailure?
    /// Whether the parser is inside a message.
    var isInside = false

    var description: String {
        "\(requests) \(failure.map { "\($0.status) \($0.detail)" } ?? "no failure") \(isInside)"
    }

    /// Feeds `bytes` in pieces, as a connection would: what was not consumed is shown again.
    init(_ bytes: [UInt8], cutAt cuts: [Int], limits: HTTPMessageLimits = HTTPMessageLimits()) {
        var parser = RequestParser(limits: limits)
        var unread: [UInt8] = []
        var start = 0
        for end in cuts + [bytes.count] where failure == nil {
            unread += bytes[start..<end]
            start = end
            feed(&unread, to: &parser)
        }
        isInside = failure == nil && parser.phase != .idle
    }

    private mutating func feed(_ unread: inout [UInt8], to parser: inout RequestParser) {
        while failure == nil, !unread.isEmpty {
            var consumed = 0
            do throws(HTTPFailure) {
                // A copy of its exact size: the address sanitiser sees a read beyond its end.
                let request = try Self.parse(Array(unread), with: &parser, consumed: &consumed)
                unread.removeFirst(consumed)
                guard let request else { return }
                requests.append(Self.text(of: request))
            } catch {
                failure = error
            }
        }
    }

    private static func parse(
        _ bytes: [UInt8], with parser: inout RequestParser, consumed: inout Int
    ) throws(HTTPFailure) -> HTTPRequest? {
        let result = bytes.withUnsafeBufferPointer { bytes in
            Result { () throws(HTTPFailure) in
                try parser.parse(bytes, consumed: &consumed)
            }
        }
        return try result.get()
    }

    private static func text(of request: HTTPRequest) -> String {
        let fields = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        return "\(request.method.rawValue) \(request.target) \(fields) \(request.body)"
    }
}

/// Each scalar of the text as one byte, so that tables can hold any byte as `\u{FF}`.
func latin1(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8($0.value) }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
