import Glibc
import ToteClient
import ToteCommandLine

/// Verbs that change what is around the app: network, clock, process, account.
extension DeviceSession {
    func runWorld(_ line: VerbLine) async throws -> Answer? {
        switch line.verb.name {
        case "net": return try await runNet(line.words)
        case "clock":
            guard let word = line.words.first else {
                return Answer(lines: [ClockSkew.text(settings.skewMilliseconds)])
            }
            guard let skew = word == "reset" ? 0 : ClockSkew.parse(word) else {
                throw VerbFailure(
                    .usage, "'\(word)' is no time: write clock +1d, clock -10y or clock reset")
            }
            try change { $0.skewMilliseconds = skew }
            return Answer(lines: [ClockSkew.text(skew)])
        case "reboot":
            let uptime = SystemClock.device.reading().uptimeMilliseconds
            try change { settings in
                settings.boots += 1
                settings.bootedMilliseconds = uptime
            }
            return Answer(lines: ["started anew"])
        case "trace": return try await runTrace(line.words)
        case "kill":
            // SIGKILL to itself: nothing gets a chance to tidy up.
            Glibc.kill(getpid(), SIGKILL)
            return Answer(isLast: true)
        case "sign-in":
            let words = try VerbWords(line)
            try words.atMost(2)
            let word = words.options["carts"] ?? CartPolicy.union.rawValue
            guard let policy = CartPolicy(rawValue: word),
                words.options.keys.allSatisfy({ $0 == "carts" })
            else { throw VerbFailure(.usage, "carts is union, max or replace: carts=max") }
            try await signIn(
                customer: words.plain.first,
                tokenFile: words.plain.count > 1 ? Files.absolute(words.plain[1]) : nil,
                carts: policy)
            return Answer(lines: ["signed in as \(customer)"])
        case "joins":
            let joins = await tote.joins
            return Answer(
                lines: joins.isEmpty ? ["no guest has joined"] : joins.flatMap(DeviceText.join))
        case "sign-out":
            try await signOut()
            return Answer(lines: ["signed out: a guest's documents show"])
        case "erase":
            try await tote.eraseAccount()
            try change { $0.isSignedOut = true }
            return Answer(lines: ["nothing of the customer is here any more"])
        case "wait":
            guard let time = DurationText.parse(line.words[0]) else {
                throw VerbFailure(.usage, "'\(line.words[0])' is no time: write wait 500ms")
            }
            try await SystemClock.device.sleep(time)
            return Answer()
        default: return nil
        }
    }

    private func runNet(_ words: [String]) async throws -> Answer {
        guard !words.isEmpty else { return Answer(lines: ["network \(settings.network)"]) }
        let wanted = try NetworkWords(words)
        switch wanted {
        case .profile(let profile, let name): try await use(profile, named: name)
        case .fault(let fault, let times, _): link.add(fault, times: times)
        }
        return Answer(lines: [wanted.said])
    }

    private func runTrace(_ words: [String]) async throws -> Answer {
        switch (words[0], words.count) {
        case ("on", 1):
            try await tote.startTrace()
            return Answer(lines: ["notes what it does from now on"])
        case ("off", 1):
            try await tote.stopTrace()
            return Answer(lines: ["the trace is forgotten"])
        case ("save", 2):
            let bytes = try await tote.exportTrace()
            try Files.write(bytes, to: Files.absolute(words[1]))
            return Answer(lines: ["saved: `tote-sim replay \(words[1])` does it again"])
        default: throw VerbFailure(.usage, "write: trace on, trace off, or trace save FILE")
        }
    }
}
