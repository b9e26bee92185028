// Tokens, customers and guests.

extension BuiltInScenarios {
    static let accounts: [Entry] = [
        Entry(name: "rejected-in-the-middle", text: rejectedInTheMiddle),
        Entry(name: "another-customer", text: anotherCustomer),
        Entry(name: "revoked-token", text: revokedToken),
        Entry(name: "guest-signs-in", text: guestSignsIn),
        Entry(name: "guest-copied", text: guestCopied),
        Entry(name: "guest-carts", text: guestCarts),
        Entry(name: "guest-carts-dead-spot", text: guestCartsDeadSpot),
        Entry(name: "erased-online", text: erasedOnline),
        Entry(name: "erased-dead-spot", text: erasedDeadSpot),
    ]

    private static let rejectedInTheMiddle = #"""
        {
          "name": "rejected-in-the-middle",
          "about": "a change that may not be written is rejected; those around it go through",
          "tags": ["smoke", "access"],
          "devices": { "phone": {"write": ["cart:*"]}, "tablet": {} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "cart add latte", "set offers spring seen true", "cart add tea",
              "expect value offers spring seen true", "sync"
            ] },
            { "on": "phone", "do": [
              "expect outbox 0", "expect receipts accepted 2", "expect receipts rejected 1",
              "expect receipt rejected not_allowed", "expect value offers spring seen none",
              "receipts"
            ] },
            { "settle": "all" },
            { "on": "tablet", "do": [
              "expect cart latte 1", "expect cart tea 1",
              "expect value offers spring seen none", "expect receipt rejected not_allowed"
            ] },
            { "on": "phone", "do": ["dismiss all", "expect receipts rejected 0"] }
          ]
        }
        """#

    private static let anotherCustomer = #"""
        {
          "name": "another-customer",
          "about": "somebody else's token sees 404, as if there were nothing",
          "tags": ["smoke", "access"],
          "devices": { "phone": {}, "thief": {"token-of": "mallory"} },
          "steps": [
            { "on": "phone", "do": ["cart add latte 2", "sync"] },
            { "on": "thief", "do": [
              "cart add latte 5", "sync", "expect status halted", "status", "expect outbox 1"
            ] },
            { "on": "phone", "do": ["sync", "expect cart latte 2"] },
            { "settle": "phone" },
            { "on": "phone", "do": "expect cart latte 2" }
          ]
        }
        """#

    private static let revokedToken = #"""
        {
          "name": "revoked-token",
          "about": "a revoked token stops its device alone, a new one brings all back",
          "tags": ["access"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "all", "do": "sync" },
            { "revoke": "phone" },
            { "on": "phone", "do": [
              "cart add latte", "sync", "expect status signed-out", "expect outbox 1"
            ] },
            { "on": "tablet", "do": ["cart add latte", "sync", "expect status up-to-date"] },
            { "grant": "phone" },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 2", "expect receipts rejected 0"] }
          ]
        }
        """#

    private static let guestSignsIn = #"""
        {
          "name": "guest-signs-in",
          "about": "a guest fills a cart, then signs in: it joins the customer's",
          "tags": ["smoke", "access"],
          "devices": { "phone": {"guest": true}, "tablet": {} },
          "steps": [
            { "on": "tablet", "do": ["cart add latte", "sync"] },
            { "on": "phone", "do": [
              "expect status signed-out", "cart add latte 2", "cart add tea", "wish add mug",
              "kill"
            ] },
            { "on": "phone", "do": [
              "expect cart latte 2", "sign-in", "sync", "expect cart latte 3"
            ] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart latte 3", "expect cart tea 1", "expect wish mug"
            ] },
            { "on": "phone", "do": [
              "sign-out", "expect lines 0", "cart add juice", "sign-in", "sync"
            ] },
            { "settle": "all" },
            { "on": "all", "do": ["expect cart latte 3", "expect cart juice 1"] }
          ]
        }
        """#

    private static let guestCopied = #"""
        {
          "name": "guest-copied",
          "about": "a guest's phone is copied, and both sign in: the cart joins once",
          "tags": ["smoke", "access", "copies"],
          "devices": { "phone": {"guest": true}, "copy": {"guest": true}, "tablet": {} },
          "steps": [
            { "on": "tablet", "do": ["cart add latte", "sync"] },
            { "on": "phone", "do": ["cart add latte 2", "cart add tea", "wish add mug"] },
            { "copy": "phone", "to": "copy" },
            { "on": "copy", "do": ["expect cart latte 2", "cart add tea"] },
            { "on": "phone", "do": ["sign-in", "sync", "expect cart latte 3"] },
            { "server": "restart" },
            { "on": "copy", "do": ["sign-in", "sync", "expect cart latte 3"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart latte 3", "expect cart tea 2", "expect wish mug",
              "expect receipts rejected 0"
            ] }
          ]
        }
        """#

    /// Of mugs a line may have two.
    private static let limited = #"""
        "catalog": {
            "products": [
              { "sku": "mug", "names": {"en": "Mug"}, "tax": "goods", "price": {"EUR": 900},
                "limit": 2 },
              { "sku": "tea", "names": {"en": "Tea"}, "tax": "goods", "price": {"EUR": 300} }
            ],
            "stores": [
              { "id": "cafe", "names": {"en": "Café"}, "currency": "EUR", "tax_included": true,
                "taxes": {"goods": 200000}, "open": [[0, 4102444800000]],
                "preparation_minutes": 5, "slot_minutes": 10, "slot_capacity": 50,
                "expire_minutes": 60, "late_minutes": [5, 10], "name_policy": "none" }
            ]
          }
        """#

    private static let guestCarts = #"""
        {
          "name": "guest-carts",
          "about": "guests' carts join united, by the larger, or in place of the account's",
          "tags": ["smoke", "access"],
          \#(limited),
          "devices": {
            "tablet": {}, "phone": {"guest": true}, "laptop": {"guest": true},
            "kiosk": {"guest": true}
          },
          "steps": [
            { "on": "tablet", "do": ["cart add mug", "cart add tea 3", "sync"] },
            { "on": "phone", "do": [
              "cart add mug 2", "cart add tea", "sign-in", "sync", "sync",
              "expect cart mug 2", "expect cart tea 4", "expect joined-line mug 1 2 2 2",
              "expect joined-line tea 3 1 4", "joins"
            ] },
            { "on": "laptop", "do": [
              "cart add tea 6", "cart add scone", "sign-in carts=max", "expect cart tea 6",
              "sync", "sync", "expect cart tea 6", "expect cart scone 1", "expect cart mug 2",
              "expect joined-line tea 4 6 6"
            ] },
            { "on": "kiosk", "do": [
              "cart add tea 2", "cart note tea hot", "sign-in carts=replace", "sync", "sync",
              "expect cart tea 2", "expect note tea hot", "expect lines 1",
              "expect joined-line mug 2 0 0"
            ] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart tea 2", "expect lines 1", "expect receipts rejected 0"
            ] }
          ]
        }
        """#

    private static let guestCartsDeadSpot = #"""
        {
          "name": "guest-carts-dead-spot",
          "about": "guests sign in without a network, twice: larger carts win, whoever is first",
          "tags": ["access", "offline"],
          \#(limited),
          "devices": {
            "tablet": {}, "phone": {"guest": true}, "laptop": {"guest": true}
          },
          "steps": [
            { "on": "tablet", "do": ["cart add tea 2", "sync"] },
            { "on": "phone", "do": [
              "net offline", "cart add tea 3", "sign-in carts=max", "expect cart tea 3", "kill"
            ] },
            { "on": "laptop", "do": [
              "net offline", "cart add tea 5", "cart add mug 4", "sign-in carts=max",
              "expect cart mug 4"
            ] },
            { "on": "phone", "do": [
              "expect cart tea 3", "cart add tea", "net lost-reply 2", "net wifi", "sync", "sync"
            ] },
            { "on": "laptop", "do": ["net wifi", "sync", "sync"] },
            { "settle": "all" },
            { "on": "all", "do": [
              "expect cart tea 5", "expect cart mug 2", "expect receipts rejected 0",
              "expect joined-line tea 4 5 5", "expect joined-line mug 0 4 2 2"
            ] }
          ]
        }
        """#

    private static let erasedOnline = #"""
        {
          "name": "erased-online",
          "about": "a customer is erased: devices in touch hold nothing at once, others go on",
          "tags": ["smoke", "access"],
          "devices": {
            "phone": {}, "tablet": {}, "friend": { "customer": "friend" }
          },
          "steps": [
            { "on": "all", "do": ["sync", "live on", "cart add latte", "wish add tea"] },
            { "on": "tablet", "do": "expect cart latte 2 within 5s" },
            { "erase": "phone" },
            { "parallel": [
              { "on": "phone", "do": ["expect erased yes within 5s", "expect lines 0"] },
              { "on": "tablet", "do": ["expect erased yes within 5s", "expect wish none"] }
            ] },
            { "on": "phone", "do": [
              "cart add muffin", "expect cart muffin 1", "expect status signed-out"
            ] },
            { "on": "friend", "do": [
              "expect cart latte 1", "cart add latte", "sync", "expect outbox 0",
              "expect erased no", "erase", "expect lines 0", "expect refused signed_out erase"
            ] }
          ]
        }
        """#

    private static let erasedDeadSpot = #"""
        {
          "name": "erased-dead-spot",
          "about": "a device without a network learns later that its customer is erased",
          "tags": ["access", "offline"],
          "devices": { "phone": {}, "tablet": {} },
          "steps": [
            { "on": "all", "do": ["sync", "cart add latte", "sync"] },
            { "on": "tablet", "do": ["net offline", "cart add tea", "cart note tea hot"] },
            { "erase": "phone" },
            { "server": "restart" },
            { "on": "tablet", "do": ["expect cart tea 1", "expect erased no", "kill"] },
            { "on": "tablet", "do": [
              "expect cart tea 1", "net wifi", "sync", "expect erased yes", "expect lines 0", "kill"
            ] },
            { "on": "tablet", "do": ["expect lines 0", "expect outbox 0"] }
          ]
        }
        """#
}
