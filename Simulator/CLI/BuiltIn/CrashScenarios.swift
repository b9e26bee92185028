// Processes, files and clocks that break.

extension BuiltInScenarios {
    static let crashes: [Entry] = [
        Entry(name: "killed-device", text: killedDevice),
        Entry(name: "killed-server", text: killedServer),
        Entry(name: "restarted-server", text: restartedServer),
        Entry(name: "restored-server", text: restoredServer),
        Entry(name: "copied-device", text: copiedDevice),
        Entry(name: "rolled-back-device", text: rolledBackDevice),
        Entry(name: "clock-ten-years", text: clockTenYears),
    ]

    private static let killedDevice = #"""
        {
          "name": "killed-device",
          "about": "an app is killed between saving and sending, and before the reply",
          "tags": ["smoke", "crash"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["sync", "cart add latte 2", "kill"] },
            { "on": "phone", "do": [
              "expect cart latte 2", "expect outbox 1", "sync", "expect outbox 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net lost-reply 1000", "sync for 300ms", "kill"
            ] },
            { "on": "phone", "do": ["expect cart latte 3", "expect outbox 1"] },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 3", "expect receipts rejected 0"] },
            { "on": "phone", "do": "expect receipts accepted 2" }
          ]
        }
        """#

    private static let killedServer = #"""
        {
          "name": "killed-server",
          "about": "the server is killed again and again while devices push: nothing is lost",
          "tags": ["smoke", "crash", "server"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "all", "do": "sync" },
            { "parallel": [
              { "repeat": 20, "steps": [{"on": "phone", "do": ["cart add latte", "sync"]}] },
              { "repeat": 20, "steps": [
                { "on": "tablet", "do": ["cart add latte", "wish add mug", "sync"] }
              ] },
              { "repeat": 5, "steps": [
                { "wait": "120ms" },
                { "server": "kill" },
                { "server": "start" }
              ] }
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 40", "expect receipts rejected 0"] },
            { "on": "phone", "do": "expect receipts accepted 20" }
          ]
        }
        """#

    private static let restartedServer = #"""
        {
          "name": "restarted-server",
          "about": "the server stops and starts while a device is live: it catches up by itself",
          "tags": ["crash", "server"],
          "devices": { "phone": {"live": true}, "tablet": {"live": true} },
          "steps": [
            { "on": "phone", "do": "cart add latte" },
            { "on": "tablet", "do": "expect cart latte 1 within 20s" },
            { "server": "restart" },
            { "on": "phone", "do": "cart add latte" },
            { "on": "tablet", "do": "expect cart latte 2 within 60s" },
            { "settle": "all" }
          ]
        }
        """#

    private static let restoredServer = #"""
        {
          "name": "restored-server",
          "about": "the server is restored from a backup: devices bring back what it lacks",
          "tags": ["smoke", "server"],
          "devices": { "phone": {}, "tablet": {}, "laptop": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "tablet", "do": "sync" },
            { "server": "backup", "as": "monday" },
            { "on": "phone", "do": ["cart add latte", "wish add mug", "sync"] },
            { "on": "tablet", "do": [
              "cart add croissant", "sync", "net offline", "cart add tea"
            ] },
            { "server": "restore", "from": "monday" },
            { "on": "laptop", "do": ["sync", "expect cart latte 2", "expect cart croissant 0"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart latte 3", "expect cart croissant 1", "expect cart tea 1",
              "expect wish mug", "expect receipts rejected 0"
            ] }
          ]
        }
        """#

    private static let copiedDevice = #"""
        {
          "name": "copied-device",
          "about": "a phone is copied with a change unsent: nothing is lost or doubled",
          "tags": ["smoke", "copies"],
          "devices": { "phone": {}, "copy": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync", "net offline", "cart add tea"] },
            { "copy": "phone", "to": "copy" },
            { "on": "phone", "do": ["cart add latte", "net wifi", "sync"] },
            { "on": "copy", "do": [
              "expect cart tea 1", "cart add croissant", "net wifi", "sync"
            ] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart latte 3", "expect cart tea 1", "expect cart croissant 1",
              "expect receipts rejected 0"
            ] },
            { "on": "phone", "do": "cart add latte" },
            { "on": "copy", "do": "cart add latte" },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 5" }
          ]
        }
        """#

    private static let rolledBackDevice = #"""
        {
          "name": "rolled-back-device",
          "about": "a phone is restored from its backup: what it sent since is not lost",
          "tags": ["smoke", "copies"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte", "sync"] },
            { "snapshot": "phone", "as": "before" },
            { "on": "phone", "do": ["cart add latte", "journey store s-17", "sync"] },
            { "rollback": "phone", "to": "before" },
            { "on": "phone", "do": [
              "expect cart latte 1", "cart add latte", "cart add tea", "sync"
            ] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart latte 3", "expect cart tea 1", "expect journey store s-17",
              "expect receipts rejected 0"
            ] }
          ]
        }
        """#

    private static let clockTenYears = #"""
        {
          "name": "clock-ten-years",
          "about": "clocks ten years ahead and behind: the later write wins all the same",
          "tags": ["smoke", "clock"],
          "devices": { "phone": {}, "tablet": {}, "laptop": {} },
          "steps": [
            { "on": "phone", "do": "clock +10y" },
            { "on": "tablet", "do": "clock -10y" },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": [
              "journey store s-17", "cart add latte", "journey screen menu"
            ] },
            { "on": "tablet", "do": ["wait 50ms", "journey store s-18", "cart add latte"] },
            { "on": "laptop", "do": ["wait 50ms", "journey screen checkout", "cart add latte"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect journey store s-18", "expect journey screen checkout",
              "expect cart latte 3", "expect receipts rejected 0", "net offline"
            ] },
            { "//": "Started anew offline: nothing but the wall clock is left." },
            { "on": "phone", "do": [
              "cart add latte", "reboot", "clock -10y", "cart add latte"
            ] },
            { "on": "tablet", "do": [
              "cart add latte", "reboot", "clock +10y", "cart add latte"
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 7", "expect receipts rejected 0"] },
            { "on": "laptop", "do": "journey store s-19" },
            { "settle": "all" },
            { "on": "all", "do": "expect journey store s-19" }
          ]
        }
        """#
}
