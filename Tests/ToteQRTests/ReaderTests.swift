import Foundation
import TestPrograms
import Testing
import ToteQR

/// Symbols read by ZBar, which nobody here wrote.
@Suite(.timeLimit(.minutes(2))) struct ReaderTests {
    /// Where continuous integration runs, a missing reader is a failure and no reason to skip.
    private static let mustRun = ProcessInfo.processInfo.environment["TOTE_CI"] == "1"

    private static let isInstalled: Bool = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/zbarimg") }
    }()

    /// A symbol and what a reader must find in it.
    private struct Case {
        var name: String
        var code: QRCode
        var content: [UInt8]
    }

    private static let texts = [
        "0", "A", "a", " ", "01234567", "TOTE 42:*", "QR Code Symbol", "Grüße", "漢字と仮名",
        "🥐 ☕ 7,90 €", "https://tote.example/pair?code=483-221", "HTTPS://TOTE.EXAMPLE/P/7H2K9",
        "https://tote.example/ORDER/000123456789012345/für Zoë", "line one\nline two\r\n\tend",
        #"{"device":"d-17","token":"x1.Zm9vYmFy.Zm9vYmFyYmF6","expires":1790000000}"#,
        String(repeating: "ab12AB-", count: 40), String(repeating: "3141592653", count: 30),
    ]

    private static func cases() throws -> [Case] {
        var cases = try texts.flatMap { text in
            try [QRCode.Correction.low, .high].map { correction in
                Case(
                    name: "\(text.prefix(20)) \(correction)",
                    code: try QRCode(text, minimumCorrection: correction),
                    content: Array(text.utf8))
            }
        }
        let bytes = (0...255).map { UInt8($0) }
        cases.append(Case(name: "bytes", code: try QRCode(bytes: bytes), content: bytes))
        let cut = Array("Zoë".utf8).dropLast()
        cases.append(Case(name: "cut", code: try QRCode(bytes: Array(cut)), content: Array(cut)))
        // Full symbols of versions around each change of the layout, under every mask.
        for (index, version) in [1, 2, 6, 7, 9, 10, 13, 14, 21, 26, 27, 32, 35, 40].enumerated() {
            let layout = BlockLayout(
                version: version, correction: QRCode.Correction.allCases[index % 4])
            let mode = Segment.Mode.allCases[index % 3]
            let content = (0..<mode.capacity(of: layout)).map { place in
                mode.example + UInt8(place * place % 7 % (mode == .numeric ? 2 : 7))
            }
            let segment = Segment(mode: mode, characters: content)
            let code = QRCode([segment], in: layout, mask: index % 8)
            cases.append(Case(name: "\(layout) \(mode)", code: code, content: content))
        }
        return cases
    }

    @Test(.enabled(if: mustRun || isInstalled, "zbarimg is missing"))
    func `a reader finds in each symbol what went into it`() throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("tote-qr-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let cases = try Self.cases()
        let files = try cases.enumerated().map { index, aCase in
            let file = directory.appendingPathComponent("\(index).pbm")
            try Data(aCase.code.portableBitmap(scale: 4)).write(to: file)
            return file.path
        }
        // Binary: contents as they are and nothing in between, instead of guessing the text's
        // encoding.
        let outcome = try TestProgram(
            "zbarimg", ["-q", "--raw", "-Sbinary"] + files
        ).waitForOutcome()
        #expect(outcome.exit == 0, "\(String(decoding: outcome.error, as: UTF8.self))")
        var rest = Array(outcome.out)[...]
        for aCase in cases {
            let found = rest.prefix(aCase.content.count)
            try #require(
                Array(found) == aCase.content,
                "\(aCase.name): version \(aCase.code.version), mask \(aCase.code.mask)")
            rest = rest.dropFirst(aCase.content.count)
        }
        #expect(rest.isEmpty)
    }
}
