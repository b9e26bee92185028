// Codes on walls and in mails, and where orders come from.

extension BuiltInScenarios {
    static let channels: [Entry] = [
        Entry(name: "wall-code", text: wallCode),
        Entry(name: "wall-code-dead-spot", text: wallCodeDeadSpot),
    ]

    private static let wallCode = #"""
        {
          "name": "wall-code",
          "about": "codes on a wall and in a mail fill a cart; orders say where they were made",
          "tags": ["smoke", "channels"],
          \#(club),
          "devices": {
            "phone": {}, "browser": { "channel": "web" }, "kiosk": { "store": "cafe" }
          },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "scan WALL-TEA 2", "expect cart tea 2", "scan SPRING",
              "scan 4006381333931", "expect cart croissant 2", "order place cafe",
              "sync", "sync", "expect order-channel last app mail wall",
              "expect refused code_unknown scan NOTHING", "expect lines 0"
            ] },
            { "on": "browser", "do": [
              "sync", "menu refresh", "cart add tea", "order place cafe", "sync", "sync",
              "expect order-channel last web -", "scan WALL-TEA", "cart remove tea", "cart add tea",
              "order place cafe", "sync", "sync", "expect order-channel last web -"
            ] },
            { "on": "phone", "do": ["sync", "cart add croissant", "sync"] },
            { "on": "kiosk", "do": ["join {phone.handoff}", "menu refresh"] },
            { "on": "phone", "do": ["sync", "handoff allow last"] },
            { "on": "kiosk", "do": [
              "sync", "expect joined points", "order place cafe", "sync", "sync",
              "expect order-channel last tablet -"
            ] }
          ]
        }
        """#

    private static let wallCodeDeadSpot = #"""
        {
          "name": "wall-code-dead-spot",
          "about": "codes are scanned and ordered without a network, by two devices and a guest",
          "tags": ["channels", "offline"],
          \#(club),
          "devices": {
            "phone": {}, "tablet": {}, "visitor": {"customer": "visitor", "guest": true}
          },
          "steps": [
            { "on": "visitor", "do": [
              "menu refresh", "net offline", "scan WALL-TEA", "expect cart tea 1", "kill",
              "net wifi", "sign-in", "sync", "expect cart tea 1", "order place cafe", "sync",
              "sync", "expect order-channel last app wall"
            ] },
            { "on": ["phone", "tablet"], "do": ["sync", "menu refresh", "net offline"] },
            { "on": "phone", "do": ["scan WALL-TEA", "expect cart tea 1"] },
            { "on": "tablet", "do": ["cart add tea 2", "scan SPRING", "net wifi", "sync"] },
            { "on": "phone", "do": [
              "net lost-reply", "net wifi", "sync", "sync", "expect cart tea 3", "net offline",
              "order place cafe", "kill"
            ] },
            { "on": "phone", "do": ["net wifi", "sync", "sync", "expect receipts rejected 0"] },
            { "settle": "all" },
            { "on": ["phone", "tablet"], "do": [
              "expect order-channel last app mail wall", "expect lines 0",
              "expect orders 1 placed"
            ] }
          ]
        }
        """#
}
