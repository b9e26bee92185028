import Glibc
package import ToteCore
internal import ToteConcurrency

/// JSON lines on standard error. Never a token, a customer's id or a body: routes and codes only.
package final class Log: Sendable {
    package enum Level: Int, Sendable, CaseIterable {
        case debug, info, warning, error

        package var name: String { "\(self)" }
    }

    package let least: Level
    private let write: @Sendable ([UInt8]) -> Void

    /// A log that drops what is below a level.
    package init(
        least: Level = .info,
        write: @escaping @Sendable ([UInt8]) -> Void = Log.writeToStandardError
    ) {
        self.least = least
        self.write = write
    }

    package func isOn(_ level: Level) -> Bool { level.rawValue >= least.rawValue }

    /// Writes one line: time, level, message, then the members in their order.
    package func line(_ level: Level, _ message: String, _ members: [(String, Value)] = []) {
        guard isOn(level) else { return }
        let entries =
            [
                Value.Entry("time", .text(SystemClock.text(SystemClock.nowMilliseconds()))),
                Value.Entry("level", .text(level.name)), Value.Entry("message", .text(message)),
            ] + members.map { Value.Entry($0.0, $0.1) }
        write(Encoding.json.encode(.map(entries)) + [0x0A])
    }

    /// One write per line, so that lines of several threads do not mix.
    package static func writeToStandardError(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = Glibc.write(2, part.baseAddress, part.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    return  // Legal: nobody reads the log any more; the service goes on.
                }
                rest = rest.dropFirst(count)
            }
        }
    }
}
