/// One metric: a row of the table from which the endpoint, `tote metrics list` and the check of the
/// dashboard are made.
package struct Metric: Sendable, Hashable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    /// As Prometheus has it: `tote_`, what is counted, the base unit, `_total` for a counter.
    package let name: String
    package let kind: Kind
    /// The unit of its values.
    package let unit: String
    /// Names of its labels, in the order in which values are given.
    package let labels: [String]
    package let help: String

    init(
        _ name: String, _ kind: Kind, unit: String = "1", labels: [String] = [], _ help: String
    ) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.labels = labels
        self.help = help
    }

    /// Every metric, in the order of the endpoint.
    package static let all: [Metric] = http + commits + domain + files + process

    private static let http = [
        requests, requestDuration, problems, failures, connections, connectionsAccepted,
        connectionsRefused, slowReadersCut,
    ]
    private static let commits = [
        commitDuration, groupDuration, groupRequests, rowsWritten, parked, parkedLooks,
        checkpointDuration,
    ]
    private static let domain = [
        batches, changes, rejectedChanges, orderSteps, ledgerEntries, ledgerPoints, webhookAttempts,
        webhookDeliveries, cachedSpaces,
    ]
    private static let files = [
        leases, leasedPoints, webhookQueue, webhookEndpoints, dataFile, wal, backups, lastBackup,
        buildInfo,
    ]
    private static let process = [
        processCPU, processResident, processVirtual, processDescriptors, processDescriptorsMax,
        processThreads, processStart,
    ]

    static let requests = Metric(
        "tote_http_requests_total", .counter, labels: ["method", "route", "status"],
        "Requests answered, by route of the API.")
    static let requestDuration = Metric(
        "tote_http_request_duration_seconds", .histogram, unit: "seconds",
        labels: ["method", "route"],
        "Time from a request's last byte to its answer; without requests that were parked.")
    static let problems = Metric(
        "tote_http_problems_total", .counter, labels: ["code"],
        "Requests answered with a problem, by its code.")
    static let failures = Metric(
        "tote_http_failures_total", .counter, labels: ["code"],
        "Requests and connections that the HTTP layer refused, by code.")
    static let connections = Metric(
        "tote_http_connections", .gauge, "Connections that are open.")
    static let connectionsAccepted = Metric(
        "tote_http_connections_accepted_total", .counter, "Connections accepted.")
    static let connectionsRefused = Metric(
        "tote_http_connections_refused_total", .counter, labels: ["reason"],
        "Connections refused for being too many: in all, of one address, for the descriptors.")
    static let slowReadersCut = Metric(
        "tote_http_slow_readers_cut_total", .counter,
        "Connections cut because the client read too slowly.")

    static let commitDuration = Metric(
        "tote_commit_duration_seconds", .histogram, unit: "seconds",
        "Time of the durable COMMIT of a group of requests, fsync included.")
    static let groupDuration = Metric(
        "tote_commit_group_duration_seconds", .histogram, unit: "seconds",
        "Time from the beginning of a group to its answers.")
    static let groupRequests = Metric(
        "tote_commit_group_requests", .histogram, unit: "requests",
        "Requests that were committed together.")
    static let rowsWritten = Metric(
        "tote_commit_rows_total", .counter, unit: "rows",
        "Rows written, changed and deleted in the data file.")
    static let parked = Metric(
        "tote_parked_requests", .gauge, "Requests that wait for something new.")
    static let parkedLooks = Metric(
        "tote_parked_looks_total", .counter,
        "Parked requests that were looked at again: for a change of theirs, or at their end.")
    static let checkpointDuration = Metric(
        "tote_checkpoint_duration_seconds", .histogram, unit: "seconds",
        "Time to write the WAL back into the data file.")

    static let batches = Metric(
        "tote_sync_batches_total", .counter, "Pushes that had something new.")
    static let changes = Metric(
        "tote_sync_changes_total", .counter, labels: ["outcome"],
        "Changes that devices pushed: accepted, rejected, repeated, or resent after a restore.")
    static let rejectedChanges = Metric(
        "tote_sync_rejected_changes_total", .counter, labels: ["code"],
        "Changes that were rejected, by the code of their fate.")
    static let orderSteps = Metric(
        "tote_order_steps_total", .counter, labels: ["state"],
        "Steps that orders took, by the state that they led to.")
    static let ledgerEntries = Metric(
        "tote_ledger_entries_total", .counter, labels: ["account", "kind"],
        "Entries of the ledger.")
    static let ledgerPoints = Metric(
        "tote_ledger_points_total", .counter, unit: "points", labels: ["kind"],
        "Points that entries moved; `loss` is what the retailer bore.")
    static let webhookAttempts = Metric(
        "tote_webhook_attempts_total", .counter, labels: ["outcome"],
        "Attempts to send a webhook.")
    static let webhookDeliveries = Metric(
        "tote_webhook_deliveries_total", .counter, labels: ["outcome"],
        "Deliveries that ended: delivered, given up, or dropped from a full queue.")
    static let cachedSpaces = Metric(
        "tote_space_cache_spaces", .gauge, "Spaces that are kept in memory.")

    static let leases = Metric(
        "tote_leases_open", .gauge, labels: ["holder"], "Leases of points that are open.")
    static let leasedPoints = Metric(
        "tote_leases_held_points", .gauge, unit: "points", labels: ["holder"],
        "Points that open leases hold.")
    static let webhookQueue = Metric(
        "tote_webhook_queue_deliveries", .gauge, "Deliveries that wait for an attempt.")
    static let webhookEndpoints = Metric(
        "tote_webhook_endpoints", .gauge, labels: ["state"],
        "Endpoints that are not disabled, by whether they take what they are sent.")
    static let dataFile = Metric(
        "tote_data_file_bytes", .gauge, unit: "bytes", "Size of the data file.")
    static let wal = Metric(
        "tote_wal_bytes", .gauge, unit: "bytes", "Size of the write-ahead log beside it.")
    static let backups = Metric(
        "tote_backups_total", .counter, labels: ["outcome"], "Backups that this server made.")
    static let lastBackup = Metric(
        "tote_backup_last_success_timestamp_seconds", .gauge, unit: "seconds",
        "When the newest backup was begun, since 1970; 0 when there is none.")
    static let buildInfo = Metric(
        "tote_build_info", .gauge, labels: ["version"], "1, with the version of the program.")

    static let processCPU = Metric(
        "process_cpu_seconds_total", .counter, unit: "seconds", "User and system CPU time.")
    static let processResident = Metric(
        "process_resident_memory_bytes", .gauge, unit: "bytes", "Resident memory.")
    static let processVirtual = Metric(
        "process_virtual_memory_bytes", .gauge, unit: "bytes", "Virtual memory.")
    static let processDescriptors = Metric(
        "process_open_fds", .gauge, "Open file descriptors.")
    static let processDescriptorsMax = Metric(
        "process_max_fds", .gauge, "File descriptors that may be open.")
    static let processThreads = Metric("process_threads", .gauge, "Threads.")
    static let processStart = Metric(
        "process_start_time_seconds", .gauge, unit: "seconds",
        "When the process began, since 1970.")
}
