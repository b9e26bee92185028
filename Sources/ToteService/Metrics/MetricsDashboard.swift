package import ToteCore

/// A Grafana dashboard of the metrics, made from their table.
package enum MetricsDashboard {
    /// One panel: a title, the unit as Grafana calls it, and queries with their legends.
    private struct Panel {
        let title: String
        let unit: String
        let queries: [(expression: String, legend: String)]

        init(_ title: String, unit: String = "short", _ queries: (String, String)...) {
            self.title = title
            self.unit = unit
            self.queries = queries.map { ($0.0, $0.1) }
        }
    }

    /// The dashboard, for import into Grafana; it asks for its Prometheus data source.
    package static var value: Value {
        .map([
            Value.Entry("title", .text("Tote")), Value.Entry("uid", .text("tote")),
            Value.Entry("schemaVersion", .int(38)), Value.Entry("editable", .bool(true)),
            Value.Entry("refresh", .text("30s")), Value.Entry("tags", .array([.text("tote")])),
            Value.Entry("time", .map(["from": .text("now-6h"), "to": .text("now")])),
            Value.Entry(
                "templating",
                .map([
                    "list": .array([
                        .map([
                            "name": .text("source"), "type": .text("datasource"),
                            "query": .text("prometheus"), "label": .text("Data source"),
                        ])
                    ])
                ])),
            Value.Entry("panels", .array(panels.enumerated().map { value($1, at: $0) })),
        ])
    }

    private static func value(_ panel: Panel, at index: Int) -> Value {
        let targets = panel.queries.enumerated().map { index, query in
            Value.map([
                "refId": .text("Q\(index)"), "expr": .text(query.expression),
                "legendFormat": .text(query.legend),
            ])
        }
        return .map([
            Value.Entry("id", .int(Int64(index + 1))), Value.Entry("type", .text("timeseries")),
            Value.Entry("title", .text(panel.title)),
            Value.Entry(
                "datasource", .map(["type": .text("prometheus"), "uid": .text("${source}")])),
            Value.Entry(
                "gridPos",
                .map([
                    "x": .int(Int64(index % 2 * 12)), "y": .int(Int64(index / 2 * 8)),
                    "w": .int(12), "h": .int(8),
                ])),
            Value.Entry(
                "fieldConfig",
                .map([
                    "defaults": .map(["unit": .text(panel.unit), "min": .int(0)]),
                    "overrides": .array([]),
                ])),
            Value.Entry("targets", .array(targets)),
        ])
    }

    private static func rate(_ metric: Metric, by labels: String...) -> String {
        "sum by (\(labels.joined(separator: ", "))) (rate(\(metric.name)[$__rate_interval]))"
    }

    private static func quantile(_ share: String, _ metric: Metric, by labels: String...) -> String
    {
        let labels = (["le"] + labels).joined(separator: ", ")
        let buckets = "rate(\(metric.name)_bucket[$__rate_interval])"
        return "histogram_quantile(\(share), sum by (\(labels)) (\(buckets)))"
    }

    private static let panels: [Panel] = [
        Panel(
            "Requests by status", unit: "reqps", (rate(.requests, by: "status"), "{{status}}")),
        Panel(
            "Requests by route", unit: "reqps",
            (rate(.requests, by: "method", "route"), "{{method}} {{route}}")),
        Panel(
            "Time to answer", unit: "s", (quantile("0.5", .requestDuration), "p50"),
            (quantile("0.99", .requestDuration), "p99")),
        Panel(
            "p99 by route", unit: "s",
            (quantile("0.99", .requestDuration, by: "method", "route"), "{{method}} {{route}}")),
        Panel(
            "Problems", unit: "reqps", (rate(.problems, by: "code"), "{{code}}"),
            (rate(.failures, by: "code"), "http {{code}}")),
        Panel(
            "Connections", (Metric.connections.name, "open"), (Metric.parked.name, "parked"),
            (rate(.connectionsRefused, by: "reason"), "refused a second, {{reason}}"),
            (rate(.connectionsAccepted), "accepted a second"),
            (rate(.slowReadersCut), "slow readers cut a second"),
            (rate(.parkedLooks), "parked looked at again a second")),
        Panel(
            "Commit", unit: "s", (quantile("0.99", .commitDuration), "COMMIT p99"),
            (quantile("0.99", .groupDuration), "group p99"),
            (quantile("0.99", .checkpointDuration), "checkpoint p99")),
        Panel(
            "Requests per group", (quantile("0.5", .groupRequests), "p50"),
            (quantile("0.99", .groupRequests), "p99"), (rate(.rowsWritten), "rows a second")),
        Panel(
            "Changes", (rate(.changes, by: "outcome"), "{{outcome}}"),
            (rate(.batches), "batches")),
        Panel("Rejected changes", (rate(.rejectedChanges, by: "code"), "{{code}}")),
        Panel("Order steps", (rate(.orderSteps, by: "state"), "{{state}}")),
        Panel(
            "Ledger", (rate(.ledgerEntries, by: "account", "kind"), "{{account}} {{kind}}"),
            (rate(.ledgerPoints, by: "kind"), "points, {{kind}}")),
        Panel(
            "Leases", (Metric.leases.name, "open, {{holder}}"),
            (Metric.leasedPoints.name, "points held, {{holder}}")),
        Panel(
            "Webhooks", (Metric.webhookQueue.name, "queue"),
            (Metric.webhookEndpoints.name, "endpoints {{state}}"),
            (rate(.webhookAttempts, by: "outcome"), "attempts {{outcome}}"),
            (rate(.webhookDeliveries, by: "outcome"), "deliveries {{outcome}}")),
        Panel(
            "Files", unit: "bytes", (Metric.dataFile.name, "data file"), (Metric.wal.name, "WAL")),
        Panel("Backups", (rate(.backups, by: "outcome"), "{{outcome}}")),
        Panel(
            "Age of the newest backup", unit: "s",
            ("time() - \(Metric.lastBackup.name)", "age")),
        Panel(
            "Memory", unit: "bytes", (Metric.processResident.name, "resident")),
        Panel(
            "Process", (rate(.processCPU), "cores"),
            (Metric.processDescriptors.name, "descriptors"), (Metric.cachedSpaces.name, "spaces")),
    ]
}
