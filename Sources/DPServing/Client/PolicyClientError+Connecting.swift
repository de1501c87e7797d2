import Foundation
import NIOCore
import NIOPosix

extension PolicyClientError {
    /// Creates the error for a connection that could not be opened.
    init(connectingTo server: ServerAddress, failed error: any Error) {
        self =
            PolicyClientError(encryptingTo: server, failed: error)
            ?? .unreachable(server, reason: Self.reason(of: error))
    }

    /// Returns the reason of an error, in the operating system's words if it comes from there.
    private static func reason(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            (error.connectionErrors.first?.error ?? error.dnsAError ?? error.dnsAAAAError).map(reason) ?? "\(error)"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        default: "\(error)"
        }
    }
}
