import DPBase
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A one-way connection to a child process.
///
/// It is a socket pair, not a pipe, because a send on a socket can report a child that has exited as an error
/// (`EPIPE`), whereas a write to a pipe would end the whole program with SIGPIPE. Both ends close on exec, so that
/// no other child holds them open.
final class FrameSocket {
    /// The end that the child reads from.
    let encoderEnd: FileHandle
    private var descriptor: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        #if os(Linux)
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw FileSystemError(operation: "make", path: "pipe to ffmpeg", code: errno)
        }
        #if !os(Linux)
            var on: Int32 = 1
            setsockopt(ends[0], SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        #endif
        descriptor = ends[0]
        encoderEnd = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    }

    deinit { close() }

    /// Closes the child's end after the child has started, so that its exit is noticed.
    func closeEncoderEnd() { try? encoderEnd.close() }

    /// Closes the stream.
    func close() {
        if descriptor < 0 { return }
        shutdown(descriptor, Int32(SHUT_WR))
        systemClose(descriptor)
        descriptor = -1
    }

    /// Sends all bytes; returns false when the child no longer reads.
    func send(_ bytes: [UInt8]) -> Bool {
        #if os(Linux)
            let flags = Int32(MSG_NOSIGNAL)
        #else
            let flags: Int32 = 0
        #endif
        return bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = systemSend(descriptor, buffer[sent...], flags)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }
}

// Inside the class, the plain names would refer to its own methods.
private func systemClose(_ descriptor: Int32) { _ = close(descriptor) }

private func systemSend(_ descriptor: Int32, _ bytes: Slice<UnsafeRawBufferPointer>, _ flags: Int32) -> Int {
    let bytes = UnsafeRawBufferPointer(rebasing: bytes)
    return send(descriptor, bytes.baseAddress, bytes.count, flags)
}
