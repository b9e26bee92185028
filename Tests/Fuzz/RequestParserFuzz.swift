import Glibc
import ToteHTTP

// For libFuzzer: `.ci/fuzz` builds it beside the parser and its tests' harness.

/// Good messages; the refused ones are the tests' own.
private let goodMessages = [
    "GET /a?b=c%20d HTTP/1.1\r\nHost: a:80\r\nX: y\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5;a;b=c;d=\"e\\\"f\"\r\nhello\r\n0A\r\n world....\r\n0\r\nX: y\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://A/b?c HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
]

/// Writes the messages that fuzzing begins with into the folder that `TOTE_FUZZ_CORPUS` names.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer
) -> CInt {
    guard let folder = getenv("TOTE_FUZZ_CORPUS") else { return 0 }
    let messages = goodMessages.map(latin1) + Rejection.all.map(\.bytes)
    for (index, bytes) in messages.enumerated() where bytes.count <= 4096 {
        let file = fopen("\(String(cString: folder))/seed-\(index)", "w")
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
    return 0
}

/// Whatever comes is read alike whole, byte by byte and in pieces; memory is the sanitiser's task.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = Verdict(bytes, cutAt: [])
    var random = SeededGenerator(seed: bytes.reduce(UInt64(count)) { $0 &* 31 &+ UInt64($1) })
    let cuts = (0..<2).map { _ in Int.random(in: 0...count, using: &random) }.sorted()
    precondition(Verdict(bytes, cutAt: cuts) == whole, "cut at \(cuts)")
    if count < 64 { precondition(Verdict(bytes, cutAt: Array(0..<count)) == whole, "by bytes") }
    // One refusal ends it: nothing behind it is a request.
    precondition(whole.failure == nil || !whole.isInside)
    return 0
}
