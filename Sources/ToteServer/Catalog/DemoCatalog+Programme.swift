internal import ToteCore

extension DemoCatalog {
    /// The café's points: a point for 10 cents, of which 400 buy a coffee of 3 or 4 euros.
    static let programme = #"""
        {
        "names":{"en":"Beans","fr":"Grains","ja":"ビーンズ"},
        "earn":[
        {"currency":"EUR","points":1,"per":10,"rounding":"down"},
        {"currency":"USD","points":1,"per":10,"rounding":"down"},
        {"currency":"JPY","points":1,"per":15,"rounding":"nearest"}
        ],
        "multipliers":[{"sku":"beans-house","times":2000},{"sku":"beans-ethiopia","times":2000},
         {"sku":"mug","times":1500},{"sku":"voucher","times":0}],
        "tiers":[
        {"id":"silver","names":{"en":"Silver","fr":"Argent","ja":"シルバー"},"from":1500,"times":1250},
        {"id":"gold","names":{"en":"Gold","fr":"Or","ja":"ゴールド"},"from":5000,"times":1500}
        ],
        "tier_periods":\#(years),
        "rewards":[
        {"id":"croissant","names":{"en":"A butter croissant","fr":"Un croissant au beurre"},
         "points":200,"product":"croissant"},
        {"id":"espresso","names":{"en":"An espresso","fr":"Un espresso"},"points":250,
         "product":"espresso"},
        {"id":"coffee","names":{"en":"A filter coffee","fr":"Un café filtre"},"points":350,
         "product":"filter"},
        {"id":"latte","names":{"en":"A latte, as you like it","fr":"Un latte, à votre goût"},
         "points":450,"product":"latte"},
        {"id":"small-treat","names":{"en":"A little off","fr":"Un petit coup de pouce"},
         "points":250,"discount":{"EUR":200,"USD":250,"JPY":300}},
        {"id":"treat","names":{"en":"A lot off","fr":"Un grand coup de pouce"},"points":600,
         "discount":{"EUR":500,"USD":600,"JPY":750}}
        ],
        "offers":[
        {"id":"first-hundred","names":{"en":"A euro off, for the first hundred",
         "fr":"Un euro offert aux cent premiers"},"discount":{"EUR":100,"USD":100,"JPY":150},
         "total":100,"each":1},
        {"id":"regulars","names":{"en":"A croissant for our regulars",
         "fr":"Un croissant pour nos habitués"},"product":"croissant","total":500,"each":2,
         "listed":true}
        ],
        "challenges":[
        {"id":"three-days","names":{"en":"Coffee on three days","fr":"Un café, trois jours"},
         "days":3,"from":1767225600000,"until":4102444800000,"points":200}
        ],
        "expiry_months":12,"pending_hours":0,"welcome":50,"refund_policy":"within_balance",
        "leases":{"points_max":2000,"share":500,"card_max":{"EUR":5000,"USD":5000,"JPY":8000},
         "stop_hours":72,"grace_hours":336}
        }
        """#

    /// The calendar's years in UTC, to 2100, as pairs of milliseconds.
    private static var years: String {
        let starts = (2024...2100).map { year in
            CivilDate(year: year, month: 1, day: 1).days * 86_400_000
        }
        let pairs = zip(starts, starts.dropFirst()).map { "[\($0),\($1)]" }
        return "[" + pairs.joined(separator: ",") + "]"
    }
}
