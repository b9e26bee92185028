/// The eight data masks, and how well a symbol under one can be read (ISO/IEC 18004:2015 §7.8).
package enum Mask {
    /// Whether a mask turns a module over (Table 10; its rows and columns are our y and x).
    static func flips(_ mask: Int, _ x: Int, _ y: Int) -> Bool {
        switch mask {
        case 0: (x + y) % 2 == 0
        case 1: y % 2 == 0
        case 2: x % 3 == 0
        case 3: (x + y) % 3 == 0
        case 4: (x / 3 + y / 2) % 2 == 0
        case 5: x * y % 6 == 0
        case 6: x * y % 6 < 3
        default: ((x + y) % 2 + x * y % 3) % 2 == 0
        }
    }

    /// Points for what disturbs a reader: the fewer, the better (§7.8.3.1, Table 11).
    package static func points(of modules: [Bool], size: Int) -> Int {
        var points = 0
        for line in 0..<size {
            points += linePoints(of: modules, from: line * size, step: 1, size)
            points += linePoints(of: modules, from: line, step: size, size)
        }
        return points + blockPoints(of: modules, size) + balancePoints(of: modules)
    }

    /// Runs of five and more of a colour, and what looks like a finder pattern.
    private static func linePoints(
        of modules: [Bool], from start: Int, step: Int, _ size: Int
    ) -> Int {
        var points = 0
        var run = 0
        var isRunDark = false
        // The last 15 modules. Before the first and behind the last is the light quiet zone; that
        // it counts too makes the choice for the example of Annex I the one that is printed there.
        var window = 0
        for index in 0..<size {
            let isDark = modules[start &+ index &* step]
            window = (window << 1 | (isDark ? 1 : 0)) & 0x7FFF
            if looksLikeFinder(window) { points += 40 }
            if isDark == isRunDark {
                run += 1
                points += run == 5 ? 3 : run > 5 ? 1 : 0
            } else {
                (isRunDark, run) = (isDark, 1)
            }
        }
        for _ in 0..<4 {
            window = window << 1 & 0x7FFF
            if looksLikeFinder(window) { points += 40 }
        }
        return points
    }

    /// Whether 1:1:3:1:1 is in the middle, with four light modules on either side or on both.
    private static func looksLikeFinder(_ window: Int) -> Bool {
        window >> 4 & 0x7F == 0b101_1101 && (window >> 11 == 0 || window & 0xF == 0)
    }

    /// Every block of m × n modules of a colour holds (m − 1)(n − 1) of 2 × 2.
    private static func blockPoints(of modules: [Bool], _ size: Int) -> Int {
        var blocks = 0
        for y in 1..<size {
            let row = y &* size
            for place in row &+ 1..<row &+ size {
                let isDark = modules[place]
                if modules[place &- 1] == isDark, modules[place &- size] == isDark,
                    modules[place &- size &- 1] == isDark
                {
                    blocks += 1
                }
            }
        }
        return 3 * blocks
    }

    /// Ten for each five percent between the dark modules' share and one half.
    private static func balancePoints(of modules: [Bool]) -> Int {
        let dark = modules.count { $0 }
        return abs(20 * dark - 10 * modules.count) / modules.count * 10
    }
}
