import ToteCommandLine
import ToteServer

/// `tote openapi`.
enum APICommands {
    /// JSON whether `--json` is given or not.
    static func openAPI(_ output: Output) -> ExitCode {
        output.terminal.writeOut(String(decoding: OpenAPIDocument.bytes, as: UTF8.self))
        return .success
    }
}
