import ProtocolChecks
import ToteCore

/// What a phone or a redeemer makes of what it was told, in a step of a transcript: codes and
/// certificates, by members that begin with `$`.
extension JSON {
    /// With the codes put in.
    func withCodes() throws -> JSON {
        switch self {
        case .array(let values): return .array(try values.map { try $0.withCodes() })
        case .object(let members):
            if members.count == 1, let made = try Self.code(members[0]) { return made }
            return .object(try members.map { ($0.name, try $0.value.withCodes()) })
        default: return self
        }
    }

    private static func code(_ member: (name: String, value: JSON)) throws -> JSON? {
        let content = member.value
        switch member.name {
        case "$member_code":
            return .text(
                MemberCode(
                    member: try content.id("member"), secret: try content.secret(),
                    at: UInt64(content["at"]?.int ?? 0)
                ).text)
        case "$lease_code":
            return .text(
                LeaseCode(
                    try content.certificate(), secret: try content.secret(),
                    at: UInt64(content["at"]?.int ?? 0)
                ).text)
        case "$carried":
            guard let id = content["id"]?.text.flatMap({ HandOffID($0) }) else {
                throw TestFailure("no id: \(content.encoded)")
            }
            let run = try content["run"].map { try Encoding.json.run($0.ordered.bytes) }
            return .text(
                CarriedHandOff(
                    id: id, seconds: content["for_s"]?.int ?? 0,
                    until: UInt64(content["until"]?.int ?? 0),
                    run: run.map { Encoding.cbor.encode($0) } ?? [],
                    key: CarriedHandOff.key(of: content["token"]?.text ?? "")
                ).text)
        case "$certificate": return .text(try content.certificate().message)
        default: return nil
        }
    }

    private func id(_ name: String) throws -> UInt64 {
        guard let id = self[name]?.text.flatMap(Hex.id) else {
            throw TestFailure("\(name) is no id: \(encoded)")
        }
        return id
    }

    private func secret() throws -> [UInt8] {
        guard let secret = self["secret"]?.text.flatMap(Hex.bytes) else {
            throw TestFailure("no secret: \(encoded)")
        }
        return secret
    }

    private func certificate() throws -> LeaseCertificate {
        guard let lease = self["lease"]?.text.flatMap({ LeaseID($0) }),
            let account = self["account"]?.text.flatMap({ AccountName($0) }),
            let granted = self["granted"]?.int, let stopAt = self["stop_at"]?.int
        else { throw TestFailure("no certificate: \(encoded)") }
        return LeaseCertificate(
            lease: lease, member: try id("member"), account: account, granted: granted,
            stopAt: UInt64(stopAt), incarnation: try id("incarnation"))
    }
}
