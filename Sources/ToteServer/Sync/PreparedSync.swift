internal import ToteCore

/// A sync request, read and digested before it reaches the thread that owns the server.
///
/// Reading is pure: the threads that carry requests do it, and the owner's time goes to judging.
package struct PreparedSync: Sendable {
    let encoding: Encoding
    let request: SyncRequest
    /// The deterministic CBOR of the run that it pushes, empty without changes.
    let run: [UInt8]
    /// SHA-256 of `run`.
    let digest: [UInt8]
    /// Whether every change is accepted as far as its own shape goes.
    let isSound: Bool
    /// Whether a change asks for what only the server can decide.
    let hasIntents: Bool
    /// The latest stamp of a change, milliseconds.
    let latestStamp: UInt64

    /// Reads a body.
    ///
    /// - Throws: what the request is refused with; nothing was applied.
    init(_ request: ServerRequest) throws(Problem) {
        encoding = try Self.encoding(request.contentType)
        guard request.body.count <= Limits.requestBytesMax else {
            throw Problem(413, "body_too_large", "at most \(Limits.requestBytesMax) bytes")
        }
        do throws(WireError) {
            (self.request, run) = try encoding.requestWithRun(request.body)
        } catch {
            throw Problem.malformed(error)
        }
        digest = run.isEmpty ? [] : SHA256.digest(run)
        let changes = self.request.changes
        isSound = changes.indices.allSatisfy {
            changes[$0].outcome.isAccepted && !changes[$0].change.writesReserved
                && changes[$0].change.refusal() == nil
        }
        hasIntents = changes.indices.contains { changes[$0].change.intent != nil }
        latestStamp = changes.indices.reduce(0) { max($0, changes[$1].change.time.milliseconds) }
    }

    private static func encoding(_ type: String?) throws(Problem) -> Encoding {
        if type == Encoding.cbor.rawValue { return .cbor }
        guard let encoding = type.flatMap(Encoding.init(mediaType:)) else {
            throw Problem(
                415, "unsupported_media_type", "send application/cbor or application/json")
        }
        return encoding
    }
}

extension Encoding {
    /// The encoding of a media type, whatever its parameters; `nil` for another's.
    init?(mediaType: some StringProtocol) {
        let plain = mediaType.split(separator: ";").first ?? ""
        let name = plain.split { $0 == " " || $0 == "\t" }.joined().lowercased()
        self.init(rawValue: name)
    }

    /// The first encoding that an `Accept` field names.
    init?(accepted field: String) {
        for part in field.split(separator: ",") {
            if let encoding = Encoding(mediaType: part) {
                self = encoding
                return
            }
        }
        return nil
    }
}

extension ServerRequest {
    /// Whether its answer may be held back until something is new.
    package var mayWait: Bool {
        if path.count == 4, path[1] == "stores" { return query["wait"] != nil }
        guard case .success(let prepared)? = prepared else { return false }
        return prepared.request.waitSeconds > 0
    }

    /// Finds out what is asked for and with which token, without reading the body.
    package mutating func identify() {
        route = Server.route(method: method, path: path)
        if let header = authorization, header.utf8.count > 7,
            header.utf8.prefix(7).map({ $0 | 0x20 }).elementsEqual("bearer ".utf8)
        {
            tokenHash = SHA256.digest(Array(header.utf8.dropFirst(7)))
        }
    }

    /// Reads what can be read without the server, once `identify` was called. Any thread may do it.
    package mutating func prepare() {
        isPrepared = true
        guard let route, route == Server.syncRoute else { return }
        do throws(Problem) {
            prepared = .success(try PreparedSync(self))
        } catch {
            prepared = .failure(error)
        }
    }
}
