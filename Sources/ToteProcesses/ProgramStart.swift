#if os(Linux)
    internal import CLinux
    internal import Glibc

    /// A program to start as a process of its own, and what it finds there.
    ///
    /// It gets three descriptors and no other of this process, and no blocked signals.
    package struct ProgramStart: Sendable {
        /// How a process ended.
        package enum End: Hashable, Sendable, CustomStringConvertible {
            case exited(Int32)
            case killed(signal: Int32)

            /// Its status, or the number of the signal that ended it.
            package var number: Int32 {
                switch self {
                case .exited(let code): code
                case .killed(let signal): signal
                }
            }

            package var description: String {
                switch self {
                case .exited(let code): "exited with \(code)"
                case .killed(let signal): "was ended by signal \(signal)"
                }
            }
        }

        /// Nothing was started.
        package struct Failure: Error, CustomStringConvertible {
            package let description: String

            package init(description: String) { self.description = description }
        }

        /// The path of its file.
        package var program: String
        package var arguments: [String]
        /// `NAME=value`, all that it gets.
        package var environment: [String]
        /// Where it runs; `nil` for where this process does.
        package var directory: String?
        /// What its standard input, output and errors are: open descriptors of this process, which
        /// stay the caller's to close.
        package var descriptors: (input: Int32, output: Int32, errors: Int32)

        package init(
            _ program: String, _ arguments: [String], environment: [String],
            directory: String? = nil,
            descriptors: (input: Int32, output: Int32, errors: Int32) = (0, 1, 2)
        ) {
            self.program = program
            self.arguments = arguments
            self.environment = environment
            self.directory = directory
            self.descriptors = descriptors
        }

        /// Starts it, in a process group of its own: Ctrl-C is the caller's to pass on.
        ///
        /// - Returns: the id of its process, which somebody has to `wait` for.
        package func run() throws(Failure) -> Int32 {
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            let ends = [descriptors.input, descriptors.output, descriptors.errors]
            for (index, end) in ends.enumerated() {
                posix_spawn_file_actions_adddup2(&actions, end, Int32(index))
            }
            // Whatever else is open here, in whatever thread, is nobody's there.
            posix_spawn_file_actions_addclosefrom_np(&actions, 3)
            if let directory { posix_spawn_file_actions_addchdir_np(&actions, directory) }
            var attributes = posix_spawnattr_t()
            posix_spawnattr_init(&attributes)
            defer { posix_spawnattr_destroy(&attributes) }
            var none = sigset_t()
            sigemptyset(&none)
            var piped = sigset_t()
            sigemptyset(&piped)
            sigaddset(&piped, SIGPIPE)
            posix_spawnattr_setsigmask(&attributes, &none)
            posix_spawnattr_setsigdefault(&attributes, &piped)
            posix_spawnattr_setpgroup(&attributes, 0)
            posix_spawnattr_setflags(
                &attributes,
                Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
            var id: Int32 = 0
            let code = Self.withPointers([program] + arguments) { words in
                Self.withPointers(environment) { environment in
                    posix_spawn(&id, program, &actions, &attributes, words, environment)
                }
            }
            guard code == 0 else {
                throw Failure(
                    description: "\(program) cannot be started: \(String(cString: strerror(code)))")
            }
            return id
        }

        /// Waits until a process that was started has ended; each is waited for once.
        package static func wait(for id: Int32) -> End {
            var status: Int32 = 0
            var waited = waitpid(id, &status, 0)
            while waited < 0, errno == EINTR { waited = waitpid(id, &status, 0) }
            precondition(waited == id, "process \(id) is nobody's to wait for: error \(errno)")
            let signal = status & 0x7F
            return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
        }

        private static func withPointers<Result>(
            _ words: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
        ) -> Result {
            let pointers = words.map { strdup($0) }
            defer { pointers.forEach { free($0) } }
            return body(pointers + [nil])
        }
    }
#endif
