// The nearest store that has it.

extension BuiltInScenarios {
    static let nearest: [Entry] = [
        Entry(name: "nearest-store", text: nearestStore),
        Entry(name: "nearest-store-dead-spot", text: nearestStoreDeadSpot),
    ]

    /// One near the river, one at the station, and one that never opens.
    private static let threeStores = #"""
        "catalog": {
            "products": [
              { "sku": "tea", "names": {"en": "Tea"}, "tax": "drink", "price": {"EUR": 320} },
              { "sku": "cake", "names": {"en": "Cake"}, "tax": "drink", "price": {},
                "prices": { "station": 500 } }
            ],
            "stores": [
              { "id": "river", "names": {"en": "River"}, "currency": "EUR", "tax_included": true,
                "taxes": {"drink": 100000}, "open": [[0, 4102444800000]],
                "preparation_minutes": 5, "slot_minutes": 10, "slot_capacity": 50,
                "expire_minutes": 60, "late_minutes": [5, 10], "name_policy": "none",
                "location": [48860000, 2350000] },
              { "id": "station", "names": {"en": "Station"}, "currency": "EUR",
                "tax_included": true, "taxes": {"drink": 100000}, "open": [[0, 4102444800000]],
                "preparation_minutes": 5, "slot_minutes": 10, "slot_capacity": 50,
                "expire_minutes": 60, "late_minutes": [5, 10], "name_policy": "none",
                "location": [48880000, 2355000] },
              { "id": "tower", "names": {"en": "Tower"}, "currency": "EUR", "tax_included": true,
                "taxes": {"drink": 100000}, "open": [[0, 1]],
                "preparation_minutes": 5, "slot_minutes": 10, "slot_capacity": 50,
                "expire_minutes": 60, "late_minutes": [5, 10], "name_policy": "none",
                "location": [48858000, 2294000] }
            ]
          }
        """#

    private static let nearestStore = #"""
        {
          "name": "nearest-store",
          "about": "the nearest store that is open and has what is in the cart",
          "tags": ["smoke", "stores"],
          \#(threeStores),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "river"} },
          "steps": [
            { "on": "phone", "do": [
              "expect refused no_catalog stores", "sync", "menu refresh", "stores refresh",
              "cart add tea", "expect nearest river near=48.859,2.3",
              "expect nearest station near=48.9,2.36", "stores near=48.859,2.3", "cart add cake",
              "expect nearest station near=48.859,2.3", "cart remove cake"
            ] },
            { "change": "river", "sold-out": ["tea"] },
            { "on": "phone", "do": [
              "menu refresh", "stores refresh", "expect nearest station near=48.859,2.3",
              "order place station", "sync", "sync", "expect order last placed"
            ] }
          ]
        }
        """#

    private static let nearestStoreDeadSpot = #"""
        {
          "name": "nearest-store-dead-spot",
          "about": "without a network a phone chooses by what it has, also after a restart",
          "tags": ["stores", "offline"],
          \#(threeStores),
          "devices": { "phone": {} },
          "counters": { "till": {"store": "river"} },
          "steps": [
            { "on": "phone", "do": [
              "sync", "menu refresh", "stores refresh", "net offline", "cart add cake",
              "expect nearest station near=48.859,2.3", "cart remove cake", "cart add tea",
              "expect nearest river near=48.859,2.3", "kill"
            ] },
            { "change": "river", "sold-out": ["tea"] },
            { "on": "phone", "do": [
              "expect nearest river near=48.859,2.3", "order place river", "net wifi", "sync",
              "sync", "expect order last rejected", "expect cart tea 1", "menu refresh",
              "expect nearest station near=48.859,2.3", "order place station", "sync", "sync",
              "expect order last placed"
            ] }
          ]
        }
        """#
}
