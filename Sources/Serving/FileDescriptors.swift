import Glibc

/// The files and connections that the system lets this process have open.
public enum FileDescriptors {
    /// How many there may be (`ulimit -n`).
    public static var limit: Int {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 1024 }
        return Int(exactly: limits.rlim_cur) ?? .max
    }

    /// Asks the system to let there be more; it grants as many as the hard limit (`ulimit -Hn`) says.
    /// - Parameter wanted: how many this process would like to have; the limit is never lowered.
    public static func raiseLimit(to wanted: Int) {
        var limits = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limits) == 0, limits.rlim_cur < rlim_t(wanted) else { return }
        limits.rlim_cur = min(rlim_t(wanted), limits.rlim_max)
        setrlimit(resource, &limits)
    }

    /// How many may still be opened.
    /// - Parameter most: more than this need not be counted.
    static func available(atMost most: Int) -> Int {
        // Open ones are small numbers: what is free among the first ones is what can be had.
        var free = 0
        for descriptor in 0..<limit {
            if free == most { break }
            if fcntl(Int32(descriptor), F_GETFD) == -1 { free += 1 }
        }
        return free
    }
}
