// Every row of the counter table in DESIGN section 3, but the one of the check-out.

extension BuiltInScenarios {
    static let counters: [Entry] = [
        Entry(name: "counter-add-add", text: counterAddAdd),
        Entry(name: "counter-remove-add", text: counterRemoveAdd),
        Entry(name: "counter-remove-then-add", text: counterRemoveThenAdd),
        Entry(name: "counter-take-take", text: counterTakeTake),
        Entry(name: "counter-take-below-zero", text: counterTakeBelowZero),
        Entry(name: "counter-set-set", text: counterSetSet),
        Entry(name: "counter-set-add", text: counterSetAdd),
        Entry(name: "counter-remove-note", text: counterRemoveNote),
        Entry(name: "counter-many-deltas", text: counterManyDeltas),
        Entry(name: "counter-remove-take-add", text: counterRemoveTakeAdd),
    ]

    private static let counterAddAdd = #"""
        {
          "name": "counter-add-add",
          "about": "0, +1 and +1: 2",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": "cart add latte" },
            { "on": "tablet", "do": ["wait 50ms", "cart add latte"] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 2" }
          ]
        }
        """#

    private static let counterRemoveAdd = #"""
        {
          "name": "counter-remove-add",
          "about": "2, remove and +1: 1",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": "cart remove latte" },
            { "on": "tablet", "do": ["wait 50ms", "cart add latte"] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 1" }
          ]
        }
        """#

    private static let counterRemoveThenAdd = #"""
        {
          "name": "counter-remove-then-add",
          "about": "5, remove then +1 on one device: 1",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 5", "sync"] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": ["cart remove latte", "cart add latte"] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 1" }
          ]
        }
        """#

    private static let counterTakeTake = #"""
        {
          "name": "counter-take-take",
          "about": "2, -1 and -1: gone, and a later +1 gives 1",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": "cart add latte -1" },
            { "on": "tablet", "do": ["wait 50ms", "cart add latte -1"] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 0" },
            { "on": "phone", "do": "cart add latte" },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 1" }
          ]
        }
        """#

    private static let counterTakeBelowZero = #"""
        {
          "name": "counter-take-below-zero",
          "about": "1, -1 and -1: gone, and +1 on both offline gives 2",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte", "sync"] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": "cart add latte -1" },
            { "on": "tablet", "do": ["wait 50ms", "cart add latte -1"] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 0" },
            { "on": "all", "do": ["net offline", "cart add latte"] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 2" }
          ]
        }
        """#

    private static let counterSetSet = #"""
        {
          "name": "counter-set-set",
          "about": "2, set 3 and later set 5: 5",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": "cart set latte 3" },
            { "on": "tablet", "do": ["wait 50ms", "cart set latte 5"] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 5" }
          ]
        }
        """#

    private static let counterSetAdd = #"""
        {
          "name": "counter-set-add",
          "about": "2, set 5 and +1: 6",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": "cart set latte 5" },
            { "on": "tablet", "do": ["wait 50ms", "cart add latte"] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 6" }
          ]
        }
        """#

    private static let counterRemoveNote = #"""
        {
          "name": "counter-remove-note",
          "about": "2, remove and a note: gone, and added again without the note",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": "cart remove latte" },
            { "on": "tablet", "do": ["wait 50ms", "cart note latte \"extra hot\""] },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 0" },
            { "on": "tablet", "do": "cart add latte" },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 1", "expect note latte none"] }
          ]
        }
        """#

    private static let counterManyDeltas = #"""
        {
          "name": "counter-many-deltas",
          "about": "8, 64 and 100 additions, then remove or set, and +1: as with one",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "repeat": 2, "steps": [
              { "on": "phone", "do": ["cart add gone-8", "cart add gone-8"] },
              { "on": "tablet", "do": ["cart add gone-8", "cart add gone-8"] },
              { "on": "all", "do": "sync" }
            ] },
            { "repeat": 2, "steps": [
              { "on": "phone", "do": ["cart add set-8", "cart add set-8"] },
              { "on": "tablet", "do": ["cart add set-8", "cart add set-8"] },
              { "on": "all", "do": "sync" }
            ] },
            { "repeat": 16, "steps": [
              { "on": "phone", "do": ["cart add gone-64", "cart add gone-64"] },
              { "on": "tablet", "do": ["cart add gone-64", "cart add gone-64"] },
              { "on": "all", "do": "sync" }
            ] },
            { "repeat": 16, "steps": [
              { "on": "phone", "do": ["cart add set-64", "cart add set-64"] },
              { "on": "tablet", "do": ["cart add set-64", "cart add set-64"] },
              { "on": "all", "do": "sync" }
            ] },
            { "repeat": 25, "steps": [
              { "on": "phone", "do": ["cart add gone-100", "cart add gone-100"] },
              { "on": "tablet", "do": ["cart add gone-100", "cart add gone-100"] },
              { "on": "all", "do": "sync" }
            ] },
            { "repeat": 25, "steps": [
              { "on": "phone", "do": ["cart add set-100", "cart add set-100"] },
              { "on": "tablet", "do": ["cart add set-100", "cart add set-100"] },
              { "on": "all", "do": "sync" }
            ] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart gone-8 8", "expect cart set-8 8", "expect cart gone-64 64",
              "expect cart set-64 64", "expect cart gone-100 100", "expect cart set-100 100",
              "net offline"
            ] },
            { "on": "phone", "do": [
              "cart remove gone-8", "cart set set-8 3", "cart remove gone-64",
              "cart set set-64 3", "cart remove gone-100", "cart set set-100 3"
            ] },
            { "on": "tablet", "do": [
              "cart add gone-8", "cart add set-8", "cart add gone-64", "cart add set-64",
              "cart add gone-100", "cart add set-100"
            ] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart gone-8 1", "expect cart set-8 4", "expect cart gone-64 1",
              "expect cart set-64 4", "expect cart gone-100 1", "expect cart set-100 4"
            ] }
          ]
        }
        """#

    private static let counterRemoveTakeAdd = #"""
        {
          "name": "counter-remove-take-add",
          "about": "2, remove, -1 and +1 on three devices: gone, and the next +1 gives 1",
          "tags": ["counter"],
          "devices": { "phone": {}, "tablet": {}, "laptop": {} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "all", "do": ["sync", "net offline"] },
            { "on": "phone", "do": "cart remove latte" },
            { "on": "tablet", "do": ["wait 50ms", "cart add latte -1"] },
            { "on": "laptop", "do": "cart add latte" },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 0" },
            { "on": "laptop", "do": "cart add latte" },
            { "settle": "all" },
            { "on": "all", "do": "expect cart latte 1" }
          ]
        }
        """#
}
