/// A server that does not answer as a policy should.
public enum PolicyClientError: Error, Equatable, CustomStringConvertible {
    /// An address that is none.
    case invalidAddress(String)
    /// A certificate, or a file of them, that cannot be used.
    case invalidCertificates(file: String, reason: String)
    /// The address asks for encryption, and this build has none.
    case encryptionMissing(ServerAddress)
    /// Nobody answers there.
    case unreachable(ServerAddress, reason: String)
    /// Nobody who is trusted vouches for the server's certificate.
    case untrusted(ServerAddress)
    /// The server does not let the client in.
    case notAdmitted(ServerAddress, status: Int, text: String)
    /// The connection ended before the answer.
    case closed(ServerAddress, reason: String)
    /// The answer did not come in time.
    case late(ServerAddress, after: Duration)
    /// The server says that the request is wrong, or that it cannot answer it.
    case refused(ServerAddress, text: String)
    /// An answer that is none.
    case unintelligible(ServerAddress, reason: String)

    /// Whether the same request may be answered over another connection, a little later.
    var isOfConnection: Bool {
        switch self {
        case .unreachable, .closed, .notAdmitted(_, status: 503, _): true
        default: false
        }
    }

    /// One line: which server, what was expected, what was found, what to do.
    public var description: String {
        switch self {
        case .invalidAddress(let text): "server: expected ws://HOST:PORT or wss://HOST:PORT, found \(text)"
        case .invalidCertificates(let file, let reason): "\(file): expected certificates in PEM form, found \(reason)"
        case .encryptionMissing(let server):
            "\(server): expected a build with the package trait TLS to encrypt the connection, found one without"
        case .unreachable(let server, let reason):
            "\(server): expected a policy server, found none (\(reason)); start one with dpolicy serve"
        case .untrusted(let server):
            "\(server): expected a certificate that is trusted, found one that is not; name the file of who signed it with --tls-ca"
        case .notAdmitted(let server, let status, let text):
            "\(server): expected to be let in, found HTTP status \(status)" + (text.isEmpty ? "" : ": \(text)")
                + (status == 401 ? "; name the file of its key with --api-key-file" : "")
        case .closed(let server, let reason): "\(server): expected an answer, found a closed connection (\(reason))"
        case .late(let server, let time): "\(server): expected an answer within \(time), found none"
        case .refused(let server, let text): "\(server): \(text)"
        case .unintelligible(let server, let reason): "\(server): \(reason)"
        }
    }
}
