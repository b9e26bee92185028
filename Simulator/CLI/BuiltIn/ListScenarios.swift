// Carts that are lists: sent to somebody, ticked off in the aisle, ordered.

extension BuiltInScenarios {
    static let lists: [Entry] = [Entry(name: "list-dead-spot", text: listDeadSpot)]
    static let orderedLists: [Entry] = [Entry(name: "list-ordered", text: listOrdered)]

    /// Two teas and three croissants, with a title.
    private static let weekly =
        "tote:list:omVsaW5lc4KiZGl0ZW1jdGVhaHF1YW50aXR5AqJkaXRlbWljcm9pc3NhbnRocXVhbnRpdHkD"
        + "ZXRpdGxlZldlZWtseQ"

    private static let listOrdered = #"""
        {
          "name": "list-ordered",
          "about": "a list that somebody sent is ticked off on two devices; its rest is ordered",
          "tags": ["documents"],
          \#(club),
          "devices": { "phone": {"live": true}, "tablet": {"live": true} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh",
              "cart import \#(weekly) cart:weekly",
              "expect cart tea 2 cart:weekly", "cart export cart:weekly"
            ] },
            { "on": "tablet", "do": [
              "expect cart croissant 3 cart:weekly within 5s", "cart tick tea cart:weekly",
              "cart walk cafe cart:weekly"
            ] },
            { "on": "phone", "do": [
              "expect ticked 1 cart:weekly within 5s", "cart from weekly",
              "expect cart croissant 3", "expect cart tea 0", "order place cafe",
              "expect order last placed within 5s", "expect cart tea 2 cart:weekly"
            ] },
            { "settle": "all" }
          ]
        }
        """#

    private static let listDeadSpot = #"""
        {
          "name": "list-dead-spot",
          "about": "a list is walked and ticked off in the aisle, without a network",
          "tags": ["documents"],
          \#(club),
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "cart add tea 2 cart:weekly",
              "cart add croissant cart:weekly",
              "cart title Weekly cart:weekly", "sync", "net offline", "cart walk cafe cart:weekly",
              "cart tick tea cart:weekly", "cart tick croissant cart:weekly",
              "cart tick croissant off cart:weekly", "expect ticked 1 cart:weekly"
            ] },
            { "on": "tablet", "do": [
              "sync", "expect ticked 0 cart:weekly", "net offline",
              "cart tick croissant cart:weekly", "cart add tea 1 cart:weekly"
            ] },
            { "on": "all", "do": ["net wifi", "net lost-reply", "sync"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect ticked 2 cart:weekly", "expect cart tea 3 cart:weekly",
              "cart export link cart:weekly", "cart export json cart:weekly"
            ] }
          ]
        }
        """#
}
