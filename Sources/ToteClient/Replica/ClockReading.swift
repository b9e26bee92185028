/// What the device's clocks said at one moment. The outbox keeps these, never a stamp made of them.
package struct ClockReading: Hashable, Sendable {
    /// The wall clock: milliseconds since 1970, possibly years off.
    package var wallMilliseconds: UInt64
    /// Since the device was started, sleep included; it only ever rises.
    package var uptimeMilliseconds: UInt64
    /// Tells starts of the device apart.
    package var bootID: UInt64

    package init(wallMilliseconds: UInt64, uptimeMilliseconds: UInt64, bootID: UInt64) {
        self.wallMilliseconds = wallMilliseconds
        self.uptimeMilliseconds = uptimeMilliseconds
        self.bootID = bootID
    }
}

/// What the server's time was at one reading of the device's clocks.
package struct ClockAnchor: Hashable, Sendable {
    package var serverMilliseconds: UInt64
    package var reading: ClockReading

    package init(serverMilliseconds: UInt64, reading: ClockReading) {
        self.serverMilliseconds = serverMilliseconds
        self.reading = reading
    }

    /// The server's time at another reading.
    ///
    /// Within one start of the device the uptime tells it, whatever the wall clock was set to
    /// meanwhile; across starts the wall clock is all there is.
    package func serverMilliseconds(at other: ClockReading) -> UInt64 {
        let elapsed: Int64
        if other.bootID == reading.bootID {
            elapsed =
                Int64(clamping: other.uptimeMilliseconds)
                &- Int64(clamping: reading.uptimeMilliseconds)
        } else {
            elapsed =
                Int64(clamping: other.wallMilliseconds) &- Int64(clamping: reading.wallMilliseconds)
        }
        let time = Int64(clamping: serverMilliseconds).addingReportingOverflow(elapsed).partialValue
        return UInt64(clamping: time)
    }
}
