internal import ToteSQLite

/// What a data file holds now, as an operator watches it.
package struct FileFigures: Sendable, Hashable {
    package struct Leases: Sendable, Hashable {
        package var open: Int64 = 0
        /// Units that open leases hold.
        package var held: Int64 = 0

        package init(open: Int64 = 0, held: Int64 = 0) {
            self.open = open
            self.held = held
        }
    }

    /// Leases of points, by who holds them.
    package var deviceLeases = Leases()
    package var storeLeases = Leases()
    /// Deliveries of webhooks that wait for an attempt.
    package var webhookQueue: Int64 = 0
    /// Endpoints that are sent events, and how many of these do not take them.
    package var webhooksEnabled: Int64 = 0
    package var webhooksFailing: Int64 = 0

    /// Reads them on a connection of its own, which no commit waits for.
    ///
    /// - Throws: storage errors.
    package static func read(path: String) throws -> FileFigures {
        var options = Database.Options()
        options.access = .readOnly
        let database = try Database(path: path, options: options)
        var figures = FileFigures()
        let leases = try database.rows(
            """
            SELECT l.store IS NOT NULL, count(*), total(l.rest)
            FROM leases l JOIN accounts a ON a.number = l.account
            WHERE l.state <> 'closed' AND a.name = 'points' GROUP BY 1
            """
        ) { ($0.int(0) == 1, Leases(open: $0.int(1), held: $0.int(2))) }
        for (isStore, figure) in leases {
            if isStore { figures.storeLeases = figure } else { figures.deviceLeases = figure }
        }
        figures.webhookQueue =
            try database.row("SELECT count(*) FROM deliveries WHERE due IS NOT NULL") {
                $0.int(0)
            } ?? 0
        let endpoints = try database.row(
            "SELECT count(*), count(failing_since) FROM webhooks WHERE disabled IS NULL"
        ) { ($0.int(0), $0.int(1)) }
        (figures.webhooksEnabled, figures.webhooksFailing) = endpoints ?? (0, 0)
        return figures
    }
}
