/// The error for a server that does not respond as a policy server should.
///
/// ```swift
/// do {
///     let policy = try PolicyClient(ServerAddress("ws://10.0.0.2:8000"))
///     print("connected to", policy.metadata.name)
/// } catch PolicyClientError.unreachable(let address, let reason) {
///     print("no policy server at \(address): \(reason)")
/// }
/// ```
public enum PolicyClientError: Error, Equatable, CustomStringConvertible {
    /// An invalid address.
    case invalidAddress(String)
    /// A certificate, or a file of them, that cannot be used.
    case invalidCertificates(file: String, reason: String)
    /// The address requires encryption, which this build does not support.
    case encryptionMissing(ServerAddress)
    /// The server cannot be reached.
    case unreachable(ServerAddress, reason: String)
    /// The server's certificate is not signed by a trusted one.
    case untrusted(ServerAddress)
    /// The server refused the connection.
    case connectionRefused(ServerAddress, status: Int, text: String)
    /// The connection ended before the response.
    case closed(ServerAddress, reason: String)
    /// The response did not arrive in time.
    case timedOut(ServerAddress, after: Duration)
    /// The server reports that the request is invalid or that it failed.
    case refused(ServerAddress, text: String)
    /// An invalid response.
    case unintelligible(ServerAddress, reason: String)

    /// Whether the same request may succeed over another connection a little later.
    var isOfConnection: Bool {
        switch self {
        case .unreachable, .closed, .connectionRefused(_, status: 503, _): true
        default: false
        }
    }

    /// One line: the server, what was expected, what was found, and a hint.
    public var description: String {
        switch self {
        case .invalidAddress(let text): "server: expected ws://HOST:PORT or wss://HOST:PORT, found \(text)"
        case .invalidCertificates(let file, let reason): "\(file): expected certificates in PEM form, found \(reason)"
        case .encryptionMissing(let server):
            "\(server): expected a build with the package trait TLS to encrypt the connection, found a build without it"
        case .unreachable(let server, let reason):
            "\(server): expected a policy server, found none (\(reason)); start one with dpolicy serve"
        case .untrusted(let server):
            "\(server): expected a trusted certificate, found an untrusted one; pass the signer's certificate with --tls-ca"
        case .connectionRefused(let server, let status, let text):
            "\(server): expected an accepted connection, found HTTP status \(status)"
                + (text.isEmpty ? "" : ": \(text)")
                + (status == 401 ? "; pass the server's key file with --api-key-file" : "")
        case .closed(let server, let reason): "\(server): expected a response, found a closed connection (\(reason))"
        case .timedOut(let server, let time): "\(server): expected a response within \(time), found none"
        case .refused(let server, let text): "\(server): \(text)"
        case .unintelligible(let server, let reason): "\(server): \(reason)"
        }
    }
}
