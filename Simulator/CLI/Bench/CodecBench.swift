import Foundation
import ToteCore

/// A batch of 10 changes in CBOR, against JSONEncoder and JSONDecoder on the same batch.
enum CodecBench {
    static let repetitions = 3_000

    private struct Batch: Codable {
        var replica: String
        var ticket: String
        var counter: UInt64
        var cursor: [String]
        var changes: [BatchChange]
    }

    private struct BatchChange: Codable {
        var nonce: String
        var time: [UInt64]
        var writes: [BatchWrite]
    }

    private struct BatchWrite: Codable {
        var key: [String]
        var payload: [Int64]
        var replaces: [String]
    }

    static func run(rounds: Int) throws -> [BenchRow] {
        let request = CoreBench.batchOfTen()
        let bytes = Encoding.cbor.encode(request)
        let batch = foundation(request)
        let encoder = JSONEncoder()
        let decoder = JSONDecoder()
        let data = try encoder.encode(batch)
        var pairs: [(Double, Double)] = []
        for _ in 0..<rounds {
            let cbor = try nanos {
                _ = Encoding.cbor.encode(request)
                _ = try Encoding.cbor.request(bytes)
            }
            let json = try nanos {
                _ = try encoder.encode(batch)
                _ = try decoder.decode(Batch.self, from: data)
            }
            pairs.append((cbor, json))
        }
        let factor = median(pairs.map { $0.1 / $0.0 })
        return [
            BenchRow(
                name: "codec_write_read", unit: "ns", value: median(pairs.map(\.0)),
                floor: median(pairs.map(\.1)), ratio: factor, goal: ">= 15 times faster",
                isMet: factor >= 15,
                details: [])
        ]
    }

    private static func foundation(_ request: SyncRequest) -> Batch {
        Batch(
            replica: Hex.string(request.replica.rawValue), ticket: Hex.string(request.ticket ?? 0),
            counter: request.counter, cursor: ["fedcba9876543210", "1234"],
            changes: request.changes.map { event in
                BatchChange(
                    nonce: Hex.string(event.change.nonce),
                    time: [event.change.time.milliseconds, UInt64(event.change.time.count)],
                    writes: event.change.writes.map { write in
                        BatchWrite(
                            key: [
                                write.key.collection.text, write.key.item.text,
                                write.key.field.text,
                            ], payload: [2, 1], replaces: [])
                    })
            })
    }

    private static func nanos(_ body: () throws -> Void) rethrows -> Double {
        let start = BenchClock.nowNanos()
        for _ in 0..<repetitions { try body() }
        return Double(BenchClock.nowNanos() - start) / Double(repetitions)
    }

    /// Blocks allocated to write and to read the batch, in CBOR and by Foundation.
    static func allocations() throws -> [BenchRow] {
        let request = CoreBench.batchOfTen()
        let bytes = Encoding.cbor.encode(request)
        let batch = foundation(request)
        let encoder = JSONEncoder()
        let decoder = JSONDecoder()
        let data = try encoder.encode(batch)
        let counts = [
            ("cbor_write", AllocationCounter.count { _ = Encoding.cbor.encode(request) }),
            ("cbor_read", try AllocationCounter.count { _ = try Encoding.cbor.request(bytes) }),
            ("json_write", try AllocationCounter.count { _ = try encoder.encode(batch) }),
            (
                "json_read",
                try AllocationCounter.count { _ = try decoder.decode(Batch.self, from: data) }
            ),
        ]
        return counts.compactMap { name, count in
            count.map { count in
                BenchRow(
                    name: name + "_allocations", unit: "blocks", value: Double(count), floor: nil,
                    ratio: Double(count), goal: "printed", isMet: true, details: [])
            }
        }
    }
}
