import Testing
import ToteCore

struct FractionalIndexTests {
    @Test func `10,000 random inserts stay strictly ordered`() {
        var random = SeededGenerator(seed: 7)
        var places: [Name] = []
        for _ in 0..<10_000 {
            // Half of them where people insert: at the ends and beside the last one.
            let index =
                random.chance(50)
                ? random.below(places.count + 1)
                : random.pick([0, places.count, places.count / 2])
            let low = index > 0 ? places[index - 1] : nil
            let high = index < places.count ? places[index] : nil
            let place = FractionalIndex.between(low, high, tail: random.next())
            guard low.map({ $0 < place }) ?? true, high.map({ place < $0 }) ?? true,
                FractionalIndex.isPlace(place)
            else {
                Issue.record("\(place.text) between \(low?.text ?? "") and \(high?.text ?? "")")
                return
            }
            places.insert(place, at: index)
        }
        #expect(places == places.sorted())
        #expect(Set(places).count == places.count)
    }

    @Test func `there is room between places that touch`() {
        let pairs: [(Name, Name)] = [
            ("A", "A1"), ("A", "A0001"), ("A", "B"), ("Az", "B"), ("Azzzz", "B01"), ("1", "2"),
            ("z", "z1"), ("A", "A00000000001"),
        ]
        for (low, high) in pairs {
            for tail in [0, .max, 61, 62, 3_843] as [UInt64] {
                let place = FractionalIndex.between(low, high, tail: tail)
                #expect(low < place && place < high, "\(low.text) \(place.text) \(high.text)")
                #expect(FractionalIndex.isPlace(place))
            }
        }
        #expect(FractionalIndex.between(nil, "1", tail: 0) < "1")
        #expect(FractionalIndex.between(nil, "0001", tail: 0) < "0001")
        #expect(FractionalIndex.between("zzz", nil, tail: 0) > "zzz")
    }

    @Test func `two devices that insert at one spot get two places`() {
        let left = FractionalIndex.between("A", "B", tail: 11)
        let right = FractionalIndex.between("A", "B", tail: 12)
        #expect(left != right)
    }

    @Test(arguments: ["", "A0", "0", "é", "a b", "A-"] as [Name])
    func `what is no place is told`(name: Name) {
        #expect(!FractionalIndex.isPlace(name))
    }

    @Test func `a list of 1,000 appended entries keeps its places short`() {
        var random = SeededGenerator(seed: 3)
        var last: Name?
        for _ in 0..<1_000 { last = FractionalIndex.between(last, nil, tail: random.next()) }
        #expect((last?.byteCount ?? .max) <= 512)
    }
}
