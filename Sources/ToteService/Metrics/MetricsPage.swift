internal import ToteCore

/// The samples of one scrape, and their text: Prometheus 0.0.4, or OpenMetrics 1.0.
struct MetricsPage {
    enum Format: Sendable {
        case prometheus, openMetrics

        /// What an `Accept` field asks for.
        init(accept: String?) {
            self =
                accept?.contains("application/openmetrics-text") ?? false
                ? .openMetrics : .prometheus
        }

        var contentType: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    private enum Sample {
        case value(labels: [String], String)
        case histogram(labels: [String], Histogram)
    }

    private var samples: [String: [Sample]] = [:]

    /// Adds a sample.
    ///
    /// - Parameter values: of the metric's labels, in their order.
    mutating func add(_ metric: Metric, _ value: some BinaryInteger, _ values: [String] = []) {
        append(metric, .value(labels: values, String(value)), values)
    }

    mutating func add(_ metric: Metric, _ value: Double, _ values: [String] = []) {
        append(metric, .value(labels: values, "\(value)"), values)
    }

    mutating func add(_ metric: Metric, _ histogram: Histogram, _ values: [String] = []) {
        append(metric, .histogram(labels: values, histogram), values)
    }

    private mutating func append(_ metric: Metric, _ sample: Sample, _ values: [String]) {
        precondition(values.count == metric.labels.count, "\(metric.name) has other labels")
        samples[metric.name, default: []].append(sample)
    }

    /// The whole page. A metric without a sample is told of all the same.
    func text(_ format: Format) -> String {
        var text = ""
        for metric in Metric.all {
            let isTotal = metric.kind == .counter && metric.name.hasSuffix("_total")
            let family =
                format == .openMetrics && isTotal
                ? String(metric.name.dropLast("_total".count)) : metric.name
            text += "# HELP \(family) \(metric.help)\n# TYPE \(family) \(metric.kind.rawValue)\n"
            for sample in samples[metric.name] ?? [] { write(sample, of: metric, into: &text) }
        }
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    private func write(_ sample: Sample, of metric: Metric, into text: inout String) {
        switch sample {
        case .value(let values, let number):
            text += "\(metric.name)\(Self.labels(metric.labels, values)) \(number)\n"
        case .histogram(let values, let histogram):
            var below: UInt64 = 0
            let bounds = histogram.bounds.map { "\($0)" } + ["+Inf"]
            for (bound, count) in zip(bounds, histogram.counts) {
                below += count
                let labels = Self.labels(metric.labels + ["le"], values + [bound])
                text += "\(metric.name)_bucket\(labels) \(below)\n"
            }
            let labels = Self.labels(metric.labels, values)
            text += "\(metric.name)_sum\(labels) \(histogram.sum)\n"
            text += "\(metric.name)_count\(labels) \(below)\n"
        }
    }

    /// Values are names of ours, which need no escaping.
    private static func labels(_ names: [String], _ values: [String]) -> String {
        guard !names.isEmpty else { return "" }
        return "{" + zip(names, values).map { "\($0)=\"\($1)\"" }.joined(separator: ",") + "}"
    }
}
