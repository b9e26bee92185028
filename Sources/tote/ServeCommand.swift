import Glibc
import ToteCommandLine
import ToteCore
import ToteHTTP
import ToteServer
import ToteService
import ToteWebhooks

/// `tote serve`.
enum ServeCommand {
    /// How long clients may take to read their answers when the server stops.
    static let drainLimit: Duration = .seconds(10)
    /// How long receivers of webhooks may take to answer then; what has no answer is sent again.
    static let webhookLimit: Duration = .seconds(1)

    static func run(_ command: ParsedCommand, _ output: Output) throws(UsageError) -> ExitCode {
        let line = try Operator(command)
        let options = try Settings.options(command)
        if let ahead = try command.optionalDuration("clock-ahead") {
            SystemClock.runAhead(milliseconds: UInt64(max(0, ahead / .milliseconds(1))))
        }
        let (host, log) = (try Settings.listen(command).host, options.log)
        // What the server makes is its owner's alone.
        umask(0o077)
        // Blocked in every thread, so that only the wait below sees them.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let service: Service
        do throws(ServiceError) {
            service = try Service(options)
        } catch {
            return output.failure(Operator.failure(error))
        }
        let sender = sendWebhooks(of: service, options.webhookPolicy, log)
        let url = Self.url(host, service.port)
        for warning in Settings.warnings(command, metrics: command.option("metrics")) {
            log.line(.warning, "settings", [("detail", .text(warning))])
        }
        log.line(.info, "listening", [("url", .text(url))])
        var metrics: String?
        if let address = options.metricsAddress, let port = service.metricsPort {
            metrics = Self.url(address.host, port) + "/metrics"
        }
        let isDemo = command.flag("demo")
        let demo = isDemo ? demoToken(line, space: "customer:demo", role: "customer") : nil
        let till = isDemo ? demoToken(line, space: "store:\(demoStore)", role: "staff") : nil
        if demo != nil { installDemoCatalog(line, log) }
        announce(url, metrics: metrics, demo, till, line.directory, output)
        return wait(for: service, sender, &signals, log)
    }

    private static func sendWebhooks(
        of service: Service, _ policy: WebhookPolicy, _ log: Log
    ) -> WebhookSender {
        var options = WebhookSenderOptions { service.inGroup($0, done: $1) }
        options.policy = policy
        options.notice = { notice in
            log.line(
                .warning, notice.message,
                [("webhook", .text(notice.webhook)), ("code", .text(notice.code))])
        }
        let sender = WebhookSender(options)
        service.onNewWebhooks { sender.wake() }
        return sender
    }

    private static func wait(
        for service: Service, _ sender: WebhookSender, _ signals: inout sigset_t, _ log: Log
    ) -> ExitCode {
        var supervisor = Supervisor()
        supervisor.tellReady()
        while true {
            supervisor.keepAlive(service)
            var limit = timespec(tv_sec: 0, tv_nsec: 200_000_000)
            let signal = sigtimedwait(&signals, nil, &limit)
            if signal == SIGTERM || signal == SIGINT {
                log.line(.info, "stopping")
                supervisor.tellStopping()
                sender.stop(within: webhookLimit)
                service.stop(within: drainLimit)
                log.line(.info, "stopped", [("requests", .int(Int64(service.counts.requests)))])
                return .success
            }
            if let failure = service.failure(waitingAtMost: .zero) {
                // What was committed is unknown now; the file says it at the next start.
                log.line(.error, "storage failed", [("detail", .text(failure))])
                sender.stop(within: .zero)
                service.stop(within: .zero)
                return .ioError
            }
        }
    }

    private static func url(_ host: String, _ port: UInt16) -> String {
        "http://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    /// The store of the demo café whose counter is made ready.
    private static let demoStore = "paris-republique"

    /// A token of the demo; a new one at each start, since secrets are not kept.
    private static func demoToken(_ line: Operator, space: String, role: String) -> String? {
        let grant = Value.map([Value.Entry("space", .text(space))])
        let body = Value.map([
            Value.Entry("label", .text("demo")), Value.Entry("spaces", .array([grant])),
            Value.Entry("role", .text(role)),
            Value.Entry("expires_in_s", .int(24 * 3_600)),
        ])
        return try? line.call("POST", ["v1", "admin", "tokens"], body)["token"]?.textValue
    }

    /// Puts the demo café in force where there is no catalogue yet.
    private static func installDemoCatalog(_ line: Operator, _ log: Log) {
        do throws(Operator.Failure) {
            _ = try line.call("GET", ["v1", "catalog"])
        } catch {
            guard error.code == "no_catalog" else { return }
            let body = DemoCatalog.catalog().importedValue
            let answer = try? line.call("POST", ["v1", "admin", "catalog"], body)
            log.line(
                answer == nil ? .warning : .info, "demo catalogue",
                [
                    ("version", answer?["version"] ?? .null)
                ])
        }
    }

    private static func announce(
        _ url: String, metrics: String?, _ demo: String?, _ till: String?,
        _ directory: DataDirectory, _ output: Output
    ) {
        var entries = [
            Value.Entry("url", .text(url)), Value.Entry("data", .text(directory.path)),
        ]
        if let metrics { entries.append(Value.Entry("metrics_url", .text(metrics))) }
        if let demo { entries.append(Value.Entry("token", .text(demo))) }
        if let till { entries.append(Value.Entry("counter_token", .text(till))) }
        var lines = ["Tote listens at \(url), its data is in \(directory.path)."]
        if let metrics { lines.append("Metrics are at \(metrics).") }
        if let demo {
            lines += [
                "", "A demo customer is ready. In two other terminals, type:", "",
                "  export TOTE_TOKEN=\(demo)",
                "  tote-sim device phone --server \(url)",
                "  tote-sim device tablet --server \(url)", "",
                "then on the phone `cart add latte 2 size=L`, on the tablet `show`.",
                "The demo café has three stores, open at any hour: `tote catalog show --data "
                    + "\(directory.path)`.",
            ]
            if let till {
                lines += [
                    "",
                    "Order with `menu refresh`, `order place \(demoStore)`. The pickup board is "
                        + "at \(url)/board/\(demoStore), a counter on a terminal is", "",
                    "  TOTE_TOKEN=\(till) \\",
                    "    tote-sim counter \(demoStore) --server \(url)", "",
                    "The board asks for that token, too.",
                ]
            }
            lines.append("The tokens are valid for 24 hours. Ctrl-C stops the server.")
        } else {
            lines.append(
                "Make a token: tote token mint --data \(directory.path) --space customer:ID")
        }
        output.result(.map(entries), lines)
    }
}
