/// A symbol's modules before a mask is laid over its data (ISO/IEC 18004:2015 §7.7 to §7.10).
struct SymbolDrawing {
    private let layout: BlockLayout
    private let size: Int
    /// Row by row from the top left; true is dark.
    private var modules: [Bool]
    /// What belongs to a pattern or says something of the symbol, and is never masked.
    private var isFunction: [Bool]

    /// Draws everything but the format information.
    init(layout: BlockLayout, codewords: [UInt8]) {
        let geometry = SymbolGeometry(version: layout.version)
        self.layout = layout
        size = geometry.size
        modules = Array(repeating: false, count: size * size)
        isFunction = modules
        drawTiming()
        for (x, y) in [(3, 3), (size - 4, 3), (3, size - 4)] { drawFinder(x, y) }
        drawAlignment(geometry.alignmentCentres)
        if geometry.hasVersionInformation { drawVersion() }
        // Keeps the room; the bits depend on the mask.
        drawFormat(0)
        place(codewords)
    }

    private mutating func setFunction(_ x: Int, _ y: Int, _ isDark: Bool) {
        modules[y * size + x] = isDark
        isFunction[y * size + x] = true
    }

    /// §6.3.5.
    private mutating func drawTiming() {
        for index in 0..<size {
            setFunction(index, 6, index % 2 == 0)
            setFunction(6, index, index % 2 == 0)
        }
    }

    /// Three squares in each other, and a light separator around them where there is room (§6.3.3).
    private mutating func drawFinder(_ centreX: Int, _ centreY: Int) {
        for y in max(centreY - 4, 0)...min(centreY + 4, size - 1) {
            for x in max(centreX - 4, 0)...min(centreX + 4, size - 1) {
                let distance = max(abs(x - centreX), abs(y - centreY))
                setFunction(x, y, distance != 2 && distance != 4)
            }
        }
    }

    /// §6.3.6.
    private mutating func drawAlignment(_ centres: [Int]) {
        guard let first = centres.first, let last = centres.last else { return }
        for centreY in centres {
            for centreX in centres {
                let isAtFinder =
                    (centreX, centreY) == (first, first) || (centreX, centreY) == (last, first)
                    || (centreX, centreY) == (first, last)
                if isAtFinder { continue }
                for (dx, dy) in (0..<25).map({ ($0 % 5 - 2, $0 / 5 - 2) }) {
                    setFunction(centreX + dx, centreY + dy, max(abs(dx), abs(dy)) != 1)
                }
            }
        }
    }

    /// Two copies, the lowest bit first (§7.10).
    private mutating func drawVersion() {
        let bits = CodedInformation.version(layout.version)
        for index in 0..<18 {
            let isDark = bits >> index & 1 == 1
            let (along, across) = (index / 3, size - 11 + index % 3)
            setFunction(across, along, isDark)
            setFunction(along, across, isDark)
        }
    }

    /// Two copies, the highest bit first (§7.9.1).
    private mutating func drawFormat(_ bits: Int) {
        for index in 0..<15 {
            let isDark = bits >> (14 - index) & 1 == 1
            // Along the upper left finder: to the right, around the corner and up, past the timing.
            switch index {
            case 0...5: setFunction(index, 8, isDark)
            case 6, 7: setFunction(index + 1, 8, isDark)
            case 8: setFunction(8, 7, isDark)
            default: setFunction(8, 14 - index, isDark)
            }
            if index < 7 {
                setFunction(8, size - 1 - index, isDark)
            } else {
                setFunction(size - 15 + index, 8, isDark)
            }
        }
        setFunction(8, size - 8, true)
    }

    /// In columns two modules wide, from the right and by turns up and down; the column of the
    /// timing pattern belongs to none (§7.7.3).
    private mutating func place(_ codewords: [UInt8]) {
        var bit = 0
        var isUpward = true
        for right in stride(from: size - 1, through: 1, by: -2).map({ $0 <= 6 ? $0 - 1 : $0 }) {
            for step in 0..<size {
                let y = isUpward ? size - 1 - step : step
                for place in [y * size + right, y * size + right - 1] where !isFunction[place] {
                    // Legal: up to seven remainder bits are left over, and stay light (Table 1).
                    guard bit < codewords.count * 8 else { return }
                    modules[place] = codewords[bit / 8] >> UInt8(7 - bit % 8) & 1 == 1
                    bit += 1
                }
            }
            isUpward.toggle()
        }
    }

    /// The finished modules under one mask.
    func masked(_ mask: Int) -> [Bool] {
        var copy = self
        for y in 0..<size {
            for x in 0..<size where !isFunction[y * size + x] && Mask.flips(mask, x, y) {
                copy.modules[y * size + x].toggle()
            }
        }
        copy.drawFormat(CodedInformation.format(layout.correction, mask: mask))
        return copy.modules
    }

    /// The mask that scores the fewest points, the first of equals, and the modules under it.
    func bestMasked() -> (mask: Int, modules: [Bool]) {
        var best = (mask: 0, modules: masked(0))
        var fewest = Mask.points(of: best.modules, size: size)
        for mask in 1..<8 {
            let modules = masked(mask)
            let points = Mask.points(of: modules, size: size)
            if points < fewest { (best, fewest) = ((mask, modules), points) }
        }
        return best
    }
}
