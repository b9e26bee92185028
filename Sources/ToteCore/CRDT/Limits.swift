/// Every bound of documents and of the exchange. Protocol §9 lists them; a breach has an error
/// code.
package enum Limits {
    /// The greatest integer that both encodings carry exactly.
    package static let integerMax: Int64 = (1 << 53) - 1
    package static let collectionBytesMax = 128
    package static let itemBytesMax = 512
    package static let fieldBytesMax = 64
    /// Text in one register, names and all.
    package static let valueBytesMax = 4_096
    package static let valueDepthMax = 4
    /// The greatest amount of a base and of a delta, either way.
    package static let counterMax: Int64 = 1_000_000_000
    package static let writesPerChangeMax = 256
    package static let replacesPerWriteMax = 2_048
    package static let extensionsPerChangeMax = 16
    /// Live cells at one key. Devices stop at half of it for what is not yet sent.
    package static let cellsPerKeyMax = 1_024
    package static let unsentPerKeyMax = 512
    package static let cellsPerSpaceMax = 50_000
    package static let changesPerBatchMax = 100
    /// A batch's deterministic CBOR.
    package static let batchBytesMax = 256 * 1_024
    /// A request's body, in either encoding.
    package static let requestBytesMax = 1_024 * 1_024
    /// About how much of events or of a snapshot one reply carries before it says `more`.
    package static let replyBytesTarget = 256 * 1_024
    package static let formerIDsMax = 16
    package static let waitSecondsMax: UInt64 = 25
    /// How far ahead of the server's time a stamp may be.
    package static let clockAheadMillisecondsMax: UInt64 = 2_000
    /// How long the log is kept for pulling.
    package static let horizonMilliseconds: UInt64 = 90 * 24 * 3_600 * 1_000
    /// How long nonces and fates are kept for retries.
    package static let fateMilliseconds: UInt64 = 400 * 24 * 3_600 * 1_000
    /// How long a device keeps accepted changes that no backup covers.
    package static let uncoveredMilliseconds: UInt64 = 30 * 24 * 3_600 * 1_000
    package static let rejectionsPerSnapshotMax = 1_000
    package static let spaceNameBytesMax = 160
    /// Nesting of a message in either encoding.
    package static let messageDepthMax = 16
}
