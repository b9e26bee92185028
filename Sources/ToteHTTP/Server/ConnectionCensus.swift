import ToteConcurrency

/// Counts connections, in all and by address, for the limits that span all loops.
final class ConnectionCensus: Sendable {
    /// Which limit a connection met.
    enum Refusal {
        case total(atMost: Int)
        case address(atMost: Int)

        var failure: HTTPFailure {
            switch self {
            case .total(let limit): .tooManyConnections("\(limit) connections are open")
            case .address(let limit):
                .tooManyConnections("\(limit) connections of this address are open")
            }
        }
    }

    private struct State {
        var total = 0
        var byAddress: [AddressBits: Int] = [:]
    }

    private let state = Lock(State())
    private let totalAtMost: Int
    private let perAddressAtMost: Int
    private let exempt: Set<AddressBits>

    init(totalAtMost: Int, perAddressAtMost: Int, exempt: Set<AddressBits>) {
        self.totalAtMost = totalAtMost
        self.perAddressAtMost = perAddressAtMost
        self.exempt = exempt
    }

    var total: Int { state.withLock { $0.total } }

    /// Counts a new connection in.
    ///
    /// - Parameter address: nil for the Unix socket, which no address limit holds back.
    /// - Returns: why it is one too many, and then it is not counted; nil if it is welcome.
    func enter(_ address: AddressBits?) -> Refusal? {
        let key = address.flatMap { exempt.contains($0) ? nil : $0.countedAs }
        return state.withLock { state in
            guard state.total < totalAtMost else {
                return .total(atMost: totalAtMost)
            }
            if let key {
                let count = state.byAddress[key, default: 0]
                guard count < perAddressAtMost else {
                    return .address(atMost: perAddressAtMost)
                }
                state.byAddress[key] = count + 1
            }
            state.total += 1
            return nil
        }
    }

    /// Counts a connection out that `enter` has welcomed.
    func leave(_ address: AddressBits?) {
        let key = address.flatMap { exempt.contains($0) ? nil : $0.countedAs }
        state.withLock { state in
            state.total -= 1
            guard let key, let count = state.byAddress[key] else { return }
            state.byAddress[key] = count > 1 ? count - 1 : nil
        }
    }
}
