import Foundation
import Testing
import ToteSimulation

@Test func `one seed`() throws {
    guard let text = ProcessInfo.processInfo.environment["ONE"] else { return }
    let parts = text.split(separator: ":")
    let world = try World(
        seed: UInt64(parts[1]) ?? 0, family: WorldOptions.Family(rawValue: String(parts[0]))!)
    do { try world.run() } catch let failure as WorldFailure {
        FileHandle.standardError.write(
            Data("\(failure)\n\(failure.lines.joined(separator: "\n"))\n".utf8))
    }
}
