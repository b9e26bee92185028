import Glibc
import ToteCommandLine

/// What a client did that the protocol does not allow, or did not do.
struct ConformanceFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A client in any language, which answers a line of JSON with a line of JSON
/// (Protocol/conformance.md).
final class ConformanceClient {
    private let process: ChildProcess

    private static let answerLimit: Duration = .seconds(10)
    private static let syncLimit: Duration = .seconds(60)

    /// Starts the command; its standard error is this program's.
    init(_ command: [String]) throws {
        let program = try Self.find(command[0])
        process = try ChildProcess(program, Array(command.dropFirst()), errors: nil)
    }

    /// Asks for one thing.
    ///
    /// - Throws: `ConformanceFault` when no answer comes in time, or none that is one.
    func ask(_ request: JSONText) throws -> JSONText {
        let verb = request["do"]?.text ?? ""
        guard process.write(request.compact) else { throw ended(verb) }
        let line: String?
        do {
            line = try process.readLine(within: verb == "sync" ? Self.syncLimit : Self.answerLimit)
        } catch {
            throw ConformanceFault("\(verb) is not answered in time")
        }
        guard let line else { throw ended(verb) }
        guard let answer = try? JSONText.read(line), case .object = answer else {
            throw ConformanceFault("\(verb) is answered with no JSON object: \(line.prefix(200))")
        }
        if let error = answer["error"]?.text { throw ConformanceFault("\(verb): \(error)") }
        return answer
    }

    /// Asks for something, and kills the client before it can answer.
    func killDuring(_ request: JSONText, after delay: Duration) {
        _ = process.write(request.compact)
        _ = process.wait(atMost: delay)
        kill()
    }

    func kill() { process.end() }

    /// Closes its input and waits for it to end, as it must.
    func end() throws {
        process.endInput()
        guard process.wait(atMost: Self.answerLimit) != nil else {
            process.end()
            throw ConformanceFault("the client does not end when its input ends")
        }
    }

    private func ended(_ verb: String) -> ConformanceFault {
        let end = process.wait(atMost: .seconds(1)).map { "\($0)" } ?? "closed its output"
        return ConformanceFault("the client \(end) instead of answering \(verb)")
    }

    private static func find(_ word: String) throws -> String {
        if word.contains("/") { return word }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        for folder in path.split(separator: ":") where access("\(folder)/\(word)", X_OK) == 0 {
            return "\(folder)/\(word)"
        }
        throw RunFailure(.unavailable, "there is no command \(word)")
    }
}

extension JSONText {
    /// Reads JSON with whole numbers only.
    static func read(_ text: String) throws(TextError) -> JSONText {
        JSONText(try JSONTextReader.read(text))
    }

    private init(_ node: TextNode) {
        self =
            switch node.kind {
            case .null: .null
            case .bool(let flag): .bool(flag)
            case .number(let number): .int(number)
            case .string(let string): .string(string)
            case .array(let elements): .array(elements.map { JSONText($0) })
            case .object(let members):
                .object(members.map { (name: $0.name, value: JSONText($0.value)) })
            }
    }

    subscript(name: String) -> JSONText? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var int: Int? { if case .int(let int) = self { int } else { nil } }
    var elements: [JSONText] { if case .array(let elements) = self { elements } else { [] } }

    /// Whether both are the same JSON, members in any order.
    func isSame(as other: JSONText) -> Bool {
        switch (self, other) {
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { member in
                    other[member.name].map { member.value.isSame(as: $0) } ?? false
                }
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        default: compact == other.compact
        }
    }
}
