import Glibc
import ToteCore

/// The wall clock of one IANA time zone, by the system's own time zone data.
///
/// The zone belongs to the whole process: one at a time, and on one thread.
struct LocalClock {
    /// Why a time zone cannot be used.
    enum Failure: Error {
        case unknown
        /// The system has no time zone data at all.
        case noData(directory: String)
    }

    /// Which moment a wall clock's time means where it comes twice.
    enum Choice {
        case first, last
    }

    init(zone: String) throws(Failure) {
        let directory = getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo"
        guard access(directory, R_OK | X_OK) == 0 else { throw .noData(directory: directory) }
        // Glibc takes an unknown zone for UTC: it is looked for first.
        let isName = zone.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "+"),
                UInt8(ascii: "-"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
        guard isName, zone.utf8.first != UInt8(ascii: "/"),
            Self.isZoneFile("\(directory)/\(zone)")
        else { throw .unknown }
        setenv("TZ", ":\(zone)", 1)
        tzset()
    }

    private static func isZoneFile(_ path: String) -> Bool {
        guard let file = fopen(path, "r") else { return false }
        defer { fclose(file) }
        var magic: [UInt8] = [0, 0, 0, 0]
        return fread(&magic, 1, 4, file) == 4 && magic.elementsEqual("TZif".utf8)
    }

    /// How far the zone is ahead of UTC at a moment, in seconds.
    private func offset(at seconds: Int) -> Int {
        var moment = time_t(seconds)
        var parts = tm()
        localtime_r(&moment, &parts)
        return Int(parts.tm_gmtoff)
    }

    /// The day on the wall at a moment.
    func date(at seconds: Int) -> CivilDate {
        let local = seconds + offset(at: seconds)
        return CivilDate(days: local >= 0 ? local / 86_400 : (local - 86_399) / 86_400)
    }

    /// The moment at which the wall clock shows a time, in seconds since 1970. A time that is
    /// skipped when clocks go forward is as long after midnight as if they did not.
    func moment(_ date: CivilDate, minute: Int, _ choice: Choice) -> Int {
        let local = date.days * 86_400 + minute * 60
        // A zone changes its offset less often than every other day.
        let before = offset(at: local - 86_400)
        let after = offset(at: local + 86_400)
        let moments = [local - before, local - after].filter { offset(at: $0) == local - $0 }
        switch choice {
        case .first: return moments.min() ?? local - before
        case .last: return moments.max() ?? local - before
        }
    }
}
