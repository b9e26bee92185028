import Testing
import ToteCore

@Suite struct HMACSHA256Tests {
    /// A case of RFC 4231 §4: key, data, the code or its first bytes.
    struct Case: Sendable {
        let number: Int
        let key: [UInt8]
        let data: [UInt8]
        let code: String
    }

    private static func bytes(_ byte: UInt8, _ count: Int) -> [UInt8] {
        [UInt8](repeating: byte, count: count)
    }

    static let cases = [
        Case(
            number: 1, key: bytes(0x0b, 20), data: Array("Hi There".utf8),
            code: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        Case(
            number: 2, key: Array("Jefe".utf8), data: Array("what do ya want for nothing?".utf8),
            code: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Case(
            number: 3, key: bytes(0xaa, 20), data: bytes(0xdd, 50),
            code: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        Case(
            number: 4, key: Array(0x01...0x19), data: bytes(0xcd, 50),
            code: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        // The RFC gives the first 128 bits of this one.
        Case(
            number: 5, key: bytes(0x0c, 20), data: Array("Test With Truncation".utf8),
            code: "a3b6167473100ee06e0c796c2955552b"),
        Case(
            number: 6, key: bytes(0xaa, 131),
            data: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            code: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        Case(
            number: 7, key: bytes(0xaa, 131),
            data: Array(
                ("This is a test using a larger than block-size key and a larger than block-size "
                    + "data. The key needs to be hashed before being used by the HMAC algorithm.")
                    .utf8),
            code: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]

    @Test(arguments: cases) func `the code is that of RFC 4231`(vector: Case) {
        let code = Hex.string(HMACSHA256.code(key: vector.key, message: vector.data))
        #expect(code.hasPrefix(vector.code), "case \(vector.number)")
        #expect(code.utf8.count == 64)
    }

    @Test func `a key of exactly one block is not hashed first`() {
        let key = Self.bytes(0x61, 64)
        let message = Array("m".utf8)
        #expect(
            HMACSHA256.code(key: key, message: message)
                != HMACSHA256.code(key: SHA256.digest(key), message: message))
        #expect(
            HMACSHA256.code(key: key + [0x61], message: message)
                == HMACSHA256.code(key: SHA256.digest(key + [0x61]), message: message))
    }
}

@Suite struct Base64Tests {
    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func `texts are those of RFC 4648`(plain: String, text: String) {
        #expect(Base64.string(Array(plain.utf8)) == text)
        #expect(Base64.bytes(text) == Array(plain.utf8))
    }

    @Test func `every byte comes back`() {
        let all = Array(UInt8.min...UInt8.max)
        for count in [256, 255, 254] {
            let bytes = Array(all.prefix(count))
            #expect(Base64.bytes(Base64.string(bytes)) == bytes)
        }
        #expect(Base64.string([0xFB, 0xEF, 0xFF]) == "++//")
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zm9v====", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "-_-_", "=Zg=",
        "Z===",
    ])
    func `a text in another spelling is none`(text: String) {
        #expect(Base64.bytes(text) == nil)
    }
}
