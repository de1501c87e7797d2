import CChipmunk

#if canImport(Glibc)
    @preconcurrency import Glibc
#elseif canImport(Musl)
    @preconcurrency import Musl
#elseif canImport(Darwin)
    @preconcurrency import Darwin
#endif

/// Keeps the greeting that a debug build of Chipmunk prints out of standard output, which programs read.
enum ChipmunkGreeting {
    /// An empty space; the first one of the process is made while standard output leads nowhere.
    static func makeSpaceQuietly() -> UnsafeMutablePointer<cpSpace> {
        _ = firstSpace
        return cpSpaceNew()
    }

    /// Makes and discards the first space, once in a process.
    ///
    /// The stream's lock is held meanwhile, so that what other threads print waits instead of being lost.
    private static let firstSpace: Void = {
        flockfile(stdout)
        defer { funlockfile(stdout) }
        fflush(stdout)
        let output = dup(STDOUT_FILENO)
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        let isRedirected = output >= 0 && nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0
        cpSpaceFree(cpSpaceNew())
        fflush(stdout)
        if isRedirected { dup2(output, STDOUT_FILENO) }
        if output >= 0 { close(output) }
        if nowhere >= 0 { close(nowhere) }
    }()
}
