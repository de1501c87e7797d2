import NIOCore

#if TLS
    import NIOSSL
#endif

/// The certificates that a client trusts, and the encryption of its connections.
///
/// It needs the package trait `TLS`; without the trait, no instance can be created.
struct ServerTrust: Sendable {
    #if TLS
        private let context: NIOSSLContext
    #else
        private let context: Never
    #endif

    /// - Parameter certificates: a PEM file of the trusted certificates; nil for those of the system.
    /// - Throws: `PolicyClientError.invalidCertificates`, or `.encryptionMissing` in a build without the trait `TLS`.
    init(in certificates: String?, for server: ServerAddress) throws {
        #if TLS
            var settings = TLSConfiguration.makeClientConfiguration()
            // RFC 8996 deprecates older versions.
            settings.minimumTLSVersion = .tlsv12
            do {
                if let certificates {
                    settings.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificates))
                }
                context = try NIOSSLContext(configuration: settings)
            } catch {
                throw PolicyClientError.invalidCertificates(
                    file: certificates ?? "the system's certificates", reason: "\(error)")
            }
        #else
            throw PolicyClientError.encryptionMissing(server)
        #endif
    }

    /// Returns the handler that encrypts one connection.
    func handler(for server: ServerAddress) throws -> any ChannelHandler {
        #if TLS
            // SNI accepts only host names, but the certificate is checked against IP addresses too.
            let isNumber = (try? SocketAddress(ipAddress: server.host, port: server.port)) != nil
            return try NIOSSLClientHandler(context: context, serverHostname: isNumber ? nil : server.host)
        #else
            switch context {}
        #endif
    }
}

extension PolicyClientError {
    /// Creates the error for a connection that could not be encrypted; nil if the cause is another one.
    init?(encryptingTo server: ServerAddress, failed error: any Error) {
        #if TLS
            guard case NIOSSLError.handshakeFailed(let failure) = error else { return nil }
            // BoringSSL gives its reasons only as text.
            let isUntrusted = "\(failure)".contains("CERTIFICATE_VERIFY_FAILED")
            self = isUntrusted ? .untrusted(server) : .unreachable(server, reason: "the TLS handshake failed")
        #else
            return nil
        #endif
    }
}
