import Glibc
import Synchronization

/// When to colour.
package enum ColorChoice: String, Sendable {
    /// On a terminal that is not dumb, unless `NO_COLOR` is set.
    case auto
    /// Even into a file or a pipe.
    case always
    /// Nowhere.
    case never
}

/// How a piece of text looks; the raw value is the parameter of the escape sequence.
package enum TextStyle: Int, Sendable {
    /// Stands out without a colour.
    case bold = 1
    /// Stands back.
    case dim = 2
    /// Something is wrong.
    case red = 31
    /// Something is right.
    case green = 32
    /// Something needs a look.
    case yellow = 33
    /// A name or a value.
    case blue = 34
    /// A place: a path, an address.
    case cyan = 36
}

/// A descriptor of this process that text can be written to.
package enum OutputStream: Int32, Sendable {
    /// The result: what a pipe carries on.
    case out = 1
    /// What is said beside it: errors, progress, prompts.
    case error = 2
}

/// What stdout and stderr are connected to, found out once at the start.
package struct Terminal: Sendable {
    /// Whether stdin is a terminal.
    package let inputIsTerminal: Bool
    /// Whether stdout is a terminal.
    package let outIsTerminal: Bool
    /// Whether stderr is a terminal.
    package let errorIsTerminal: Bool
    private let colorsOut: Bool
    private let colorsError: Bool

    /// Looks at the three descriptors, and at `NO_COLOR` and `TERM` in `environment`.
    package init(
        color: ColorChoice = .auto,
        environment: [String: String] = ProcessEnvironment.read(["NO_COLOR", "TERM"])
    ) {
        self.init(
            color: color, environment: environment,
            inputIsTerminal: isatty(0) == 1, outIsTerminal: isatty(1) == 1,
            errorIsTerminal: isatty(2) == 1)
    }

    /// The same with the answers given.
    package init(
        color: ColorChoice, environment: [String: String], inputIsTerminal: Bool,
        outIsTerminal: Bool, errorIsTerminal: Bool
    ) {
        self.inputIsTerminal = inputIsTerminal
        self.outIsTerminal = outIsTerminal
        self.errorIsTerminal = errorIsTerminal
        // no-color.org: set *and not empty* counts.
        let unwanted = environment["NO_COLOR"]?.isEmpty == false || environment["TERM"] == "dumb"
        switch color {
        case .auto:
            (colorsOut, colorsError) = (outIsTerminal && !unwanted, errorIsTerminal && !unwanted)
        case .always: (colorsOut, colorsError) = (true, true)
        case .never: (colorsOut, colorsError) = (false, false)
        }
    }

    /// Whether text on `stream` is coloured.
    package func colors(_ stream: OutputStream) -> Bool {
        stream == .out ? colorsOut : colorsError
    }

    /// `text` in that style, or `text` alone where there is no colour.
    package func style(_ style: TextStyle, _ text: String, on stream: OutputStream = .out) -> String
    {
        colors(stream) ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The width of stderr's terminal in columns; 80 when it is none.
    package var columns: Int {
        var size = winsize()
        guard ioctl(OutputStream.error.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0
        else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes to stdout, as it is: add the line break yourself.
    /// - Returns: false if the reader is gone or the disk is full; a caller that goes on writing
    ///   should stop then.
    @discardableResult
    package func writeOut(_ text: String) -> Bool {
        guard !Self.write(text, to: OutputStream.out.rawValue) else { return true }
        // A reader that has gone, like `head`, has what it wanted.
        if errno != EPIPE { Self.outputError.store(errno, ordering: .relaxed) }
        return false
    }

    /// Why something could not be written to stdout; 0 while everything could, or the reader went.
    static let outputError = Atomic<Int32>(0)

    /// Writes to stderr, as it is: add the line break yourself.
    /// - Returns: false if nobody reads it.
    @discardableResult
    package func writeError(_ text: String) -> Bool {
        Self.write(text, to: OutputStream.error.rawValue)
    }

    /// Prints `prompt` when a person is there to read it, then reads a line from stdin.
    /// - Returns: the line without its break, nil at the end of the input.
    package func readInputLine(prompt: String) -> String? {
        // On stderr, so that a prompt never becomes part of a piped result.
        if inputIsTerminal && errorIsTerminal { writeError(prompt) }
        return readLine(strippingNewline: true)
    }

    /// Writes all of `text`, however many calls that takes. Needs SIGPIPE ignored to see EPIPE.
    package static func write(_ text: String, to descriptor: Int32) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let start = rest.baseAddress, !rest.isEmpty {
                let written = Glibc.write(descriptor, start, rest.count)
                if written >= 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                } else if errno == EAGAIN {
                    // Legal: whoever shares the terminal with us made it non-blocking.
                    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&ready, 1, -1)
                } else if errno != EINTR {
                    return false
                }
            }
            return true
        }
    }
}

/// The environment, one variable at a time: the whole of it is a C global that Swift 6 refuses.
package enum ProcessEnvironment {
    /// The values of those of `names` that are set.
    package static func read(_ names: [String]) -> [String: String] {
        var values: [String: String] = [:]
        for name in names {
            if let value = getenv(name) { values[name] = String(cString: value) }
        }
        return values
    }

    /// The names of all that is set.
    package static func names() -> [String] {
        var names: [String] = []
        var next = environ
        while let entry = next.pointee {
            names.append(String(String(cString: entry).prefix { $0 != "=" }))
            next += 1
        }
        return names
    }
}
