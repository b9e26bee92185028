import Foundation
import Testing
import ToteCore

/// The bounded exhaustive model of leases. A deeper run, of everything that may happen:
/// `TOTE_MODEL_DEPTH=9 swift test -c release --filter LeaseModel`.
struct LeaseModelTests {
    struct Search: CustomTestStringConvertible, Sendable {
        var part: LeaseModelSearch.Part
        var depth: Int
        var bounds: LeaseBounds

        var testDescription: String { "\(part) to depth \(depth)" }
    }

    private static let searches: [Search] = {
        let text = ProcessInfo.processInfo.environment["TOTE_MODEL_DEPTH"]
        if let depth = text.flatMap({ Int($0) }) {
            let wide = LeaseBounds(requests: 3, troubles: 2)
            return LeaseModelSearch.Part.allCases.map {
                Search(part: $0, depth: depth, bounds: wide)
            }
        }
        // Every pair of a spend and a redemption, with a copy; then trouble, for each part alone.
        return [
            Search(
                part: .all, depth: 8,
                bounds: LeaseBounds(requests: 2, spends: 1, takes: 1, troubles: 0)),
            Search(part: .phones, depth: 7, bounds: LeaseBounds(requests: 2)),
            Search(part: .counters, depth: 6, bounds: LeaseBounds(requests: 2)),
        ]
    }()

    @Test(arguments: searches)
    func `no order of events overspends`(search: Search) {
        let clock = ContinuousClock()
        let start = clock.now
        let result = LeaseModelSearch(part: search.part, bounds: search.bounds)
            .run(depth: search.depth)
        print("lease model, \(search.part), \(result.description), \(clock.now - start)")
        #expect(result.fault == nil, "\(result.description)")
    }

    @Test(arguments: LeasePlant.allCases)
    func `a planted overspend is found`(plant: LeasePlant) {
        let isAtCounter = [
            .freesStoresAtStop, .handsOverFirst, .takesOlder, .watermarkFirst, .renewalLowers,
            .takesReturned, .countsAnew, .breaksPromise,
        ].contains(plant)
        var bounds = LeaseBounds()
        if plant == .watermarkFirst || plant == .breaksPromise {
            bounds = LeaseBounds(requests: 2, takes: 1, copies: 0, troubles: 0)
        }
        let search = LeaseModelSearch(
            plant: plant, part: isAtCounter ? .counters : .phones, bounds: bounds)
        let result = search.run(depth: 8)
        print("lease model, \(plant): \(result.description)")
        #expect(result.fault != nil, "\(plant) is not found in \(result.states) states")
    }
}
