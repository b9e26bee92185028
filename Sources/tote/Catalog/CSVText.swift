import ToteCommandLine

/// Comma-separated values (RFC 4180) that know where they stand.
struct CSVText {
    /// One value of a record.
    struct Cell {
        var text: String
        let place: TextPlace
    }

    private let characters: [Character]
    private var index = 0
    private var place = TextPlace(line: 1, column: 1)

    private init(_ characters: [Character]) { self.characters = characters }

    /// Reads all records. Lines without anything are none.
    static func read(_ text: String) throws(TextError) -> [[Cell]] {
        var reader = CSVText(Array(text))
        var records: [[Cell]] = []
        while reader.index < reader.characters.count {
            let record = try reader.record()
            if record.count > 1 || !record[0].text.isEmpty { records.append(record) }
        }
        return records
    }

    private var current: Character? { index < characters.count ? characters[index] : nil }

    private mutating func advance() {
        if characters[index].isNewline {
            place = TextPlace(line: place.line + 1, column: 1)
        } else {
            place.column += 1
        }
        index += 1
    }

    private mutating func record() throws(TextError) -> [Cell] {
        var cells = [try cell()]
        while current == "," {
            advance()
            cells.append(try cell())
        }
        if current != nil { advance() }
        return cells
    }

    private mutating func cell() throws(TextError) -> Cell {
        var cell = Cell(text: "", place: place)
        if current == "\"" {
            try quoted(&cell)
            guard current == nil || current == "," || current?.isNewline == true else {
                throw TextError(place, "a comma belongs behind a closing quote")
            }
            return cell
        }
        while let character = current, character != ",", !character.isNewline {
            guard character != "\"" else {
                throw TextError(place, "a text with a quote in it stands in quotes, as \"\"")
            }
            cell.text.append(character)
            advance()
        }
        return cell
    }

    private mutating func quoted(_ cell: inout Cell) throws(TextError) {
        advance()
        while let character = current {
            advance()
            guard character == "\"" else {
                cell.text.append(character)
                continue
            }
            guard current == "\"" else { return }
            cell.text.append(character)
            advance()
        }
        throw TextError(cell.place, "this quote is not closed")
    }
}
