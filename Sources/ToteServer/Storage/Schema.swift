internal import ToteSQLite

/// The tables of a data file, version by version.
package enum Schema {
    /// "Tote" in ASCII: marks a file as ours.
    static let applicationID: Int64 = 0x546F_7465
    package static let currentVersion = Int64(migrations.count)

    /// Migration n brings a file from version n to n + 1. Released ones are never edited.
    static let migrations: [[StaticString]] = [
        [
            // One row per fact about the file: its epoch, whether it is a backup.
            "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
            """
            CREATE TABLE spaces (
                number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
                trimmed INTEGER NOT NULL DEFAULT 0, awaited BLOB
            ) STRICT
            """,
            // One row per batch, with the bytes as they were judged, in the order of commits: a
            // group of batches of many spaces is written to the same few pages.
            """
            CREATE TABLE log (
                id INTEGER PRIMARY KEY, space INTEGER NOT NULL, position INTEGER NOT NULL,
                count INTEGER NOT NULL CHECK (count BETWEEN 1 AND 100),
                replica INTEGER NOT NULL, counter INTEGER NOT NULL CHECK (counter > 0),
                time INTEGER NOT NULL, digest INTEGER, body BLOB NOT NULL
            ) STRICT
            """,
            // Where the rows of a space lie. Written later than the log, many rows of a space at
            // once; what is not in it yet is behind the id that `meta` calls settled.
            """
            CREATE TABLE places (
                space INTEGER NOT NULL, position INTEGER NOT NULL, id INTEGER NOT NULL,
                PRIMARY KEY (space, position)
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE snapshots (
                space INTEGER PRIMARY KEY REFERENCES spaces, position INTEGER NOT NULL,
                body BLOB NOT NULL
            ) STRICT
            """,
            """
            CREATE TABLE replicas (
                space INTEGER NOT NULL REFERENCES spaces, replica INTEGER NOT NULL,
                family INTEGER NOT NULL, epoch INTEGER NOT NULL, counter INTEGER NOT NULL,
                holes BLOB, ticket INTEGER NOT NULL, previous INTEGER, digest BLOB NOT NULL,
                batch_counter INTEGER NOT NULL, batch_count INTEGER NOT NULL,
                seen INTEGER NOT NULL, PRIMARY KEY (space, replica)
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE tokens (
                id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
                label TEXT NOT NULL, role TEXT NOT NULL, grants TEXT NOT NULL,
                created INTEGER NOT NULL, expires INTEGER, revoked INTEGER
            ) STRICT, WITHOUT ROWID
            """,
        ],
        [
            // A batch that is one row carries what it did to its replica's record, whose own row is
            // written with the next snapshot: `position` is how much of the log that one knows.
            "ALTER TABLE log ADD COLUMN ticket INTEGER",
            "ALTER TABLE replicas ADD COLUMN position INTEGER NOT NULL DEFAULT 0",
        ],
        commerce, ledger,
        // The file's pages get checksums behind this: an older program, which would write pages
        // without, must not take it.
        [],
        handOffs, afterSales, offers + shares,
    ]

    /// Spaces that several share, who they are, and who may become one of them.
    private static let shares: [StaticString] = [
        // `ended` is when, and not null of one that is over.
        """
        CREATE TABLE shares (
            space INTEGER PRIMARY KEY REFERENCES spaces, made INTEGER NOT NULL, until INTEGER,
            ended INTEGER
        ) STRICT
        """,
        "CREATE INDEX shares_due ON shares (until) WHERE until IS NOT NULL",
        "CREATE INDEX shares_ended ON shares (ended) WHERE ended IS NOT NULL",
        // `principal` is a customer's space, or the token of a store's device; with the role `none`
        // one who was a member.
        """
        CREATE TABLE share_members (
            space INTEGER NOT NULL REFERENCES shares, principal TEXT NOT NULL,
            member INTEGER NOT NULL, role TEXT NOT NULL CHECK (role IN ('owner', 'editor',
                'viewer', 'none')),
            PRIMARY KEY (space, principal)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX share_members_of ON share_members (principal)",
        // `secret` is the SHA-256 of what the link holds; `inviter` a member, `taken` by a
        // principal.
        """
        CREATE TABLE invitations (
            secret BLOB PRIMARY KEY CHECK (length(secret) = 32), code TEXT UNIQUE,
            space INTEGER NOT NULL REFERENCES shares, inviter INTEGER NOT NULL,
            role TEXT NOT NULL, until INTEGER NOT NULL, taken TEXT
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX invitations_of ON invitations (space)",
    ]

    /// What was issued of offers, and whom they are for.
    private static let offers: [StaticString] = [
        // `ceiling` is the greatest total that something was issued under.
        """
        CREATE TABLE offers (
            id TEXT PRIMARY KEY, issued INTEGER NOT NULL, ceiling INTEGER NOT NULL,
            CHECK (issued BETWEEN 0 AND ceiling)
        ) STRICT, WITHOUT ROWID
        """,
        // Of a file that comes back from a release which did not count.
        """
        INSERT INTO offers SELECT substr(name, 7), sum(granted), sum(granted) FROM accounts
            WHERE name GLOB 'offer:*' GROUP BY name
        """,
        """
        CREATE TABLE offer_customers (
            offer TEXT NOT NULL, space INTEGER NOT NULL REFERENCES spaces,
            PRIMARY KEY (offer, space)
        ) STRICT, WITHOUT ROWID
        """,
    ]

    /// What customers ask after the sale.
    private static let afterSales: [StaticString] = [
        // Since when the order's customer waits for the store to answer.
        "ALTER TABLE orders ADD COLUMN asked INTEGER",
        "CREATE INDEX orders_asked ON orders (store, asked) WHERE asked IS NOT NULL",
        // What somebody may have to look at, of the many that are done.
        """
        CREATE INDEX orders_open ON orders (store, state)
            WHERE state IN ('placed', 'confirmed', 'preparing', 'ready', 'expired')
        """,
        "CREATE INDEX orders_disputed ON orders (store) WHERE disputed = 1",
    ]

    /// Customers' documents on stores' devices, for a while.
    private static let handOffs: [StaticString] = [
        // `until` ends the state that it is in. A code is unique for as long as its row is kept.
        """
        CREATE TABLE handoffs (
            id BLOB PRIMARY KEY CHECK (length(id) = 16), space INTEGER NOT NULL REFERENCES spaces,
            code TEXT UNIQUE, code_until INTEGER NOT NULL, seconds INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('offered', 'joined', 'ended')),
            until INTEGER NOT NULL, points INTEGER NOT NULL, store TEXT, device TEXT, ended TEXT,
            token TEXT, claimant INTEGER, kept_until INTEGER NOT NULL,
            CHECK (state <> 'joined' OR (token IS NOT NULL AND claimant IS NOT NULL))
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX handoffs_kept ON handoffs (kept_until)",
    ]

    /// Catalogues, orders and webhooks.
    private static let commerce: [StaticString] = [
        // The catalogues that were in force, as they are served; the last one is.
        """
        CREATE TABLE catalogs (
            version INTEGER PRIMARY KEY, time INTEGER NOT NULL, body BLOB NOT NULL
        ) STRICT
        """,
        // `position` is the place of an order's last step in its store's feed.
        """
        CREATE TABLE orders (
            number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
            space INTEGER NOT NULL REFERENCES spaces, store TEXT NOT NULL, state TEXT NOT NULL,
            version INTEGER NOT NULL CHECK (version > 0), position INTEGER NOT NULL,
            code TEXT NOT NULL CHECK (length(code) = 4), placed INTEGER NOT NULL,
            slot INTEGER NOT NULL, moved INTEGER NOT NULL, due INTEGER, nonce INTEGER NOT NULL,
            disputed INTEGER NOT NULL DEFAULT 0, cells BLOB NOT NULL, body BLOB NOT NULL,
            UNIQUE (store, position)
        ) STRICT
        """,
        "CREATE INDEX orders_of_space ON orders (space, placed)",
        "CREATE INDEX orders_by_code ON orders (store, code)",
        "CREATE INDEX orders_due ON orders (due) WHERE due IS NOT NULL",
        "CREATE TABLE feeds (store TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT",
        """
        CREATE TABLE slots (
            store TEXT NOT NULL, start INTEGER NOT NULL, used INTEGER NOT NULL,
            capacity INTEGER NOT NULL, PRIMARY KEY (store, start),
            CHECK (used BETWEEN 0 AND capacity)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE answers (
            token TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, digest BLOB NOT NULL,
            status INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (token, key)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX answers_by_time ON answers (at)",
        """
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, token TEXT NOT NULL, label TEXT NOT NULL,
            store TEXT NOT NULL, order_id TEXT NOT NULL, what TEXT NOT NULL, reason TEXT NOT NULL
        ) STRICT
        """,
        // `held` counts the endpoint's deliveries, so that the bound costs no scan.
        """
        CREATE TABLE webhooks (
            id TEXT PRIMARY KEY, url TEXT NOT NULL, label TEXT NOT NULL, types TEXT NOT NULL,
            secret BLOB NOT NULL, previous BLOB, previous_until INTEGER,
            created INTEGER NOT NULL, failing_since INTEGER, disabled INTEGER, reason TEXT,
            held INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID
        """,
        // `due` is there while an attempt is to come; `ended` when it was delivered or given
        // up. The body is kept as it was signed first.
        """
        CREATE TABLE deliveries (
            number INTEGER PRIMARY KEY, webhook TEXT NOT NULL REFERENCES webhooks,
            message TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL,
            created INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due INTEGER,
            ended INTEGER, is_delivered INTEGER NOT NULL DEFAULT 0, status INTEGER, reason TEXT,
            UNIQUE (webhook, message)
        ) STRICT
        """,
        "CREATE INDEX deliveries_due ON deliveries (webhook, due) WHERE due IS NOT NULL",
        """
        CREATE INDEX deliveries_ended ON deliveries (webhook, is_delivered, ended)
            WHERE ended IS NOT NULL
        """,
    ]

    /// Accounts of points and stored value, what holds of them, and what stores know of members.
    private static let ledger: [StaticString] = [
        // To list tokens page by page: there is one for every device that ever was.
        "CREATE INDEX tokens_by_time ON tokens (created, id)",
        // The checks are the ledger's invariants L1 and L2. `withheld` is kept for leases that a
        // lost server may have granted.
        """
        CREATE TABLE accounts (
            number INTEGER PRIMARY KEY, space INTEGER NOT NULL REFERENCES spaces,
            name TEXT NOT NULL, granted INTEGER NOT NULL, pending INTEGER NOT NULL,
            available INTEGER NOT NULL, held INTEGER NOT NULL, spent INTEGER NOT NULL,
            expired INTEGER NOT NULL, taken_back INTEGER NOT NULL, debt_paid INTEGER NOT NULL,
            written_off INTEGER NOT NULL, debt INTEGER NOT NULL,
            withheld INTEGER NOT NULL DEFAULT 0 CHECK (withheld >= 0), due INTEGER,
            body BLOB NOT NULL, UNIQUE (space, name),
            CHECK (granted = pending + available + held + spent + expired + taken_back + debt_paid
                + written_off),
            CHECK (min(pending, available, held, spent, expired, taken_back, debt_paid,
                written_off, debt) >= 0)
        ) STRICT
        """,
        "CREATE INDEX accounts_due ON accounts (due) WHERE due IS NOT NULL",
        // `parts` are the lots of what was spent or came back.
        """
        CREATE TABLE entries (
            number INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts,
            kind TEXT NOT NULL, units INTEGER NOT NULL CHECK (units > 0), at INTEGER NOT NULL,
            reference TEXT NOT NULL, due INTEGER, expires INTEGER, parts BLOB,
            UNIQUE (account, reference, kind)
        ) STRICT
        """,
        // A payment is one customer's.
        "CREATE UNIQUE INDEX payments ON entries (reference) WHERE kind = 'top_up'",
        """
        CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
        BEGIN SELECT raise(ABORT, 'an entry is never changed'); END
        """,
        """
        CREATE TABLE leases (
            id BLOB PRIMARY KEY CHECK (length(id) = 16),
            account INTEGER NOT NULL REFERENCES accounts, replica INTEGER, store TEXT,
            incarnation INTEGER, granted INTEGER NOT NULL, rest INTEGER NOT NULL,
            redeemed INTEGER NOT NULL, stop_at INTEGER NOT NULL, state TEXT NOT NULL
                CHECK (state IN ('open', 'sealed', 'closed')),
            asked_back INTEGER NOT NULL, opened INTEGER NOT NULL, moved INTEGER NOT NULL,
            reason TEXT NOT NULL, lots BLOB NOT NULL,
            CHECK (min(rest, redeemed) >= 0 AND rest + redeemed <= granted),
            CHECK ((replica IS NULL) <> (store IS NULL))
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX leases_open ON leases (account) WHERE state <> 'closed'",
        """
        CREATE INDEX leases_of_store ON leases (store, stop_at)
            WHERE store IS NOT NULL AND state <> 'closed'
        """,
        // `member` is what the customer's phone shows; `earned` is by period of the programme.
        """
        CREATE TABLE members (
            space INTEGER PRIMARY KEY REFERENCES spaces, member INTEGER NOT NULL UNIQUE,
            earned BLOB NOT NULL
        ) STRICT
        """,
        // The one device of each store that accepts offline; `incarnation` is there once it has
        // come to fetch its key.
        """
        CREATE TABLE redeemers (
            store TEXT PRIMARY KEY, token TEXT NOT NULL, since INTEGER NOT NULL,
            incarnation INTEGER, watermark INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID
        """,
        // Devices that were written off: what they gave goods for is booked all the same.
        """
        CREATE TABLE former_redeemers (
            store TEXT NOT NULL, token TEXT NOT NULL, PRIMARY KEY (store, token)
        ) STRICT, WITHOUT ROWID
        """,
        // Purchases at a till and what came back of them, or of an order.
        """
        CREATE TABLE receipts (
            store TEXT NOT NULL, id TEXT NOT NULL, space INTEGER NOT NULL REFERENCES spaces,
            at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (store, id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE returns (
            number INTEGER PRIMARY KEY, source TEXT NOT NULL, store TEXT NOT NULL,
            at INTEGER NOT NULL, body BLOB NOT NULL
        ) STRICT
        """,
        "CREATE INDEX returns_by_source ON returns (source)",
        // What was spent at a counter, to be found by its id alone.
        """
        CREATE TABLE redemptions (
            id BLOB PRIMARY KEY CHECK (length(id) = 16), space INTEGER NOT NULL REFERENCES spaces,
            store TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ]

    /// Whether a file is ours, or new, and of a version that is known; changes nothing.
    ///
    /// - Throws: `StoreError.newerSchema` or `.foreignFile`.
    static func check(_ database: Database) throws {
        let version = try database.schemaVersion()
        let application = try database.applicationID()
        guard application == applicationID || (application == 0 && version == 0) else {
            throw StoreError.foreignFile(path: database.path)
        }
        guard version <= currentVersion else {
            throw StoreError.newerSchema(
                path: database.path, version: version, known: currentVersion)
        }
        guard application == 0 else { return }
        let tables = try database.row("SELECT count(*) FROM sqlite_schema") { $0.int(0) }
        guard tables == 0 else { throw StoreError.foreignFile(path: database.path) }
    }

    /// Brings a file to the current version, in one transaction.
    ///
    /// - Throws: `StoreError.newerSchema` for a file of a later version, `.foreignFile` for one
    ///   that is not
    ///   ours; both leave it untouched.
    static func migrate(_ database: Database) throws {
        try check(database)
        let version = try database.schemaVersion()
        guard version < currentVersion else { return }
        try database.transaction {
            if version == 0 {
                try database.execute("PRAGMA application_id=\(applicationID)")
            }
            for migration in migrations[Int(version)...] {
                for statement in migration { try database.execute(statement.description) }
            }
            if version == 0 { try database.execute("INSERT INTO meta VALUES ('clear_pages', 1)") }
            try database.execute("PRAGMA user_version=\(currentVersion)")
        }
    }
}

/// Why a data file cannot be used.
package enum StoreError: Error, Hashable, CustomStringConvertible {
    case foreignFile(path: String)
    case newerSchema(path: String, version: Int64, known: Int64)
    /// What is in the file contradicts itself; it is never repaired by guessing.
    case corrupt(String)

    package var description: String {
        switch self {
        case .foreignFile(let path):
            "\(path) is not a Tote data file; name another directory with --data"
        case .newerSchema(let path, let version, let known):
            "\(path) has schema version \(version), this program knows up to \(known); "
                + "use a newer tote"
        case .corrupt(let what):
            "the data file is damaged: \(what); run `tote verify`, then restore a backup"
        }
    }

    /// The stable code for `--json` and logs.
    package var code: String {
        switch self {
        case .foreignFile: "foreign_file"
        case .newerSchema: "newer_schema"
        case .corrupt: "corrupt_file"
        }
    }
}
