import Foundation
import Testing
import ToteCore
import ToteSQLite
import ToteServer

struct OrderStorageTests {
    /// A file with orders in several states.
    private func history() throws -> Shop {
        let shop = try Shop()
        var phone = TestDevice(1)
        try phone.push([Make.add(2, nonce: 1)], to: shop.server)
        let cells = [CellReference(Make.dot(1, 1), Fields.quantity)]
        let first = shop.tea(2, cells: cells)
        try shop.place(first, by: &phone, nonce: 2)
        try shop.step(first.order, "preparing", "ready")
        try shop.place(shop.tea(), by: &phone, nonce: 3)
        return shop
    }

    private func faults(_ shop: Shop, after sql: String) throws -> [String] {
        try TemporaryDirectory.with { directory in
            let path = directory + "/t.sqlite"
            try Data(shop.server.store.image()).write(to: URL(fileURLWithPath: path))
            do {
                let database = try Database(path: path)
                try database.execute("PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON")
                try database.execute(sql)
                try database.checkpoint(truncating: true)
            }
            return try Verifier.verify(path: path).faults
        }
    }

    @Test func `the verifier says nothing on sound orders`() throws {
        #expect(try faults(history(), after: "SELECT 1") == [])
    }

    @Test(arguments: [
        "UPDATE orders SET body = (SELECT body FROM orders WHERE number = 1) WHERE number = 2",
        "DELETE FROM orders WHERE number = 1",
        "UPDATE orders SET space = 9 WHERE number = 1",
        "UPDATE slots SET used = used + 1",
        "UPDATE orders SET cells = (SELECT cells FROM orders WHERE number = 1)",
        "UPDATE feeds SET position = 1",
        "DELETE FROM log WHERE id = (SELECT max(id) FROM log)",
    ])
    func `the verifier finds orders that were changed behind the server's back`(
        sql: String
    ) throws {
        #expect(try !faults(history(), after: sql).isEmpty)
    }
}
