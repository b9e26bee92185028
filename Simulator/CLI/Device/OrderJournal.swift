import ToteConcurrency

/// The orders that were placed on a device, and when the server's decision came: kept in a file, so
/// that a killed device still knows what a person saw on its screen.
final class OrderJournal: Sendable {
    struct Entry: Hashable, Sendable {
        /// The order's id.
        let order: String
        let receipt: String
        /// When the person tapped: milliseconds since 1970, the true time.
        let tappedAt: UInt64
        /// When the device knew what became of it.
        var fateAt: UInt64?
    }

    private let path: String
    private let state: Lock<[Entry]>

    /// Reads the file, if there is one.
    init(_ path: String) {
        self.path = path
        var entries: [Entry] = []
        let text = String(decoding: (try? Files.read(path)) ?? [], as: UTF8.self)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 4, words[0] == "tap", let time = UInt64(words[3]) {
                entries.append(Entry(order: words[1], receipt: words[2], tappedAt: time))
            } else if words.count == 3, words[0] == "fate", let time = UInt64(words[2]),
                let index = entries.firstIndex(where: { $0.receipt == words[1] })
            {
                entries[index].fateAt = time
            }
        }
        state = Lock(entries)
    }

    var entries: [Entry] { state.withLock { $0 } }

    func note(order: String, receipt: String, tappedAt: UInt64) {
        state.withLock { entries in
            entries.append(Entry(order: order, receipt: receipt, tappedAt: tappedAt))
            append("tap \(order) \(receipt) \(tappedAt)\n")
        }
    }

    func note(fateOf receipt: String, at time: UInt64) {
        state.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.receipt == receipt }),
                entries[index].fateAt == nil
            else { return }
            entries[index].fateAt = time
            append("fate \(receipt) \(time)\n")
        }
    }

    private func append(_ line: String) {
        // Legal to fail: the order itself is in the device's own file.
        Files.append(Array(line.utf8), to: path)
    }
}
