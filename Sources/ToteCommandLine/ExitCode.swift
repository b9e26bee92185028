import Glibc

/// What a command tells the shell when it ends.
///
/// Unit: the process status. The values from 64 on are those of `sysexits.h`, so that a script can
/// tell "you called me wrongly" from "try again later".
package struct ExitCode: RawRepresentable, Hashable, Sendable {
    /// The status as the shell sees it.
    package let rawValue: Int32

    /// Wraps a status; the constants below cover what our commands need.
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// Everything asked for was done.
    package static let success = ExitCode(rawValue: 0)
    /// The work was done and its answer is "no": a check failed, a run found a fault.
    package static let failure = ExitCode(rawValue: 1)
    /// Nothing matched, so nothing was checked; never to be read as a pass.
    package static let nothingRan = ExitCode(rawValue: 2)
    /// A promise of the product is broken.
    package static let brokenPromise = ExitCode(rawValue: 3)
    /// What should have come to rest did not.
    package static let notSettled = ExitCode(rawValue: 4)
    /// The command line is wrong.
    package static let usage = ExitCode(rawValue: 64)
    /// The input is readable but malformed.
    package static let dataError = ExitCode(rawValue: 65)
    /// An input does not exist or cannot be read.
    package static let noInput = ExitCode(rawValue: 66)
    /// A server or another needed thing cannot be reached.
    package static let unavailable = ExitCode(rawValue: 69)
    /// A bug of ours: an internal check failed.
    package static let software = ExitCode(rawValue: 70)
    /// An output cannot be created.
    package static let cannotCreate = ExitCode(rawValue: 73)
    /// Reading or writing failed half way.
    package static let ioError = ExitCode(rawValue: 74)
    /// It may work later; the caller should retry.
    package static let temporaryFailure = ExitCode(rawValue: 75)
    /// The caller may not do this.
    package static let noPermission = ExitCode(rawValue: 77)
    /// The configuration is wrong.
    package static let config = ExitCode(rawValue: 78)

    /// Ends the process with this status.
    package func exit() -> Never { Glibc.exit(rawValue) }
}
