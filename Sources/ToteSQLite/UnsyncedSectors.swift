/// What a power cut may take back of a file: each sector that was written since it was last synced,
/// as it was then.
package struct UnsyncedSectors {
    /// What a power failure keeps or loses at once: a sector of old disks, and of SQLite's own
    /// model of them.
    package static let sectorBytes = 512

    /// By their number; short, or empty, where the file ended then.
    private var former: [Int: [UInt8]] = [:]
    /// What a sync that failed should have saved: no later one does (Rebello et al., "Can
    /// Applications Recover from fsync Failures?", USENIX ATC 2020), unless it is written again.
    private var doomed: Set<Int> = []
    /// How long the file was when it was last synced; `nil` while nothing was written since.
    private var formerCount: Int?

    /// Notes that bytes are about to be written, or cut off.
    ///
    /// - Parameters:
    ///   - count: how long the file is now.
    ///   - read: what the file has in a range, as far as it goes.
    mutating func willChange(
        _ range: Range<Int>, ofFileWith count: Int, read: (Range<Int>) -> [UInt8]
    ) {
        if formerCount == nil { formerCount = count }
        guard !range.isEmpty else { return }
        let size = Self.sectorBytes
        for sector in range.lowerBound / size...(range.upperBound - 1) / size {
            doomed.remove(sector)
            guard former[sector] == nil else { continue }
            let start = sector * size
            former[sector] = start < count ? read(start..<min(count, start + size)) : []
        }
    }

    /// What was written until now is durable.
    mutating func didSync(ofFileWith count: Int) {
        if doomed.isEmpty {
            former.removeAll(keepingCapacity: true)
        } else {
            former = former.filter { doomed.contains($0.key) }
        }
        formerCount = former.isEmpty ? nil : count
    }

    /// What was written until now is not durable, and stays so.
    mutating func didNotSync() { doomed.formUnion(former.keys) }

    /// What a file has after the power went.
    ///
    /// - Parameters:
    ///   - bytes: what it had.
    ///   - random: says for each sector whether it was kept, 64 bits at a time.
    package func remains(of bytes: [UInt8], _ random: () -> UInt64) -> [UInt8] {
        guard let formerCount else { return bytes }
        var kept = bytes
        // Where it was cut off, or grew: either of the two lengths.
        var end = bytes.count < formerCount && random() & 1 == 0 ? bytes.count : formerCount
        func put(_ former: [UInt8], at start: Int) {
            if kept.count < start + former.count {
                kept += repeatElement(0, count: start + former.count - kept.count)
            }
            kept.replaceSubrange(start..<start + former.count, with: former)
            let rest = start + former.count..<min(kept.count, start + Self.sectorBytes)
            for index in rest { kept[index] = 0 }
        }
        for (sector, former) in former.sorted(by: { $0.key < $1.key }) {
            let start = sector * Self.sectorBytes
            // What was cut off is there again, where the file's end is not.
            if doomed.contains(sector) || start >= bytes.count || random() & 1 == 0 {
                put(former, at: start)
            } else {
                end = max(end, min(bytes.count, start + Self.sectorBytes))
            }
        }
        if kept.count < end { kept += repeatElement(0, count: end - kept.count) }
        return Array(kept.prefix(end))
    }
}
