// Lists of several customers, and totes that a store's tablets pass on.

extension BuiltInScenarios {
    static let shares: [Entry] = [
        Entry(name: "shared-list", text: sharedList),
        Entry(name: "shared-list-dead-spot", text: sharedListDeadSpot),
        Entry(name: "tote-passed-on", text: totePassedOn),
        Entry(name: "tote-dead-spot", text: toteDeadSpot),
    ]

    private static let sharedList = #"""
        {
          "name": "shared-list",
          "about": "two customers share a list, with roles; one orders from it; one is removed",
          "tags": ["documents"],
          \#(club),
          "devices": {
            "phone": {}, "tablet": {}, "friend": {"customer": "friend"},
            "other": {"customer": "other"}
          },
          "steps": [
            { "on": "all", "do": ["sync", "menu refresh", "expect shares 0"] },
            { "on": "phone", "do": [
              "share new list Weekly", "share add tea 2", "share sync", "expect share-members 1"
            ] },
            { "on": "friend", "do": [
              "expect refused wrong_code share join ACDEFG", "share join {phone.invite-editor}",
              "share sync", "expect share-line tea 2", "share add croissant", "share tick tea",
              "share sync", "expect refused owner_only share invite viewer"
            ] },
            { "on": "other", "do": [
              "share join {phone.invite-viewer}", "share sync", "expect share-line tea 2 ticked",
              "expect refused not_allowed share add tea", "share sync",
              "expect share-line tea 2 ticked"
            ] },
            { "on": "tablet", "do": [
              "sync", "expect shares 1", "share open last", "share sync",
              "expect share-line croissant 1", "expect share-members 3", "share cart",
              "expect cart croissant 1", "expect cart tea 0", "order place cafe", "sync",
              "expect orders 1 placed"
            ] },
            { "on": "phone", "do": ["share sync", "expect share-members 3", "share end"] },
            { "on": "friend", "do": [
              "expect refused not_found share sync", "expect shares 0 within 5s", "sync"
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["sync", "expect shares 0 within 5s"] }
          ]
        }
        """#

    private static let sharedListDeadSpot = #"""
        {
          "name": "shared-list-dead-spot",
          "about": "a list is made, and written by two, without a network; replies are lost",
          "tags": ["documents"],
          \#(club),
          "devices": { "phone": {}, "friend": {"customer": "friend"} },
          "steps": [
            { "on": "all", "do": ["sync", "menu refresh"] },
            { "on": "phone", "do": [
              "net offline", "share new list Picnic", "share add tea", "share add croissant 3",
              "expect shares 1", "kill", "share open last", "expect share-line croissant 3",
              "net wifi", "net lost-reply 2", "share sync", "share sync", "expect share-members 1"
            ] },
            { "on": "friend", "do": [
              "share join {phone.invite-link}", "share sync", "net offline", "share tick tea",
              "share add croissant"
            ] },
            { "on": "phone", "do": ["net offline", "share add croissant", "share add tea -1"] },
            { "on": "friend", "do": ["net wifi", "net lost-reply", "share sync", "share sync"] },
            { "on": "phone", "do": [
              "net wifi", "net lost-reply", "share sync", "share sync",
              "expect share-line croissant 5", "expect share-line tea 0"
            ] },
            { "on": "friend", "do": [
              "share sync", "expect share-line croissant 5", "share leave", "expect shares 0"
            ] },
            { "settle": "all" }
          ]
        }
        """#

    private static let totePassedOn = #"""
        {
          "name": "tote-passed-on",
          "about": "a tablet scans a tote, passes it to an associate who gathers it, then a phone",
          "tags": ["documents"],
          \#(club),
          "devices": {
            "phone": {}, "kiosk": {"store": "cafe"}, "associate": {"store": "cafe"}
          },
          "steps": [
            { "on": "phone", "do": ["sync", "menu refresh"] },
            { "on": "kiosk", "do": [
              "share new tote", "share sync", "share scan 4006381333931", "share add tea 2",
              "share sync", "expect share-line croissant 1"
            ] },
            { "on": "associate", "do": [
              "share join {kiosk.invite-editor}", "share sync", "share pick croissant gathered",
              "share pick tea missing", "share sync"
            ] },
            { "on": "kiosk", "do": [
              "share sync", "expect share-line croissant 1 gathered",
              "expect share-line tea 2 missing"
            ] },
            { "on": "phone", "do": [
              "share join {kiosk.invite-owner}", "share sync", "expect share-line tea 2 missing"
            ] },
            { "on": "kiosk", "do": ["share leave", "expect shares 0"] },
            { "on": "associate", "do": [
              "share pick tea croissant", "share sync", "expect share-members 2"
            ] },
            { "on": "phone", "do": [
              "share sync", "expect share-line tea 2 croissant", "share cart", "share end",
              "order place cafe", "sync", "expect orders 1 placed", "expect shares 0"
            ] },
            { "on": "associate", "do": [
              "expect refused not_found share sync", "expect shares 0 within 5s"
            ] }
          ]
        }
        """#

    private static let toteDeadSpot = #"""
        {
          "name": "tote-dead-spot",
          "about": "a tote is scanned and gathered without a network, and the tablet is killed",
          "tags": ["documents"],
          \#(club),
          "devices": { "kiosk": {"store": "cafe"}, "associate": {"store": "cafe"} },
          "steps": [
            { "on": "kiosk", "do": [
              "share new tote", "share sync", "share leave", "net offline", "share new tote",
              "share scan 4006381333931", "share add tea 2", "kill", "share open last",
              "expect share-line tea 2", "net wifi",
              "net lost-reply", "share sync", "share sync"
            ] },
            { "on": "associate", "do": [
              "share join {kiosk.invite-editor}", "share sync", "net offline",
              "share pick tea gathered", "share pick croissant missing"
            ] },
            { "wait": "50ms" },
            { "on": "kiosk", "do": [
              "net offline", "share add tea 1", "share pick croissant tea"
            ] },
            { "on": "associate", "do": ["net wifi", "share sync"] },
            { "on": "kiosk", "do": ["net wifi", "share sync", "expect share-line tea 3 gathered"] },
            { "on": "associate", "do": [
              "share sync", "expect share-line croissant 1 tea", "share leave"
            ] },
            { "on": "kiosk", "do": ["share end", "expect shares 0"] }
          ]
        }
        """#
}
