/// What a person does at a terminal while a line is written.
enum Keystroke: Hashable, Sendable {
    case text(Unicode.Scalar)
    case enter
    case tab
    case backspace
    case delete
    case left
    case right
    case start
    case end
    case up
    case down
    /// Ctrl-C.
    case interrupt
    /// Ctrl-D.
    case endOfInput
    /// Ctrl-K, Ctrl-U and Ctrl-W: what is after, before, and the word before the cursor goes.
    case eraseAfter
    case eraseBefore
    case eraseWord
    /// Ctrl-L.
    case clearScreen
}

/// Makes keys of the bytes of a terminal: UTF-8, control characters, escape sequences (ECMA-48).
struct KeystrokeReader {
    private enum State {
        case plain
        case escape
        /// Behind ESC [ or ESC O, with the parameters so far.
        case sequence(String)
        case scalar([UInt8], count: Int)
    }

    private var state = State.plain

    /// Takes a byte; answers a key when the byte ends one. Sequences that mean nothing here vanish.
    mutating func key(_ byte: UInt8) -> Keystroke? {
        switch state {
        case .plain: return plain(byte)
        case .escape:
            let opens = byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O")
            state = opens ? .sequence("") : .plain
            return nil
        case .sequence(let parameters):
            guard byte >= 0x40 else {
                let more = parameters + String(decoding: [byte], as: UTF8.self)
                // Legal: no sequence is that long; what follows is read as text.
                state = more.utf8.count > 16 ? .plain : .sequence(more)
                return nil
            }
            state = .plain
            return Self.sequence(parameters, byte)
        case .scalar(let bytes, let count):
            guard byte & 0xC0 == 0x80 else {
                state = .plain
                return plain(byte)
            }
            let whole = bytes + [byte]
            guard whole.count == count else {
                state = .scalar(whole, count: count)
                return nil
            }
            state = .plain
            let text = String(validating: whole, as: UTF8.self)
            return text?.unicodeScalars.first.map(Keystroke.text)
        }
    }

    private mutating func plain(_ byte: UInt8) -> Keystroke? {
        switch byte {
        case 0x01: return .start
        case 0x02: return .left
        case 0x03: return .interrupt
        case 0x04: return .endOfInput
        case 0x05: return .end
        case 0x06: return .right
        case 0x08, 0x7F: return .backspace
        case 0x09: return .tab
        case 0x0A, 0x0D: return .enter
        case 0x0B: return .eraseAfter
        case 0x0C: return .clearScreen
        case 0x0E: return .down
        case 0x10: return .up
        case 0x15: return .eraseBefore
        case 0x17: return .eraseWord
        case 0x1B:
            state = .escape
            return nil
        case 0x20...0x7E: return .text(Unicode.Scalar(byte))
        case 0xC2...0xDF: state = .scalar([byte], count: 2)
        case 0xE0...0xEF: state = .scalar([byte], count: 3)
        case 0xF0...0xF4: state = .scalar([byte], count: 4)
        default: break  // Legal: a control character without a meaning here.
        }
        return nil
    }

    private static func sequence(_ parameters: String, _ last: UInt8) -> Keystroke? {
        switch (parameters, Character(Unicode.Scalar(last))) {
        case (_, "A"): .up
        case (_, "B"): .down
        case (_, "C"): .right
        case (_, "D"): .left
        case (_, "H"), ("1", "~"), ("7", "~"): .start
        case (_, "F"), ("4", "~"), ("8", "~"): .end
        case ("3", "~"): .delete
        default: nil
        }
    }
}
