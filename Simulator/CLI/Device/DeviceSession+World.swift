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
            let uptime = DeviceClock.system.reading().uptimeMilliseconds
            try change { settings in
                settings.boots += 1
                settings.bootedMilliseconds = uptime
            }
            return Answer(lines: ["started anew"])
        case "kill":
            // SIGKILL to itself: nothing gets a chance to tidy up.
            Glibc.kill(getpid(), SIGKILL)
            return Answer(isLast: true)
        case "sign-in":
            let words = line.words
            try await signIn(
                customer: words.first, tokenFile: words.count > 1 ? Files.absolute(words[1]) : nil)
            return Answer(lines: ["signed in as \(customer)"])
        case "sign-out":
            try await signOut()
            return Answer(lines: ["signed out: a guest's documents show"])
        case "wait":
            guard let time = DurationText.parse(line.words[0]) else {
                throw VerbFailure(.usage, "'\(line.words[0])' is no time: write wait 500ms")
            }
            try await Task.sleep(for: time)
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
}
