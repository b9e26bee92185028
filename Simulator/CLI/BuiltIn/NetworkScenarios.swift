// Networks that lose, cut, repeat and lie.

extension BuiltInScenarios {
    static let networks: [Entry] = [
        Entry(name: "lost-reply", text: lostReply),
        Entry(name: "cut-anywhere", text: cutAnywhere),
        Entry(name: "arrives-twice", text: arrivesTwice),
        Entry(name: "captive-portal", text: captivePortal),
        Entry(name: "very-bad-network", text: veryBadNetwork),
    ]

    private static let lostReply = #"""
        {
          "name": "lost-reply",
          "about": "the server accepts, its reply is lost, the device sends again: counted once",
          "tags": ["smoke", "network"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": [
              "cart add latte", "sync", "net lost-reply 2", "cart add latte", "cart add latte",
              "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": ["expect outbox 0", "expect receipts accepted 3"] },
            { "on": "phone", "do": [
              "cart add tea", "net lost-reply 1000", "sync for 300ms", "expect outbox 1",
              "expect cart tea 1"
            ] },
            { "on": "tablet", "do": ["sync", "expect cart latte 3", "expect cart tea 1"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart latte 3", "expect cart tea 1", "expect receipts rejected 0"
            ] }
          ]
        }
        """#

    private static let cutAnywhere = #"""
        {
          "name": "cut-anywhere",
          "about": "the connection is cut inside requests and replies: each change counts once",
          "tags": ["network"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add start", "sync"] },
            { "on": "phone", "do": [
              "cart add latte", "net cut request 0", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut request 1", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut request 17", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut request 64", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut request 150", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut request 230", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut request 300", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut request 340", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut reply 1", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut reply 17", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut reply 64", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut reply 120", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut reply 180", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut reply 240", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": [
              "cart add latte", "net cut reply 300", "sync", "expect faults 0"
            ] },
            { "on": "phone", "do": ["expect outbox 0", "expect cart latte 15"] },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 15", "expect receipts rejected 0"] }
          ]
        }
        """#

    private static let arrivesTwice = #"""
        {
          "name": "arrives-twice",
          "about": "every request arrives twice: counted once",
          "tags": ["network"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "all", "do": "sync" },
            { "repeat": 5, "steps": [
              { "on": "all", "do": ["net twice", "cart add latte", "sync", "expect faults 0"] }
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 10", "expect receipts rejected 0"] }
          ]
        }
        """#

    private static let captivePortal = #"""
        {
          "name": "captive-portal",
          "about": "a hotel's login page answers for the server: nothing is lost",
          "tags": ["network"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "cart add latte", "net captive-portal 1000", "sync for 500ms",
              "expect outbox 1", "expect status offline"
            ] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 1" }
          ]
        }
        """#

    private static let veryBadNetwork = #"""
        {
          "name": "very-bad-network",
          "about": "three devices in sync over a very bad network",
          "tags": ["network"],
          "devices": { "phone": {"live": true}, "tablet": {"live": true}, "laptop": {} },
          "steps": [
            { "on": "all", "do": ["sync", "net very-bad"] },
            { "parallel": [
              { "repeat": 4, "steps": [
                { "on": "phone", "do": [
                  "cart add latte", "wish add from-phone", "sync for 1s"
                ] }
              ] },
              { "repeat": 4, "steps": [
                { "on": "tablet", "do": [
                  "cart add latte", "wish add from-tablet", "sync for 1s"
                ] }
              ] },
              { "repeat": 4, "steps": [
                { "on": "laptop", "do": [
                  "cart add latte", "wish add from-laptop", "sync for 1s"
                ] }
              ] }
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 12", "expect receipts rejected 0"] }
          ]
        }
        """#
}
