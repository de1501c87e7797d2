import Glibc

/// The number of files and connections that this process may have open.
package enum FileDescriptors {
    /// The current limit (`ulimit -n`).
    package static var limit: Int {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 1024 }
        return Int(exactly: limits.rlim_cur) ?? .max
    }

    /// Raises the limit, up to the hard limit (`ulimit -Hn`).
    /// - Parameter wanted: the limit that this process needs; the function never lowers the limit.
    package static func raiseLimit(to wanted: Int) {
        var limits = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limits) == 0, limits.rlim_cur < rlim_t(wanted) else { return }
        limits.rlim_cur = min(rlim_t(wanted), limits.rlim_max)
        setrlimit(resource, &limits)
    }

    /// Returns how many more may be opened.
    /// - Parameter most: the count stops at this number.
    static func available(atMost most: Int) -> Int {
        // The system assigns the lowest free number, so the free numbers below the limit are the available ones.
        var free = 0
        for descriptor in 0..<limit {
            if free == most { break }
            if fcntl(Int32(descriptor), F_GETFD) == -1 { free += 1 }
        }
        return free
    }
}
