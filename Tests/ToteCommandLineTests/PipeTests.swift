import Foundation
import Testing
import ToteCommandLine

@Suite struct PipeTests {
    /// A pipe that nobody waits on: writing must survive partial writes and a full buffer.
    @Test func `a text larger than the pipe arrives whole, also when it is non-blocking`() async {
        let pipe = Pipe()
        let writer = pipe.fileHandleForWriting
        _ = fcntl(writer.fileDescriptor, F_SETFL, O_NONBLOCK)
        let text = String(repeating: "every byte counts\n", count: 20_000)
        async let written = Task.detached {
            let isWhole = Terminal.write(text, to: writer.fileDescriptor)
            try? writer.close()
            return isWhole
        }.value
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        #expect(await written)
        #expect(String(decoding: data, as: UTF8.self) == text)
    }

    @Test func `a reader that left ends the writing`() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        #expect(!Terminal.write("lost", to: pipe.fileHandleForWriting.fileDescriptor))
    }
}
