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

    package private(set) var messages: [Message] = []
    package private(set) var marks: [Mark] = []
    /// When faults ended; `nil` when the day broke before.
    package private(set) var healed: UInt64?
    package private(set) var end: UInt64 = 0

    package init(_ history: [Stamped]) {
        var open: [UInt64: Int] = [:]
        for stamped in history {
            end = stamped.at
            switch stamped.record {
            case .sent(let device, let request, let kind, let nonces, _):
                open[request] = messages.count
                messages.append(
                    Message(device: device, kind: kind, changes: nonces.count, sent: stamped.at))
            case .answered(_, let request, let status, _, _, _):
                guard let index = open[request] else { continue }
                messages[index].answered = stamped.at
                messages[index].status = status
            case .dropped(_, let request):
                guard let index = open[request] else { continue }
                messages[index].isDropped = true
                messages[index].answered = stamped.at
            case .acted(let device, _, let act, _, _, _):
                mark(stamped.at, device, act.rawValue, isFault: false)
            case .struck(let fault, let device):
                mark(stamped.at, device, fault.rawValue, isFault: true)
            case .counter(_, let what, _, let status):
                mark(stamped.at, nil, "\(what) \(status)", isFault: false)
            case .healed: healed = stamped.at
            default: continue
            }
        }
    }

    private mutating func mark(_ at: UInt64, _ device: Int?, _ word: String, isFault: Bool) {
        marks.append(Mark(at: at, device: device, word: word, isFault: isFault))
    }
}
