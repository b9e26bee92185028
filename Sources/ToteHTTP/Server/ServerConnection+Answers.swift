import CLinux
import Glibc

extension ServerConnection {
    /// Bodies up to this many bytes are copied behind their head and sent with it.
    private static let copiedBodyBytesAtMost = 8 * 1024

    /// Takes the answer to a request; a second one, or one that nobody waits for, is dropped.
    func answer(_ sequence: UInt32, _ answer: Answer, isHeld: Bool) {
        guard let index = dueIndex(sequence), due[index].answer == nil else { return }
        due[index].answer = answer
        due[index].onDisconnect = nil
        due[index].isHeld = isHeld
        guard !isHeld else { return }
        if isRunning {
            encodeReady()
        } else {
            loop.mark(self)
        }
    }

    /// Lets go of the answers that were held.
    func releaseHeld() {
        guard due.contains(where: \.isHeld) else { return }
        for index in due.indices { due[index].isHeld = false }
        loop.mark(self)
    }

    /// Remembers whom to tell when the client goes away, or tells at once.
    func setNotice(_ sequence: UInt32, _ notice: @escaping @Sendable () -> Void) {
        guard let index = dueIndex(sequence) else {
            if sequence >= abandonedFrom { notice() }
            return
        }
        guard due[index].answer == nil else { return }
        due[index].onDisconnect = notice
        if inputEnded {
            abandon(from: index)
            loop.mark(self)
        }
    }

    /// Writes the answers that are ready and whose turn it is.
    func encodeReady() {
        while !isEnding, !due.isEmpty, due[0].answer != nil, !due[0].isHeld, largeBody.isEmpty,
            backlogBytes < loop.options.backlogBytesAtMost
        {
            // With one due, as is usual, nothing has to move up.
            let first = due.count == 1 ? due.removeLast() : due.removeFirst()
            dueBodyBytes -= first.bodyBytes
            quietSince = loop.nowMillis
            if let answer = first.answer { encode(answer.response(), for: first) }
        }
        guard parser.awaitsContinue, due.isEmpty, !hasTakenLast else { return }
        parser.awaitsContinue = false
        let buffer = output ?? loop.buffers.take()
        output = buffer
        buffer.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    private func encode(_ response: HTTPResponse, for request: Due) {
        let buffer = output ?? loop.buffers.take()
        output = buffer
        let hasBody = ResponseEncoder.encodeHead(
            of: response,
            framing: .init(isForHEAD: request.isHEAD, closes: request.isLast),
            dateField: loop.dateField.bytes, into: buffer)
        if hasBody {
            if response.body.count <= Self.copiedBodyBytesAtMost {
                buffer.append(response.body)
            } else {
                largeBody = response.body
                largeBodySent = 0
            }
        }
        if request.isLast {
            isEnding = true
            abandon(from: 0)
        }
    }

    /// Sends until nothing is left or the client takes no more.
    func flush() {
        while isOpen {
            let sent: Int
            if let output, !output.isEmpty {
                let bytes = output.readable
                sent = clinux_send(descriptor, bytes.baseAddress, bytes.count)
                if sent > 0 { output.consume(sent) }
            } else if !largeBody.isEmpty {
                sent = largeBody.withUnsafeBytes { bytes in
                    clinux_send(
                        descriptor, bytes.baseAddress?.advanced(by: largeBodySent),
                        bytes.count - largeBodySent)
                }
                if sent > 0 { largeBodySent += sent }
                if largeBodySent == largeBody.count {
                    largeBody = []
                    largeBodySent = 0
                    encodeReady()
                }
            } else {
                isWriteBlocked = false
                return
            }
            guard sent < 0 else {
                writeWindowBytes += sent
                continue
            }
            guard sent == -Int(EAGAIN) else {
                if sent == -Int(EINTR) { continue }
                return destroy()
            }
            if !isWriteBlocked {
                isWriteBlocked = true
                writeWindowStart = loop.nowMillis
                writeWindowBytes = 0
            }
            return
        }
    }
}
