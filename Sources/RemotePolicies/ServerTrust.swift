import NIOCore

#if TLS
    import NIOSSL
#endif

/// Whose certificates a client trusts, and what encrypts its connections.
///
/// It needs the package trait `TLS`; without it there is no way to make one.
struct ServerTrust: Sendable {
    #if TLS
        private let context: NIOSSLContext
    #else
        private let context: Never
    #endif

    /// - Parameter certificates: a PEM file of those to trust; those of the system if nil.
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

    /// What encrypts one connection.
    func handler(for server: ServerAddress) throws -> any ChannelHandler {
        #if TLS
            // A name is checked against the certificate; a number cannot be told to the server, but is checked too.
            let isNumber = (try? SocketAddress(ipAddress: server.host, port: server.port)) != nil
            return try NIOSSLClientHandler(context: context, serverHostname: isNumber ? nil : server.host)
        #else
            switch context {}
        #endif
    }
}

extension PolicyClientError {
    /// What it means that a connection could not be encrypted, or nil if the error says something else.
    init?(encryptingTo server: ServerAddress, failed error: any Error) {
        #if TLS
            guard case NIOSSLError.handshakeFailed(let failure) = error else { return nil }
            // BoringSSL gives its reasons as text alone.
            let isUntrusted = "\(failure)".contains("CERTIFICATE_VERIFY_FAILED")
            self = isUntrusted ? .untrusted(server) : .unreachable(server, reason: "it does not speak TLS as expected")
        #else
            return nil
        #endif
    }
}
