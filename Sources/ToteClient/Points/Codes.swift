public import ToteCore
public import ToteQR

extension MemberCode {
    /// What the phone shows: good for half a minute, then a new one is drawn.
    public var qrCode: QRCode { QRCode(ofCode: text) }
}

extension LeaseCode {
    /// What the phone shows: good for half a minute, then a new one is drawn.
    public var qrCode: QRCode { QRCode(ofCode: text) }
}

extension QRCode {
    fileprivate init(ofCode text: String) {
        do {
            try self.init(text)
        } catch {
            // The text is bounded: 256 characters at most, of those that take the least room.
            preconditionFailure("a code of \(text.utf8.count) bytes does not fit: \(error)")
        }
    }
}
