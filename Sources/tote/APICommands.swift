import ToteCommandLine
import ToteServer

/// `tote openapi`.
enum APICommands {
    static func openAPI(_ output: Output) -> ExitCode {
        output.document(
            OpenAPIDocument.value, String(decoding: OpenAPIDocument.bytes, as: UTF8.self))
        return .success
    }
}
