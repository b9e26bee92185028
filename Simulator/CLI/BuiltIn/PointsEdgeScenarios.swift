// Points where time, restores and returns come between: each run ends with the check that every
// intent has one fate, and with `tote verify`.

extension BuiltInScenarios {
    static let pointsEdges: [Entry] = [
        Entry(name: "points-late", text: pointsLate),
        Entry(name: "points-lot-expiring", text: pointsLotExpiring),
        Entry(name: "points-200-redemptions", text: pointsRedemptions),
        Entry(name: "points-returned", text: pointsReturned),
        Entry(name: "points-restored-server", text: pointsRestoredServer),
    ]

    /// The club with short reservations and points that do not last.
    private static func club(_ more: String) -> String {
        let leases =
            #""leases": { "points_max": 2000, "share": 1000, "card_max": {"EUR": 5000} }"#
        return club.split(separator: leases, maxSplits: 1, omittingEmptySubsequences: false)
            .joined(separator: more)
    }

    private static let pointsLate = #"""
        {
          "name": "points-late",
          "about": "spends arrive before and after a reservation's end, and after its grace",
          "tags": ["points"],
          \#(club(#""leases": { "share": 1000, "stop_hours": 1, "grace_hours": 1 }"#)),
          "devices": { "early": {}, "late": {}, "later": {}, "last": {}, "tablet": {} },
          "steps": [
            { "give": 600, "to": "early" },
            { "on": ["early", "late", "later", "last"], "do": [
              "sync", "menu refresh", "reserve 150", "sync", "expect points 150 here",
              "net offline"
            ] },
            { "on": "early", "do": ["cart add tea cart:a", "redeem two-off cafe cart:a"] },
            { "on": "late", "do": ["cart add tea cart:b", "redeem two-off cafe cart:b"] },
            { "on": "later", "do": ["cart add tea cart:c", "redeem two-off cafe cart:c"] },
            { "on": "last", "do": ["cart add tea cart:d", "redeem two-off cafe cart:d"] },
            { "server": "stop" },
            { "server": "start", "clock": "+55m" },
            { "on": "early", "do": ["net wifi", "sync", "expect order last placed"] },
            { "server": "stop" },
            { "server": "start", "clock": "+90m" },
            { "on": "late", "do": ["net wifi", "sync", "expect order last placed"] },
            { "server": "stop" },
            { "server": "start", "clock": "+3h" },
            { "on": "tablet", "do": [
              "sync", "menu refresh", "expect points 300 available within 10s", "live on",
              "expect status up-to-date within 10s", "cart add tea cart:e",
              "redeem two-off cafe cart:e", "expect order last placed within 10s", "live off"
            ] },
            { "on": "later", "do": ["net wifi", "sync", "expect order last placed"] },
            { "on": "last", "do": [
              "net wifi", "sync", "expect receipts rejected 1", "expect points 0"
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect points 0", "expect orders 4 placed"] }
          ]
        }
        """#

    private static let pointsLotExpiring = #"""
        {
          "name": "points-lot-expiring",
          "about": "points expire while they are reserved: what was spent in time is paid",
          "tags": ["points"],
          \#(club(#""expiry_months": 1, "leases": { "share": 1000 }"#)),
          "devices": { "phone": {} },
          "steps": [
            { "give": 300, "to": "phone" },
            { "server": "stop" },
            { "server": "start", "clock": "+26d" },
            { "on": "phone", "do": [
              "sync", "menu refresh", "reserve 300", "sync", "expect points 300 here",
              "net offline", "cart add tea", "redeem two-off cafe"
            ] },
            { "server": "stop" },
            { "server": "start", "clock": "+33d" },
            { "on": "phone", "do": ["net wifi", "sync", "expect order last placed"] },
            { "server": "stop" },
            { "server": "start", "clock": "+60d" },
            { "on": "phone", "do": ["sync", "expect points 0 within 10s", "ledger"] }
          ]
        }
        """#

    private static let pointsRedemptions = #"""
        {
          "name": "points-200-redemptions",
          "about": "a counter that is cut off for four hours redeems 200 times, and tells it later",
          "tags": ["points", "stores"],
          \#(club),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe", "redeemer": true} },
          "steps": [
            { "give": 2000, "to": "phone", "account": "card:EUR" },
            { "on": "till", "do": "expect redeemer ready within 10s" },
            { "on": "phone", "do": ["sync", "reserve 10.00 of=card:EUR at=cafe", "sync"] },
            { "on": "till", "do": "net offline" },
            { "on": "phone", "do": "net offline" },
            { "repeat": 100, "steps": [
              { "on": "till", "do": ["redeem {phone.lease} 0.05", "redeem {phone.lease} 0.05"] }
            ] },
            { "on": "till", "do": [
              "expect unsent 200", "expect refused balance_too_low redeem {phone.lease} 0.05"
            ] },
            { "on": "till", "do": "kill" },
            { "server": "stop" },
            { "server": "start", "clock": "+4h" },
            { "on": "till", "do": ["net wifi", "expect unsent 0 within 30s"] },
            { "on": "phone", "do": "net wifi" },
            { "settle": "all" },
            { "on": "phone", "do": ["expect card EUR 10.00"] }
          ]
        }
        """#

    private static let pointsReturned = #"""
        {
          "name": "points-returned",
          "about": "goods come back after their points were spent; a receipt twice counts once",
          "tags": ["points", "stores"],
          \#(club),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "cafe"}, "second": {"store": "cafe"} },
          "steps": [
            { "give": 1, "to": "phone" },
            { "on": "phone", "do": "sync" },
            { "on": "till", "do": "receipt {phone.member} 20.00 tea id=r-1" },
            { "on": "second", "do": "receipt {phone.member} 20.00 tea id=r-1" },
            { "on": "phone", "do": [
              "sync", "menu refresh", "expect points 201", "reserve 201", "sync", "cart add tea",
              "redeem two-off cafe", "sync", "expect order last placed", "release last", "sync",
              "expect points 51"
            ] },
            { "on": "second", "do": [
              "return receipt cafe:r-1",
              "expect refused already_returned return receipt cafe:r-1"
            ] },
            { "settle": "all" },
            { "on": "phone", "do": ["expect points 0", "ledger"] }
          ]
        }
        """#

    private static let pointsRestoredServer = #"""
        {
          "name": "points-restored-server",
          "about": "a server restored from a backup pays what its lost self had reserved",
          "tags": ["points", "copies"],
          \#(club),
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "give": 400, "to": "phone" },
            { "on": "all", "do": ["sync", "menu refresh"] },
            { "server": "backup", "as": "monday" },
            { "on": "phone", "do": [
              "reserve 150", "sync", "expect points 150 here", "net offline", "cart add tea",
              "redeem two-off cafe"
            ] },
            { "server": "restore", "from": "monday" },
            { "on": "phone", "do": ["net wifi", "sync", "expect order last placed"] },
            { "settle": "all" },
            { "on": "all", "do": ["expect points 250", "expect receipts rejected 0"] }
          ]
        }
        """#
}
