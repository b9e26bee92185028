/// ISO 4217: how many decimals an amount in a currency's minor units has, and how people read it.
public enum Currency {
    /// Alphabetic codes by their number of decimals. The list of active codes, and those that were
    /// replaced in the last years.
    private static let codes: [(exponent: Int, codes: String)] = [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (
            2,
            """
            AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD \
            BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP \
            ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
            JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU \
            MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR \
            RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS \
            TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
            """
        ),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ]

    private static let exponents: [String: Int] = {
        var exponents: [String: Int] = [:]
        for (exponent, codes) in codes {
            for code in codes.split(separator: " ") { exponents[String(code)] = exponent }
        }
        return exponents
    }()

    /// How many decimals the currency's minor unit stands for: 2 for `EUR`, 0 for `JPY`, 3 for
    /// `KWD`; `nil` for what is no code of ISO 4217.
    public static func exponent(_ code: String) -> Int? {
        // A dictionary takes another spelling of a letter for the letter: only ASCII is a code.
        code.utf8.count == 3 ? exponents[code] : nil
    }

    /// An amount of minor units for people: `4.50 EUR`, `600 JPY`, `1.250 KWD`.
    public static func text(_ amount: Int64, _ code: String) -> String {
        "\(decimal(amount, exponent(code) ?? 0)) \(code)"
    }

    /// An amount as a decimal number: 450 with an exponent of 2 is `4.50`.
    package static func decimal(_ amount: Int64, _ exponent: Int) -> String {
        var digits = String(amount.magnitude)
        if exponent > 0 {
            digits = String(repeating: "0", count: max(0, exponent + 1 - digits.count)) + digits
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -exponent))
        }
        return (amount < 0 ? "-" : "") + digits
    }

    /// Reads a decimal number as minor units: `4.50` and `4.5` are 450 EUR, `600` is 600 JPY.
    ///
    /// `nil` for what is no such number, has more decimals than the currency, or is too large.
    package static func amount(_ text: String, _ code: String) -> Int64? {
        guard let exponent = exponent(code) else { return nil }
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest.removeFirst() }
        let parts = rest.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty else { return nil }
        let decimals = parts.count == 2 ? parts[1] : []
        guard parts.count == 1 || (1...max(1, exponent)).contains(decimals.count),
            decimals.count <= exponent
        else { return nil }
        let padding = Array(repeating: UInt8(ascii: "0"), count: exponent - decimals.count)
        let digits = whole + decimals + padding
        let isDigits = digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isDigits, let amount = Int64(String(decoding: digits, as: UTF8.self)),
            amount <= Catalog.amountMax
        else { return nil }
        return isNegative ? -amount : amount
    }
}
