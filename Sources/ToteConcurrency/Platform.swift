// The pthread calls that differ between Linux and Apple's systems, behind four small types.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A mutex at an address that never moves, as pthread demands.
struct PlatformMutex {
    fileprivate let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let code = pthread_mutex_init(mutex, nil)
        precondition(code == 0, "pthread_mutex_init failed with \(code)")
    }

    func destroy() {
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1)
        mutex.deallocate()
    }

    func lock() {
        let code = pthread_mutex_lock(mutex)
        precondition(code == 0, "pthread_mutex_lock failed with \(code)")
    }

    func unlock() {
        pthread_mutex_unlock(mutex)
    }
}

/// A condition variable that waits by the monotonic clock: setting the wall one moves no deadline.
struct PlatformCondition {
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        #if canImport(Glibc)
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            let code = pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #else
            let code = pthread_cond_init(condition, nil)
        #endif
        precondition(code == 0, "pthread_cond_init failed with \(code)")
    }

    func destroy() {
        pthread_cond_destroy(condition)
        condition.deinitialize(count: 1)
        condition.deallocate()
    }

    func signal() {
        pthread_cond_signal(condition)
    }

    func broadcast() {
        pthread_cond_broadcast(condition)
    }

    func wait(_ mutex: PlatformMutex) {
        pthread_cond_wait(condition, mutex.mutex)
    }

    /// Waits until signalled or until `deadlineNanos` of `MonotonicClock`; may wake for no reason.
    func wait(_ mutex: PlatformMutex, untilNanos deadlineNanos: UInt64) {
        #if canImport(Glibc)
            var time = timespec(
                tv_sec: Int(deadlineNanos / 1_000_000_000),
                tv_nsec: Int(deadlineNanos % 1_000_000_000))
            pthread_cond_timedwait(condition, mutex.mutex, &time)
        #else
            let now = MonotonicClock.nowNanos()
            let left = deadlineNanos > now ? deadlineNanos - now : 0
            var time = timespec(
                tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
            pthread_cond_timedwait_relative_np(condition, mutex.mutex, &time)
        #endif
    }
}

/// A handle to a thread; compared to tell whether code runs on it.
package struct ThreadIdentity: Equatable, Sendable {
    // An opaque id, kept as a number because Apple's is a pointer, which is not Sendable.
    private let bits: UInt

    fileprivate init(_ thread: pthread_t) {
        #if canImport(Glibc)
            bits = thread
        #else
            bits = UInt(bitPattern: thread)
        #endif
    }

    /// The thread that asks.
    package static var current: ThreadIdentity { ThreadIdentity(pthread_self()) }

    /// Waits for the thread to end and frees what the system keeps of it; at most once.
    func join() {
        #if canImport(Glibc)
            let code = pthread_join(bits, nil)
        #else
            guard let thread = pthread_t(bitPattern: bits) else { return }
            let code = pthread_join(thread, nil)
        #endif
        precondition(code == 0, "pthread_join failed with \(code)")
    }

    /// Lets the system free what it keeps of the thread once it ends; instead of `join`.
    func detach() {
        #if canImport(Glibc)
            let code = pthread_detach(bits)
        #else
            guard let thread = pthread_t(bitPattern: bits) else { return }
            let code = pthread_detach(thread)
        #endif
        precondition(code == 0, "pthread_detach failed with \(code)")
    }
}

/// What a new thread is handed: a C function takes one pointer, not a closure.
private final class ThreadStart {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        #if canImport(Glibc)
            // Glibc's module hides pthread_setname_np (a GNU extension); the kernel's file does it.
            let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            if file >= 0 {
                _ = name.utf8CString.withUnsafeBytes { write(file, $0.baseAddress, $0.count - 1) }
                close(file)
            }
        #else
            pthread_setname_np(name)
        #endif
        body()
    }
}

/// Starts a thread; a system without room for one more thread is not one to go on with.
func spawnThread(named name: String, _ body: @escaping @Sendable () -> Void) -> ThreadIdentity {
    let start = Unmanaged.passRetained(ThreadStart(name: name, body: body)).toOpaque()
    #if canImport(Glibc)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, start)
        precondition(code == 0, "no thread for \(name): error \(code)")
        return ThreadIdentity(thread)
    #else
        var thread: pthread_t?
        let code = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, start)
        guard code == 0, let thread else { preconditionFailure("no thread for \(name): \(code)") }
        return ThreadIdentity(thread)
    #endif
}
