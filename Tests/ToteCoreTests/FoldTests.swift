import Testing
import ToteCore

struct FoldTests {
    private func cell(
        _ payload: Payload, time: UInt64 = 0, replica: UInt64 = 1, counter: UInt64 = 1
    ) -> Cell {
        Cell(
            dot: Dot(ReplicaID(replica), counter), time: Timestamp(milliseconds: time),
            payload: payload)
    }

    @Test func `a register's winner has the greatest time, whoever wrote it`() {
        let cells = [
            cell(.register(.int(1)), time: 5, replica: 9, counter: 9),
            cell(.register(.int(2)), time: 6, replica: 1, counter: 1),
            cell(.register(.int(3)), time: 4, replica: 7, counter: 7),
        ]
        for order in [cells, cells.reversed(), [cells[1], cells[2], cells[0]]] {
            let fold = Fold.register(order)
            #expect(fold?.value == .int(2))
            #expect(fold?.conflict == [.int(1), .int(3)])
        }
    }

    @Test func `at one time the greater replica wins, then the greater counter`() {
        let cells = [
            cell(.register(.text("a")), time: 5, replica: 1, counter: 9),
            cell(.register(.text("b")), time: 5, replica: 2, counter: 1),
            cell(.register(.text("c")), time: 5, replica: 2, counter: 3),
        ]
        #expect(Fold.register(cells)?.value == .text("c"))
        #expect(Fold.register(cells.reversed())?.conflict == [.text("b"), .text("a")])
    }

    @Test func `the count within a millisecond decides before the replica`() {
        let early = Cell(
            dot: Dot(ReplicaID(9), 1), time: Timestamp(milliseconds: 5, count: 1),
            payload: .base(1))
        let late = Cell(
            dot: Dot(ReplicaID(1), 1), time: Timestamp(milliseconds: 5, count: 2),
            payload: .base(2))
        #expect(Fold.counter([early, late]) == 2)
        #expect(Fold.counter([late, early]) == 2)
    }

    @Test func `a counter is its greatest base and all deltas`() {
        let cells = [
            cell(.delta(-3), counter: 1), cell(.base(10), time: 4, counter: 2),
            cell(.base(7), time: 6, counter: 3), cell(.delta(5), counter: 4),
        ]
        #expect(Fold.counter(cells) == 9)
        #expect(Fold.counter(cells.reversed()) == 9)
        #expect(Fold.counter([cells[0]]) == -3)
        #expect(Fold.counter([]) == 0)
    }

    @Test func `bases of one time are decided by replica, then counter`() {
        let cells = [
            cell(.base(1), time: 5, replica: 3, counter: 1),
            cell(.base(2), time: 5, replica: 3, counter: 2),
            cell(.base(3), time: 5, replica: 2, counter: 8),
        ]
        #expect(Fold.counter(cells) == 2)
        #expect(Fold.counter(cells.reversed()) == 2)
    }

    @Test func `folds ignore cells of other kinds`() {
        let cells = [
            cell(.delta(2), counter: 1), cell(.flag, counter: 2),
            cell(.register(.text("x")), time: 1, counter: 3),
            cell(.other(kind: 9, .int(100)), time: 9, counter: 4),
            cell(.base(5), time: 2, counter: 5),
        ]
        #expect(Fold.counter(cells) == 7)
        #expect(Fold.register(cells)?.value == .text("x"))
        #expect(Fold.register(cells)?.conflict == [])
        #expect(Fold.flag(cells))
        #expect(!Fold.flag(cells.filter { $0.payload != .flag }))
        #expect(Fold.register(cells.filter { !$0.payload.isTimed }) == nil)
    }

    @Test func `what is added up carries no time`() {
        #expect(cell(.delta(1), time: 5).time == .zero)
        #expect(cell(.flag, time: 5).time == .zero)
        #expect(cell(.base(1), time: 5).time.milliseconds == 5)
        #expect(cell(.other(kind: 4, .null), time: 5).time.milliseconds == 5)
    }

    @Test func `a cart shows no line at or below 0`() {
        var documents = Documents()
        for (item, amount) in [("a", 2), ("b", -1), ("c", 0)] as [(String, Int64)] {
            let key = Key("cart:main", Name(item), Fields.quantity)
            documents.insert(cell(amount == 0 ? .base(0) : .delta(amount)), at: key)
        }
        let cart = Cart(documents, name: "main")
        #expect(cart.lines == [CartLine(name: LineName("a"), quantity: 2)])
        #expect(Fold.counter(documents.cells(Key("cart:main", "b", Fields.quantity))) == -1)
    }
}
