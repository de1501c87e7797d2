import Foundation
import NIOCore
import NIOPosix

extension PolicyClientError {
    /// What it means that no connection came about.
    init(connectingTo server: ServerAddress, failed error: any Error) {
        self =
            PolicyClientError(encryptingTo: server, failed: error)
            ?? .unreachable(server, reason: Self.reason(of: error))
    }

    /// In the words of the operating system where it refused.
    private static func reason(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            (error.connectionErrors.first?.error ?? error.dnsAError ?? error.dnsAAAAError).map(reason) ?? "\(error)"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        default: "\(error)"
        }
    }
}
