import Testing
import ToteServer

/// Where webhooks may go: addresses, and how a URL may spell them.
@Suite struct WebhookURLTests {
    @Test(arguments: [
        ("8.8.8.8", "global"), ("172.15.255.255", "global"), ("172.32.0.0", "global"),
        ("100.63.255.255", "global"), ("100.128.0.0", "global"), ("11.0.0.0", "global"),
        ("2606:4700::1111", "global"), ("2a00:1450:4007::1", "global"),
        ("64:ff9b::808:808", "global"), ("2002:808:808::1", "global"),
        ("127.0.0.1", "loopback"), ("127.255.255.255", "loopback"), ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"), ("::ffff:7f00:1", "loopback"),
        ("64:ff9b::127.0.0.1", "loopback"), ("2002:7f00:1::", "loopback"),
        ("10.0.0.1", "private"), ("172.16.0.1", "private"), ("172.31.255.255", "private"),
        ("192.168.1.1", "private"), ("100.64.0.1", "private"), ("100.127.255.255", "private"),
        ("fc00::1", "private"), ("fdff::1", "private"), ("fd00:ec2::254", "private"),
        ("fec0::1", "private"), ("::ffff:10.1.2.3", "private"),
        ("169.254.169.254", "link-local"), ("169.254.0.1", "link-local"),
        ("fe80::1", "link-local"), ("febf::1", "link-local"),
        ("::ffff:169.254.169.254", "link-local"), ("64:ff9b::a9fe:a9fe", "link-local"),
        ("224.0.0.1", "multicast"), ("239.255.255.255", "multicast"), ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"), ("0.1.2.3", "unspecified"), ("::", "unspecified"),
        ("::ffff:0.0.0.0", "unspecified"),
        ("255.255.255.255", "reserved"), ("240.0.0.1", "reserved"), ("192.0.0.1", "reserved"),
        ("192.0.2.1", "reserved"), ("198.51.100.1", "reserved"), ("203.0.113.1", "reserved"),
        ("198.18.0.1", "reserved"), ("::127.0.0.1", "reserved"), ("2001:db8::1", "reserved"),
        ("2001::1", "reserved"), ("100::1", "reserved"), ("4000::1", "reserved"),
    ])
    func `an address leads where its registry says`(text: String, reach: String) throws {
        let address = try #require(NetworkAddress(text))
        #expect(address.reach.rawValue == reach)
        var policy = WebhookPolicy()
        #expect(policy.allows(address) == (reach == "global"))
        policy.allowsPrivate = true
        #expect(policy.allows(address) == ["global", "loopback", "private"].contains(reach))
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "0x7f.0.0.1", "1.2.3.4 ",
        "+1.2.3.4",
        ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
        "::12345", "::g", "fe80::1%eth0", "1.2.3.4::", "::1.2.3", "::-1", "1:2:3:4:5:6:7:1.2.3.4",
    ])
    func `what is no address is none`(text: String) {
        #expect(NetworkAddress(text) == nil)
    }

    @Test(arguments: [
        ("https://hooks.example.com", "hooks.example.com"),
        ("HTTPS://Hooks.Example.COM:8443/a?b=c", "hooks.example.com"),
        ("https://8.8.8.8/x", "8.8.8.8"), ("https://[2606:4700::1111]:444/", "2606:4700::1111"),
        ("https://xn--caf-dma.example/%20", "xn--caf-dma.example"),
        ("https://a_b.example?x", "a_b.example"), ("https://h.example/a@b:c", "h.example"),
    ])
    func `an address on the internet over https is taken`(text: String, host: String) throws {
        #expect(try WebhookURL(text, policy: WebhookPolicy()).host == host)
    }

    @Test(arguments: [
        ("http://h.example/", "https"), ("ftp://h.example/", "scheme"), ("//h.example/", "https"),
        ("h.example", "https"), ("javascript:alert(1)", "https"), ("file:///etc/passwd", "scheme"),
        ("https:///path", "no host"), ("https://", "no host"), ("https://user@h.example/", "name"),
        ("https://u:p@h.example/", "name"), ("https://h.example/#x", "fragment"),
        ("https://h.example:0/", "port"), ("https://h.example:65536/", "port"),
        ("https://h.example:/", "port"), ("https://h.example:+1/", "port"),
        ("https://h.example./", "label"), ("https://h..example/", "label"),
        ("https://h.example\\@127.0.0.1/", "ASCII"), ("https://h example/", "ASCII"),
        ("https://h.example/\n", "ASCII"), ("https://ｈ.example/", "ASCII"),
        ("https://%31%32%37.0.0.1/", "label"), ("https://localhost/", "loopback"),
        ("https://a.localhost:1/", "loopback"), ("https://127.0.0.1/", "loopback"),
        ("https://[::1]/", "loopback"), ("https://[::ffff:127.0.0.1]/", "loopback"),
        ("https://[::ffff:7f00:1]/", "loopback"), ("https://10.0.0.1/", "private"),
        ("https://100.64.1.1/", "private"), ("https://[fc00::1]/", "private"),
        ("https://0.0.0.0/", "unspecified"), ("https://[::]/", "unspecified"),
        ("https://169.254.169.254/latest/", "link-local"), ("https://[fe80::1]/", "link-local"),
        ("https://[fe80::1%25eth0]/", "brackets"), ("https://[::1/", "brackets"),
        ("https://[127.0.0.1]/", "brackets"),
        // The spellings that a resolver takes for 127.0.0.1.
        ("https://2130706433/", "four decimal"), ("https://0x7f000001/", "four decimal"),
        ("https://0177.0.0.1/", "four decimal"), ("https://0x7f.0.0.1/", "four decimal"),
        ("https://127.1/", "four decimal"), ("https://127.0.0.0x1/", "four decimal"),
        ("https://017700000001/", "four decimal"), ("https://h.example.123/", "four decimal"),
    ])
    func `any other is refused, with the reason`(text: String, reason: String) {
        do {
            let url = try WebhookURL(text, policy: WebhookPolicy())
            Issue.record("taken as \(url.host)")
        } catch {
            #expect(error.description.contains(reason), "\(error)")
        }
    }

    @Test func `what is allowed is taken, and no more`() throws {
        var policy = WebhookPolicy()
        policy.allowsPrivate = true
        #expect(try WebhookURL("https://127.0.0.1:1/", policy: policy).address?.reach == .loopback)
        #expect(try WebhookURL("https://localhost/", policy: policy).host == "localhost")
        #expect(throws: WebhookURL.Refusal.self) {
            try WebhookURL("http://127.0.0.1/", policy: policy)
        }
        policy.allowsInsecure = true
        #expect(try !WebhookURL("http://127.0.0.1/", policy: policy).isSecure)
        #expect(throws: WebhookURL.Refusal.self) {
            try WebhookURL("http://169.254.169.254/", policy: policy)
        }
    }

    @Test func `a wait is the schedule's, and up to a tenth longer`() {
        let schedule = WebhookSchedule.standard
        #expect(schedule.wait(afterAttempts: 1, randomBits: 0) == 5_000)
        #expect(schedule.wait(afterAttempts: 1, randomBits: 500) == 5_500)
        #expect(schedule.wait(afterAttempts: 1, randomBits: 501) == 5_000)
        #expect(schedule.wait(afterAttempts: 9, randomBits: 0) == 86_400_000)
        #expect(schedule.wait(afterAttempts: 10, randomBits: 0) == nil)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] as [(UInt64, String)])
    func `moments are written as RFC 3339`(milliseconds: UInt64, text: String) {
        #expect(WebhookTime.text(milliseconds) == text)
    }
}
