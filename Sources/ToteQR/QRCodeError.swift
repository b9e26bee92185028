/// Why there is no symbol.
public struct QRCodeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a program may branch on.
    public struct Reason: RawRepresentable, Hashable, Sendable {
        /// The reason's name.
        public let rawValue: String
        /// A reason by its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// More than the largest symbol holds at the correction that was asked for.
        public static let tooLong = Reason(rawValue: "too_long")
    }

    /// What a program may branch on.
    public let reason: Reason
    /// For a human: what happened, with the numbers, and what to do about it.
    public let message: String
    /// The message.
    public var description: String { message }

    static func tooLong(bits: Int, atMost bitsMax: Int) -> QRCodeError {
        QRCodeError(
            reason: .tooLong,
            message: "needs \(bits) bits, the largest QR code has \(bitsMax) at this correction; "
                + "shorten the content or lower the correction")
    }

    static func tooLong(characters: Int) -> QRCodeError {
        QRCodeError(
            reason: .tooLong,
            message: "has \(characters) bytes, the largest QR code holds "
                + "\(Segmentation.charactersMax) digits; shorten the content")
    }
}
