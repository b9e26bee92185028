import Testing
import ToteQR

struct SegmentationTests {
    private static func modes(_ text: String, _ versions: VersionClass = .upTo9) -> [String] {
        Segmentation.shortest(of: Array(text.utf8), in: versions)
            .map { "\($0.mode) \(String(decoding: $0.characters, as: UTF8.self))" }
    }

    @Test(arguments: [
        ("0123456789", ["numeric 0123456789"]),
        ("TOTE 42:*", ["alphanumeric TOTE 42:*"]),
        ("tote", ["byte tote"]),
        ("Kö", ["byte Kö"]),
        ("abc0123456789", ["byte abc", "numeric 0123456789"]),
        (
            "https://tote.example/ORDER/000123456789012345",
            ["byte https://tote.example", "alphanumeric /ORDER/", "numeric 000123456789012345"]
        ),
    ])
    func `a text is cut where that saves bits`(text: String, segments: [String]) {
        #expect(Self.modes(text) == segments)
    }

    /// Three digits have 24 bits as bytes, and at least as many as a segment of their own.
    @Test func `a cut that saves nothing is not made`() {
        for versions in VersionClass.allCases {
            #expect(Self.modes("abc123", versions) == ["byte abc123"])
            #expect(Self.modes("123abc", versions) == ["byte 123abc"])
            #expect(Self.modes("abc12345", versions) == ["byte abc", "numeric 12345"])
        }
    }

    @Test func `an empty text is one empty segment`() throws {
        #expect(
            Segmentation.shortest(of: [], in: .upTo9) == [Segment(mode: .byte, characters: [])])
        let code = try QRCode("")
        #expect(code.version == 1)
        #expect(code.correction == .high)
        #expect(code == (try QRCode(bytes: [])))
    }

    /// The oracle gives each run of like characters every mode it can have.
    @Test(arguments: 0..<100)
    func `no other way to cut a text is shorter`(seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let runs = (0..<1 + below(5)).map { _ in
            [UInt8](repeating: Segment.Mode.allCases[below(3)].example, count: 1 + below(14))
        }
        for versions in VersionClass.allCases {
            let segments = Segmentation.shortest(of: runs.flatMap { $0 }, in: versions)
            #expect(segments.flatMap(\.characters) == runs.flatMap { $0 })
            let fewest = fewestBits(of: runs[...], behind: [], in: versions)
            #expect(Segment.bitCount(of: segments, in: versions) == fewest, "\(segments)")
        }
    }

    private func fewestBits(
        of runs: ArraySlice<[UInt8]>, behind segments: [Segment], in versions: VersionClass
    ) -> Int {
        guard let run = runs.first else { return Segment.bitCount(of: segments, in: versions) }
        let least = Segment.Mode.allCases.firstIndex { $0.example == run[0] } ?? 0
        return Segment.Mode.allCases[least...].map { mode in
            var longer = segments
            if let last = longer.last, last.mode == mode {
                longer[longer.count - 1] = Segment(mode: mode, characters: last.characters + run)
            } else {
                longer.append(Segment(mode: mode, characters: run))
            }
            return fewestBits(of: runs.dropFirst(), behind: longer, in: versions)
        }.min() ?? 0
    }
}
