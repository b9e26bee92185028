import Testing
import ProtocolChecks
import ToteCore

/// Protocol/vectors/codes.json: what phones show, and what a redeemer takes of it (Protocol §22).
@Suite struct CodeVectorTests {
    @Test func `codes and registers are as the vectors say`() throws {
        let vectors = try JSON.vectors("codes").filter { $0["steps"] == nil }
        #expect(vectors.count > 40)
        for vector in vectors {
            let id = vector["id"]?.text ?? ""
            if vector["scan"] != nil {
                try checkScan(vector, id)
            } else if vector["certificate"] != nil {
                try checkCertificate(vector, id)
            } else if vector["register"] != nil {
                try checkRegister(vector, id)
            } else {
                try checkMember(vector, id)
            }
        }
    }

    private static func bytes(_ json: JSON?) throws -> [UInt8] {
        try #require(json?.text.flatMap(Hex.bytes))
    }

    private static func time(_ json: JSON?) throws -> UInt64 {
        UInt64(try #require(json?.int))
    }

    private func checkMember(_ vector: JSON, _ id: String) throws {
        let member = try #require(vector["member"]?.text.flatMap(Hex.id))
        let secret = try Self.bytes(vector["secret"])
        let code = MemberCode(member: member, secret: secret, at: try Self.time(vector["at"]))
        #expect(code.text == vector["text"]?.text, "\(id): \(code.text)")
        #expect(code.text != vector["wrong"]?.text, "\(id)")
        let read = try #require(MemberCode(code.text))
        #expect(read == code && read.isMade(with: secret), "\(id)")
    }

    private static func certificate(_ json: JSON) throws -> LeaseCertificate {
        LeaseCertificate(
            lease: try #require(json["lease"]?.text.flatMap { LeaseID($0) }),
            member: try #require(json["member"]?.text.flatMap(Hex.id)),
            account: try #require(json["account"]?.text.flatMap { AccountName($0) }),
            granted: try #require(json["granted"]?.int), stopAt: try time(json["stop_at"]),
            incarnation: try #require(json["incarnation"]?.text.flatMap(Hex.id)))
    }

    private func checkCertificate(_ vector: JSON, _ id: String) throws {
        let certificate = try Self.certificate(try #require(vector["certificate"]))
        #expect(certificate.message == vector["message"]?.text, "\(id)")
        #expect(LeaseCertificate(message: certificate.message) == certificate, "\(id)")
        let key = try Self.bytes(vector["store_key"])
        let secret = certificate.secret(storeKey: key)
        #expect(Hex.string(secret) == vector["secret"]?.text, "\(id): \(Hex.string(secret))")
        #expect(Hex.string(secret) != vector["wrong"]?.text, "\(id)")
        let code = LeaseCode(certificate, secret: secret, at: try Self.time(vector["at"]))
        #expect(code.text == vector["text"]?.text, "\(id): \(code.text)")
        #expect(LeaseCode(code.text) == code && code.isMade(with: key), "\(id)")
    }

    /// What a server that knows one member and one store makes of a text.
    private func checkScan(_ vector: JSON, _ id: String) throws {
        let text = try #require(vector["scan"]?.expanded().text)
        let now = try Self.time(vector["now"])
        let found: JSON
        if let code = MemberCode(text) {
            let isMade =
                try vector["member"]?.text == Hex.string(code.member)
                && code.isMade(with: Self.bytes(vector["secret"]))
            found = Self.verdict(isMade, code.step, now)
        } else if let code = LeaseCode(text) {
            let isMade =
                try vector["store_key"] != nil
                && code.isMade(with: Self.bytes(vector["store_key"]))
            found = Self.verdict(isMade, code.step, now)
        } else {
            found = .text("code_unknown")
        }
        #expect(found == vector["refused"], "\(id): \(found.encoded)")
    }

    private static func verdict(_ isMade: Bool, _ step: UInt64, _ now: UInt64) -> JSON {
        guard isMade else { return .text("code_unknown") }
        return RotatingCode.isCurrent(step, at: now) ? .null : .text("code_expired")
    }

    private func checkRegister(_ vector: JSON, _ id: String) throws {
        let start = try #require(vector["register"])
        var register = LeaseRegister(
            incarnation: try #require(start["incarnation"]?.text.flatMap(Hex.id)),
            watermark: UInt64(start["watermark"]?.int ?? 0))
        for (index, op) in (vector["ops"]?.array ?? []).enumerated() {
            var refused: JSON?
            if let until = op["promise"]?.int {
                register.promise(UInt64(until))
            } else if let lease = op["close"]?.text.flatMap({ LeaseID($0) }) {
                register.close(lease)
            } else {
                refused = try take(op, of: &register)
            }
            #expect(refused == op["refused"], "\(id), op \(index + 1)")
        }
        // What was taken of a lease that was given back is of no more use to it.
        let taken = register.taken.filter { $0.value < .max }.sorted { $0.key < $1.key }
            .map { ($0.key.text, JSON.int($0.value)) }
        let end = JSON.object([
            ("watermark", .int(Int64(register.watermark))), ("taken", .object(taken)),
        ])
        #expect(end == vector["end"], "\(id): \(end.encoded)")
        if let wrong = vector["wrong"] { #expect(end != wrong, "\(id)") }
    }

    private func take(_ op: JSON, of register: inout LeaseRegister) throws -> JSON? {
        let before = register
        do throws(LeaseRegister.Refusal) {
            try register.take(
                amount(op), of: lease(op), granted: op["granted"]?.int ?? 0,
                stopAt: UInt64(op["stop_at"]?.int ?? 0),
                incarnation: op["incarnation"]?.text.flatMap(Hex.id) ?? register.incarnation,
                at: UInt64(op["now"]?.int ?? 0))
            return nil
        } catch {
            #expect(register == before)
            return .text(error.rawValue)
        }
    }

    private func amount(_ op: JSON) -> Amount {
        guard let amount = op["take"]?.int.flatMap({ Amount($0) }) else {
            preconditionFailure("no amount: \(op.encoded)")
        }
        return amount
    }

    private func lease(_ op: JSON) -> LeaseID {
        guard let lease = op["lease"]?.text.flatMap({ LeaseID($0) }) else {
            preconditionFailure("no lease: \(op.encoded)")
        }
        return lease
    }
}
