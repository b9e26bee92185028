// The doors to both encodings. Decoding is strict and whole: a message, or an error with an offset.

extension Encoding {
    private func write(
        _ cbor: (inout CBORWriter) -> Void, _ json: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        switch self {
        case .cbor:
            var writer = CBORWriter()
            cbor(&writer)
            return writer.bytes
        case .json:
            var writer = JSONWriter()
            json(&writer)
            return writer.bytes
        }
    }

    private func read<Message>(
        _ bytes: [UInt8],
        _ cbor: (inout CBORReader) throws(WireError) -> Message,
        _ json: (inout JSONReader) throws(WireError) -> Message
    ) throws(WireError) -> Message {
        // A closure given to withUnsafeBytes keeps its typed throw only through a Result.
        let result: Result<Message, WireError> = bytes.withUnsafeBytes { raw in
            do throws(WireError) {
                switch self {
                case .cbor:
                    var reader = CBORReader(raw)
                    let message = try cbor(&reader)
                    try reader.end()
                    return .success(message)
                case .json:
                    var reader = JSONReader(raw)
                    let message = try json(&reader)
                    try reader.end()
                    return .success(message)
                }
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    package func encode(_ request: SyncRequest) -> [UInt8] {
        write({ $0.request(request) }, { $0.request(request) })
    }

    package func encode(_ reply: SyncReply) -> [UInt8] {
        write(
            {
                $0.reply(reply, runCount: reply.events.count) {
                    for run in reply.events { $0.run(run) }
                }
            },
            {
                $0.reply(reply, runCount: reply.events.count) {
                    for run in reply.events { $0.run(run) }
                }
            })
    }

    package func encode(_ run: Run) -> [UInt8] { write({ $0.run(run) }, { $0.run(run) }) }

    package func encode(_ snapshot: Snapshot) -> [UInt8] {
        write({ $0.snapshot(snapshot) }, { $0.snapshot(snapshot) })
    }

    package func encode(_ value: Value) -> [UInt8] {
        write({ $0.value(value) }, { $0.value(value) })
    }

    package func request(_ bytes: [UInt8]) throws(WireError) -> SyncRequest {
        try read(
            bytes, { (r) throws(WireError) in try r.request() },
            { (r) throws(WireError) in try r.request() }
        ).request
    }

    /// A request, and the deterministic CBOR of the run that it pushes: the bytes that are digested
    /// and kept.
    ///
    /// In CBOR the run's members stand together in the request, in their canonical order: nothing
    /// is encoded, unless the request has what is left out of the digest (Protocol M-SHA-1).
    package func requestWithRun(
        _ bytes: [UInt8]
    ) throws(WireError) -> (request: SyncRequest, run: [UInt8]) {
        let (request, place) = try read(
            bytes, { (r) throws(WireError) in try r.request() },
            { (r) throws(WireError) in try r.request() })
        guard !request.changes.isEmpty else { return (request, []) }
        guard self == .cbor, let place else {
            return (request, Encoding.cbor.encode(request.run))
        }
        let hasKeys = request.changes.contains { !$0.change.writes.isEmpty }
        var run: [UInt8] = []
        run.reserveCapacity(place.count + 1)
        run.append(hasKeys ? 0xA4 : 0xA3)
        run.append(contentsOf: bytes[place])
        assert(run == Encoding.cbor.encode(request.run), "the run's bytes are not canonical")
        return (request, run)
    }

    package func reply(_ bytes: [UInt8]) throws(WireError) -> SyncReply {
        try read(
            bytes, { (r) throws(WireError) in try r.reply() },
            { (r) throws(WireError) in try r.reply() })
    }

    package func run(_ bytes: [UInt8]) throws(WireError) -> Run {
        try read(
            bytes, { (r) throws(WireError) in try r.run() },
            { (r) throws(WireError) in try r.run() })
    }

    package func snapshot(_ bytes: [UInt8]) throws(WireError) -> Snapshot {
        try read(
            bytes, { (r) throws(WireError) in try r.snapshot() },
            { (r) throws(WireError) in try r.snapshot() })
    }

    package func value(_ bytes: [UInt8], depth: Int = 8) throws(WireError) -> Value {
        try read(
            bytes, { (r) throws(WireError) in try r.value(depth: depth) },
            { (r) throws(WireError) in try r.value(depth: depth) })
    }
}

extension Run {
    /// The first 8 bytes of the SHA-256 of a batch's deterministic CBOR.
    package static func shortDigest(_ digest: [UInt8]) -> UInt64 {
        digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// A reply whose runs are spliced in from the bytes of the log, without decoding them.
package struct ReplyWriter {
    /// A run of the log as it goes into a reply.
    package enum Source: Sendable {
        /// The run's deterministic CBOR as stored, without a position.
        case stored([UInt8], position: UInt64)
        case made(Run)
        /// A run that its author gets as nonces: they stand for the bytes that it sent.
        case acknowledged([Judgement], first: Dot, position: UInt64, digest: UInt64)
    }

    /// The reply in CBOR.
    package static func cbor(_ reply: SyncReply, _ sources: [Source]) -> [UInt8] {
        var writer = CBORWriter()
        writer.reply(reply, runCount: sources.count) { writer in
            for source in sources {
                switch source {
                case .made(let run): writer.run(run)
                case .acknowledged(let judgements, let first, let position, let digest):
                    writer.acknowledgement(
                        judgements, first: first, position: position, digest: digest)
                case .stored(let bytes, let position):
                    // `position` has the least number of a run's members: it goes first.
                    writer.beginMap(Int(bytes[0] & 31) + 1)
                    writer.member(.position)
                    writer.unsigned(position)
                    writer.raw(bytes.dropFirst())
                }
            }
        }
        return writer.bytes
    }
}
