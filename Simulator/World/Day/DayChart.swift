internal import ToteCore

/// What a page about a day draws: the history, by device and moment. Milliseconds since the day
/// began.
package struct DayChart: Sendable {
    /// A request and what became of it.
    package struct Message: Sendable {
        package var device: Int
        package var kind: String
        package var changes: Int
        package var sent: UInt64
        /// When the answer was taken in; `nil` for none.
        package var answered: UInt64?
        package var status: Int?
        package var isDropped = false
    }

    package struct Mark: Sendable {
        package var at: UInt64
        /// `nil` for what strikes everybody.
        package var device: Int?
        package var word: String
        package var isFault: Bool
    }

    /// How long something took, each time. Milliseconds of true time.
    package struct Latency: Sendable {
        package var name: String
        /// Ascending.
        package fileprivate(set) var milliseconds: [UInt64] = []
        /// How often it had not come about when the day ended.
        package fileprivate(set) var unfinished = 0

        /// What so many of a hundred took at most; `nil` when nothing was finished.
        package func percentile(_ percent: Int) -> UInt64? {
            guard !milliseconds.isEmpty else { return nil }
            return milliseconds[max(0, (milliseconds.count * percent + 99) / 100 - 1)]
        }

        /// How many took less than 2, 4, 8 … milliseconds, and no less than half of that.
        package var octaves: [Int] {
            var counts: [Int] = []
            for time in milliseconds {
                let octave = max(1, UInt64.bitWidth - time.leadingZeroBitCount) - 1
                if octave >= counts.count {
                    counts += Array(repeating: 0, count: octave + 1 - counts.count)
                }
                counts[octave] += 1
            }
            return counts
        }
    }

    /// From when a user acted until the device was told that it took effect, by what the user did;
    /// and from a request to its answer. Users act when they like, whatever became of what they did
    /// before: no wait of theirs hides a slow answer (coordinated omission).
    package private(set) var latencies: [Latency] = []
    package private(set) var messages: [Message] = []
    package private(set) var marks: [Mark] = []
    /// When faults ended; `nil` when the day broke before.
    package private(set) var healed: UInt64?
    package private(set) var end: UInt64 = 0

    package init(_ history: [Stamped]) {
        var open: [UInt64: Int] = [:]
        var acted: [Nonce: (at: UInt64, act: Record.Act)] = [:]
        var told: [Record.Act: [UInt64]] = [:]
        for stamped in history {
            end = stamped.at
            switch stamped.record {
            case .sent(let device, let request, let kind, let nonces, _):
                open[request] = messages.count
                messages.append(
                    Message(device: device, kind: kind, changes: nonces.count, sent: stamped.at))
            case .answered(_, let request, let status, _, _, let fates):
                for nonce in fates {
                    guard let act = acted.removeValue(forKey: nonce) else { continue }
                    told[act.act, default: []].append(stamped.at - act.at)
                }
                guard let index = open[request] else { continue }
                messages[index].answered = stamped.at
                messages[index].status = status
            case .dropped(_, let request):
                guard let index = open[request] else { continue }
                messages[index].isDropped = true
                messages[index].answered = stamped.at
            case .acted(let device, _, let act, let nonce, _, _):
                acted[nonce] = (stamped.at, act)
                mark(stamped.at, device, act.rawValue, isFault: false)
            case .struck(let fault, let device):
                mark(stamped.at, device, fault.rawValue, isFault: true)
            case .counter(_, let what, _, let status):
                mark(stamped.at, nil, "\(what) \(status)", isFault: false)
            case .healed: healed = stamped.at
            default: continue
            }
        }
        for act in [
            Record.Act.edit, .guest, .place, .cancel, .reserve, .release, .activate,
        ] {
            latencies.append(
                Latency(
                    name: act.rawValue, milliseconds: told[act, default: []].sorted(),
                    unfinished: acted.values.count { $0.act == act }))
        }
        let exchanges = messages.filter { !$0.isDropped }
        latencies.append(
            Latency(
                name: "exchange",
                milliseconds: exchanges.compactMap { message in
                    message.answered.map { $0 - message.sent }
                }.sorted(), unfinished: exchanges.count { $0.answered == nil }))
    }

    private mutating func mark(_ at: UInt64, _ device: Int?, _ word: String, isFault: Bool) {
        marks.append(Mark(at: at, device: device, word: word, isFault: isFault))
    }
}
