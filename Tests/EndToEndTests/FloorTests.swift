import Testing

/// `tote-sim floor`: what a shop floor's devices keep, and forget.
@Suite(.timeLimit(.minutes(10))) struct FloorTests {
    @Test func `minutes on a shop floor keep every promise, and are the same again`() async throws {
        let words = ["floor", "--seeds", "5..6", "--length", "4m", "--steps"]
        let first = try await SimulatorProgram.run("tote-sim", words)
        #expect(first.exit == 0, "\(first)")
        #expect(first.out.contains("every promise held"), "\(first.out.suffix(200))")
        let second = try await SimulatorProgram.run("tote-sim", words)
        #expect(first.out == second.out)
    }

    @Test func `a floor says what it takes`() async throws {
        let long = try await SimulatorProgram.run("tote-sim", ["floor", "--length", "3h"])
        #expect(long.exit == 64 && long.error.contains("10 s to 2 h"), "\(long)")
        let fault = try await SimulatorProgram.run(
            "tote-sim", ["floor", "--without", "swept"])
        #expect(fault.exit == 64, "\(fault)")
    }
}
