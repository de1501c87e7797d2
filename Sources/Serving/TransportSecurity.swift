import Foundation
import NIOCore

#if TLS
    import NIOSSL
#endif

/// Who a server is, proven by a certificate; connections are then encrypted (`wss` and `https`).
///
/// It needs the package trait `TLS`; without it there is no way to make one.
public struct TransportSecurity: Sendable {
    #if TLS
        private let context: NIOSSLContext
    #else
        private let context: Never
    #endif

    /// The identity in two PEM files.
    /// - Parameters:
    ///   - certificate: the certificate, followed by those that it was signed with.
    ///   - key: its private key.
    /// - Throws: `TransportSecurityError` when a file cannot be read or does not hold what it should, and in a build
    ///   without the trait `TLS`.
    public init(certificate: String, key: String) throws {
        #if TLS
            let certificates = try Self.reading(certificate, "certificates in PEM form") {
                try NIOSSLCertificate.fromPEMFile(certificate)
            }
            let privateKey = try Self.reading(key, "a private key in PEM form") {
                try NIOSSLPrivateKey(file: key, format: .pem)
            }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(privateKey))
            // RFC 8996 deprecates older versions.
            configuration.minimumTLSVersion = .tlsv12
            context = try Self.reading(certificate, "a certificate that fits to the key \(key)") {
                try NIOSSLContext(configuration: configuration)
            }
        #else
            throw TransportSecurityError(
                file: certificate, expected: "a build with the package trait TLS to encrypt connections with it",
                found: "one without")
        #endif
    }

    /// What encrypts one connection.
    func handler() -> any ChannelHandler {
        #if TLS
            NIOSSLServerHandler(context: context)
        #else
            switch context {}
        #endif
    }

    #if TLS
        private static func reading<Result>(
            _ file: String, _ expected: String, _ body: () throws -> Result
        ) throws -> Result {
            do { return try body() } catch {
                let isThere = FileManager.default.isReadableFile(atPath: file)
                let found =
                    switch error {
                    case _ where !isThere: "no file that can be read"
                    case NIOSSLError.failedToLoadCertificate, NIOSSLError.failedToLoadPrivateKey: "something else"
                    default: "\(error)"
                    }
                throw TransportSecurityError(file: file, expected: expected, found: found)
            }
        }
    #endif
}

/// A certificate or key that cannot be used.
public struct TransportSecurityError: Error, CustomStringConvertible {
    /// The file.
    public let file: String
    /// What it should hold.
    public let expected: String
    /// What is wrong with it.
    public let found: String

    /// One line: the file, what was expected, what was found.
    public var description: String { "\(file): expected \(expected), found \(found)" }
}
