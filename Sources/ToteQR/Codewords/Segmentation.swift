/// Cuts a text into segments so that it takes the fewest bits (ISO/IEC 18004:2015 Annex J).
///
/// Annex J gives rules of thumb. This weighs every cut instead: dynamic programming over the bytes,
/// with one state for each mode.
package enum Segmentation {
    /// The most characters that any symbol holds: digits, in version 40 at level L (Table 7).
    package static let charactersMax = 7089

    /// A sixth of a bit: the smallest unit in which the modes' characters have whole lengths.
    private static let sixths = 6
    private static let never = Int.max / 2

    /// The shortest segments. An empty text is one empty segment, as readers expect at least one.
    package static func shortest(of bytes: [UInt8], in versions: VersionClass) -> [Segment] {
        guard !bytes.isEmpty else { return [Segment(mode: .byte, characters: [])] }
        return segments(of: bytes, modes: modes(of: bytes, in: versions))
    }

    /// Each byte's mode.
    private static func modes(of bytes: [UInt8], in versions: VersionClass) -> [Segment.Mode] {
        let modes = Segment.Mode.allCases
        let headers = modes.map { mode in
            (Segment.Mode.indicatorBits + mode.countBits(in: versions)) * sixths
        }
        // Before the first byte, every mode still has its header to pay.
        var costs = headers
        // For each byte and each mode it may be in, the mode of the byte before it.
        var origins: [[Int]] = []
        origins.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            var next = [Int](repeating: never, count: modes.count)
            var origin = Array(modes.indices)
            for mode in modes.indices {
                guard let length = modes[mode].sixths(of: byte) else { continue }
                next[mode] = costs[mode] + length
                for other in modes.indices where index > 0 && costs[other] < never {
                    // A segment ends on a whole bit: an odd digit takes four and no 3⅓.
                    let cost = wholeBits(costs[other]) * sixths + headers[mode] + length
                    if cost < next[mode] { (next[mode], origin[mode]) = (cost, other) }
                }
            }
            origins.append(origin)
            costs = next
        }
        // Of equals the last, as above: what saves nothing is no reason to begin a segment.
        let ends = modes.indices.reversed()
        var mode = ends.min { wholeBits(costs[$0]) < wholeBits(costs[$1]) } ?? 0
        var chosen: [Segment.Mode] = []
        for origin in origins.reversed() {
            chosen.append(modes[mode])
            mode = origin[mode]
        }
        return chosen.reversed()
    }

    private static func wholeBits(_ cost: Int) -> Int {
        (cost + sixths - 1) / sixths
    }

    private static func segments(of bytes: [UInt8], modes: [Segment.Mode]) -> [Segment] {
        var segments: [Segment] = []
        var start = 0
        for end in 1...bytes.count where end == bytes.count || modes[end] != modes[start] {
            segments.append(Segment(mode: modes[start], characters: Array(bytes[start..<end])))
            start = end
        }
        return segments
    }
}

extension Segment.Mode {
    /// A character's length in sixths of a bit, or nil if the mode cannot express it.
    fileprivate func sixths(of character: UInt8) -> Int? {
        guard value(of: character) != nil else { return nil }
        switch self {
        case .numeric: return 20
        case .alphanumeric: return 33
        case .byte: return 48
        }
    }
}
