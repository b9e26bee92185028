import Testing
import ToteCore

struct RotatingCodeTests {
    private static let root = [UInt8](repeating: 7, count: 32)
    private static let now: UInt64 = 1_800_000_000_000
    private static let memberSecret = DerivedKey.member(root, 0xABC)
    private static let storeKey = DerivedKey.store(root, "s-1", incarnation: 5)

    private static let certificate = LeaseCertificate(
        lease: LeaseID(high: 1, low: 2), member: 0xABC, account: .card("EUR"), granted: 250,
        stopAt: now + 3_600_000, incarnation: 5)

    private var member: MemberCode {
        MemberCode(member: 0xABC, secret: Self.memberSecret, at: Self.now)
    }

    private var lease: LeaseCode {
        LeaseCode(
            Self.certificate, secret: Self.certificate.secret(storeKey: Self.storeKey),
            at: Self.now)
    }

    /// Every text that differs from a text in one character: another one, none, one more.
    private func alterations(_ text: String) -> [String] {
        let characters = Array(text)
        return characters.indices.flatMap { index -> [String] in
            "0159AFGLMT.:az ".filter { $0 != characters[index] }.map { other in
                var altered = characters
                altered[index] = other
                return String(altered)
            } + [
                String(characters[..<index] + characters[(index + 1)...]),
                String(characters[...index] + characters[index...]),
            ]
        }
    }

    @Test func `a member code is known again, and by nobody else's secret`() throws {
        let code = try #require(MemberCode(member.text))
        #expect(code == member)
        #expect(code.isMade(with: Self.memberSecret))
        #expect(!code.isMade(with: DerivedKey.member(Self.root, 0xABD)))
        #expect(!code.isMade(with: DerivedKey.member([8] + Self.root.dropFirst(), 0xABC)))
        #expect(!code.isMade(with: []))
    }

    @Test func `a member code with one character altered is refused`() {
        for text in alterations(member.text) {
            #expect(MemberCode(text)?.isMade(with: Self.memberSecret) != true, "\(text)")
        }
    }

    @Test func `a lease code is known again, by its store and incarnation alone`() throws {
        let code = try #require(LeaseCode(lease.text))
        #expect(code == lease)
        #expect(code.certificate == Self.certificate)
        #expect(code.isMade(with: Self.storeKey))
        #expect(!code.isMade(with: DerivedKey.store(Self.root, "s-2", incarnation: 5)))
        #expect(!code.isMade(with: DerivedKey.store(Self.root, "s-1", incarnation: 6)))
    }

    @Test func `a lease code with one character altered is refused`() {
        for text in alterations(lease.text) {
            #expect(LeaseCode(text)?.isMade(with: Self.storeKey) != true, "\(text)")
        }
    }

    @Test func `terms better than the certificate's are under no key that a phone has`() {
        let secret = Self.certificate.secret(storeKey: Self.storeKey)
        var better: [LeaseCertificate] = []
        for change in [
            { $0.granted = 251 }, { $0.stopAt += 1 }, { $0.incarnation = 6 }, { $0.member = 1 },
            { $0.account = .points }, { $0.lease = LeaseID(high: 1, low: 3) },
        ] as [(inout LeaseCertificate) -> Void] {
            var forged = Self.certificate
            change(&forged)
            better.append(forged)
        }
        for forged in better {
            let code = LeaseCode(forged, secret: secret, at: Self.now)
            #expect(!code.isMade(with: Self.storeKey), "\(forged)")
        }
    }

    @Test func `codes of three steps before to two after are taken`() {
        for offset in -6...6 as ClosedRange<Int64> {
            let step = UInt64(Int64(RotatingCode.step(at: Self.now)) + offset)
            #expect(
                RotatingCode.isCurrent(step, at: Self.now) == (-3...2).contains(offset),
                "\(offset)")
        }
        #expect(RotatingCode.isCurrent(0, at: 0))
        #expect(!RotatingCode.isCurrent(UInt64(1) << 39, at: Self.now))
        let step = RotatingCode.stepMilliseconds
        #expect(RotatingCode.step(at: Self.now + step) == RotatingCode.step(at: Self.now) + 1)
    }

    @Test func `a code of another step is another code`() {
        let later = MemberCode(
            member: 0xABC, secret: Self.memberSecret,
            at: Self.now + RotatingCode.stepMilliseconds)
        #expect(later.text != member.text)
        #expect(later.isMade(with: Self.memberSecret))
    }

    @Test(arguments: [
        "", ".", "....", "TOTE", "TOTE.M1", "TOTE.M1.0000000000000ABC", "TOTE.M1.ABC.60000000.00",
        "TOTE.M1.0000000000000ABC.060000000.00", "TOTE.M1.0000000000000ABC.-1.00",
        "TOTE.M1.0000000000000ABC.1099511627776.00", "TOTE.M2.0000000000000ABC.60000000.00",
        "TOTE.M1.0000000000000abc.60000000.00", "TOTE.M1.0000000000000ABC.60000000.00.00",
        "tote.m1.0000000000000ABC.60000000.00", "TOTE.L1.0.0.POINTS.1.1.0.60000000.00",
        "TOTE.M1.0000000000000ABC.18446744073709551616.00", "TOTE.M1.é.60000000.00",
    ])
    func `what is no code is read as none`(text: String) {
        #expect(MemberCode(text) == nil)
        #expect(LeaseCode(text) == nil)
    }

    @Test func `a text that is too long is read as none`() {
        let padded = member.text + String(repeating: "0", count: 257 - member.text.utf8.count)
        #expect(MemberCode(padded) == nil)
        #expect(MemberCode(String(repeating: "TOTE.M1.", count: 100_000)) == nil)
        #expect(LeaseCode(String(repeating: ".", count: 1_000_000)) == nil)
    }

    @Test(arguments: ["0", "-1", "1000000001", "007", "1.5", "+1", "9223372036854775808", ""])
    func `a certificate of no amount is read as none`(granted: String) {
        let message = Self.certificate.message.replacing(".250.", with: ".\(granted).")
        #expect(message != Self.certificate.message)
        #expect(LeaseCertificate(message: message) == nil)
    }

    @Test(arguments: [AccountName.points, .card("EUR"), .card("USD")])
    func `certificates survive their text`(account: AccountName) {
        var certificate = Self.certificate
        certificate.account = account
        #expect(LeaseCertificate(message: certificate.message) == certificate)
        #expect(
            certificate.message.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x2E
                    || $0 == 0x3A
            }, "the alphanumeric characters of QR codes")
    }

    @Test func `derived keys differ by purpose and by all that goes into them`() {
        let root = Self.root
        let keys: [[UInt8]] = [
            DerivedKey.store(root, "s-1", incarnation: 5),
            DerivedKey.store(root, "s-1", incarnation: 6),
            DerivedKey.store(root, "s-2", incarnation: 5),
            DerivedKey.store(root, "s-1\n0000000000000005", incarnation: 5),
            DerivedKey.store([1] + root, "s-1", incarnation: 5),
            DerivedKey.member(root, 5), DerivedKey.member(root, 6),
            Self.certificate.secret(storeKey: Self.storeKey), root,
        ]
        #expect(Set(keys).count == keys.count)
        let terms = [
            DerivedKey.lease(root, space: "customer:a", "t"),
            DerivedKey.lease(root, space: "customer:b", "t"),
            DerivedKey.lease(root, space: "customer:a", "u"),
        ]
        #expect(Set(terms).count == terms.count)
    }
}
