import ToteCommandLine
import ToteCore
import ToteService

/// `tote metrics list|dashboard`.
enum MetricsCommands {
    static func list(_ output: Output) -> ExitCode {
        let metrics = Metric.all.map { metric in
            Value.map([
                Value.Entry("name", .text(metric.name)),
                Value.Entry("type", .text(metric.kind.rawValue)),
                Value.Entry("unit", .text(metric.unit)),
                Value.Entry("labels", .array(metric.labels.map { .text($0) })),
                Value.Entry("help", .text(metric.help)),
            ])
        }
        output.result(
            .map(["metrics": .array(metrics)]),
            Metric.all.flatMap { metric in
                let labels =
                    metric.labels.isEmpty ? "" : "{\(metric.labels.joined(separator: ","))}"
                let unit = metric.unit == "1" ? "" : ", \(metric.unit)"
                return [
                    "\(metric.name)\(labels)  \(metric.kind.rawValue)\(unit)",
                    "    \(metric.help)",
                ]
            })
        return .success
    }

    static func dashboard(_ output: Output) -> ExitCode {
        let bytes = Encoding.json.encode(MetricsDashboard.value)
        output.document(MetricsDashboard.value, String(decoding: bytes, as: UTF8.self) + "\n")
        return .success
    }
}
