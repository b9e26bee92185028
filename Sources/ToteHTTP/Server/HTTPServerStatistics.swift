import Synchronization

/// What a server has done since it started, summed over its loops.
package struct HTTPServerStatistics: Sendable, Hashable {
    /// Connections that are open now.
    package internal(set) var connectionsOpen = 0
    /// Connections that were welcome.
    package internal(set) var connectionsAccepted = 0
    /// Connections answered with 503 or dropped because there were too many: in all, of one
    /// address, or for the descriptors of the process.
    package internal(set) var refusedForTotal = 0
    package internal(set) var refusedForAddress = 0
    package internal(set) var refusedForDescriptors = 0
    /// Connections that were refused, for whatever reason.
    package var connectionsRefused: Int {
        refusedForTotal + refusedForAddress + refusedForDescriptors
    }
    /// Requests handed to the handler.
    package internal(set) var requests = 0
    /// Requests that the HTTP layer refused or gave up on.
    package internal(set) var failures = 0
    /// Connections cut because the client read too slowly.
    package internal(set) var slowReadersCut = 0
    /// Times that accepting stopped for want of a descriptor.
    package internal(set) var acceptPauses = 0
    /// Returns from `epoll_wait`: it must not run ahead of the work.
    package internal(set) var wakeUps = 0
}

/// One loop's counters. Only the loop's thread writes; anybody may read.
final class LoopCounters: Sendable {
    let accepted = Atomic(0)
    let refusedForTotal = Atomic(0)
    let refusedForAddress = Atomic(0)
    let refusedForDescriptors = Atomic(0)
    let requests = Atomic(0)
    let failures = Atomic(0)
    let slowReadersCut = Atomic(0)
    let acceptPauses = Atomic(0)
    let wakeUps = Atomic(0)

    func add(to sum: inout HTTPServerStatistics) {
        sum.connectionsAccepted += accepted.load(ordering: .relaxed)
        sum.refusedForTotal += refusedForTotal.load(ordering: .relaxed)
        sum.refusedForAddress += refusedForAddress.load(ordering: .relaxed)
        sum.refusedForDescriptors += refusedForDescriptors.load(ordering: .relaxed)
        sum.requests += requests.load(ordering: .relaxed)
        sum.failures += failures.load(ordering: .relaxed)
        sum.slowReadersCut += slowReadersCut.load(ordering: .relaxed)
        sum.acceptPauses += acceptPauses.load(ordering: .relaxed)
        sum.wakeUps += wakeUps.load(ordering: .relaxed)
    }
}

extension Atomic where Value == Int {
    /// Counts up where one thread alone writes: cheaper than a locked addition.
    func countOne() {
        store(load(ordering: .relaxed) + 1, ordering: .relaxed)
    }
}
