import Foundation
import NIOCore
import NIOPosix
import NIOSSL

extension PolicyClientError {
    /// What it means that no connection came about.
    init(connectingTo server: ServerAddress, failed error: any Error) {
        if case NIOSSLError.handshakeFailed(let failure) = error {
            // BoringSSL gives its reasons as text alone.
            let isUntrusted = "\(failure)".contains("CERTIFICATE_VERIFY_FAILED")
            self = isUntrusted ? .untrusted(server) : .unreachable(server, reason: "it does not speak TLS as expected")
        } else {
            self = .unreachable(server, reason: Self.reason(of: error))
        }
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
