import DPBase
import Foundation
import NIOCore

#if TLS
    import NIOSSL
#endif

/// The identity of a server, proven by a certificate; with it, connections are encrypted (`wss` and `https`).
///
/// It needs the package trait `TLS`; without the trait, no instance can be created.
///
/// ```swift
/// let security = try TransportSecurity(certificate: "tls/server.pem", key: "tls/server.key")
/// let web = WebServerConfiguration(address: ListeningAddress(port: 8443), security: security)
/// ```
public struct TransportSecurity: Sendable {
    #if TLS
        private let context: NIOSSLContext
    #else
        private let context: Never
    #endif

    /// Reads the identity from two PEM files.
    /// - Parameters:
    ///   - certificate: the server's certificate, followed by the certificates that signed it.
    ///   - key: its private key.
    /// - Throws: `InputError` when a file cannot be read or has other content, and in a build without
    ///   the trait `TLS`.
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
            context = try Self.reading(certificate, "a certificate that matches the key \(key)") {
                try NIOSSLContext(configuration: configuration)
            }
        #else
            throw InputError(
                at: certificate, expected: "a build with the package trait TLS to encrypt connections",
                found: "a build without it")
        #endif
    }

    /// Returns the handler that encrypts one connection.
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
                    case _ where !isThere: "no readable file"
                    case NIOSSLError.failedToLoadCertificate, NIOSSLError.failedToLoadPrivateKey: "other content"
                    default: "\(error)"
                    }
                throw InputError(at: file, expected: expected, found: found)
            }
        }
    #endif
}
