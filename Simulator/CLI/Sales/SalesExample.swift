/// A small sales export to try: what `tote-sim sales --example` prints.
enum SalesExample {
    static let text: String = {
        let customers = ["ada", "ben", "chloé", "dev", "emma", "finn", "grace", "hugo"]
        let stores = [("Paris République", "EUR"), ("Tokyo Daikanyama", "JPY")]
        let products = [
            ("latte", "4.50", "520"), ("espresso", "2.20", "320"), ("croissant", "1.50", "340"),
            ("\"tea, green\"", "3.20", "400"), ("muffin", "2.90", "380"),
        ]
        var lines = ["customer,time,store,sku,quantity,price,currency"]
        for number in 0..<60 {
            let (store, currency) = stores[number % 7 == 0 ? 1 : 0]
            let hour = 8 + number / 10
            let minute = number % 10 * 6
            let time =
                "2026-11-23 \(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
            for item in 0...(number % 3) {
                let (sku, euros, yen) = products[(number + item * 2) % products.count]
                // The afternoon is cheaper: prices change over time.
                let price =
                    currency == "JPY" ? yen : number >= 40 && sku == "latte" ? "3.90" : euros
                lines.append(
                    "\(customers[number * 5 % customers.count]),\(time),\(store),\(sku),"
                        + "\(1 + number % 2),\(price),\(currency)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }()
}
