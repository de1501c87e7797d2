import DPBase

/// The configuration of a policy client.
///
/// ```swift
/// var configuration = PolicyClientConfiguration(key: "Zk3qT9vB7n", trustedCertificates: "tls/authority.pem")
/// configuration.responseTimeout = .seconds(2)
/// configuration.retryDuration = .zero  // the robot stops instead of waiting for another connection
/// let policy = try PolicyClient(ServerAddress("wss://10.0.0.2:8443"), configuration: configuration)
/// ```
public struct PolicyClientConfiguration: Sendable, Equatable {
    /// The server's key, if it requires one.
    public var key: String?
    /// A PEM file of the certificates that sign the server's; nil to trust those of the system.
    public var trustedCertificates: String?
    /// The largest number of connections.
    ///
    /// Simultaneous requests use different ones, so that the server can compute them in one batch.
    public var connections: Int
    /// The time limit for connecting.
    public var connectTimeout: Duration
    /// The time limit for a response.
    public var responseTimeout: Duration
    /// The longest time without a response or pong while a request is pending, until the client gives up the
    /// connection.
    public var idleTimeout: Duration
    /// How long the client repeats a request over new connections after a connection is lost; 0 to never repeat it.
    ///
    /// The response is the same, because a request contains everything that it depends on.
    public var retryDuration: Duration

    /// Creates a configuration; by default, no key, up to 16 connections, and time limits for slow machines.
    public init(
        key: String? = nil, trustedCertificates: String? = nil, connections: Int = 16,
        connectTimeout: Duration = .seconds(10), responseTimeout: Duration = .seconds(60),
        idleTimeout: Duration = .seconds(5), retryDuration: Duration = .seconds(10)
    ) {
        self.key = key
        self.trustedCertificates = trustedCertificates
        self.connections = connections
        self.connectTimeout = connectTimeout
        self.responseTimeout = responseTimeout
        self.idleTimeout = idleTimeout
        self.retryDuration = retryDuration
    }

    /// Checks the settings, and that a header can hold the key.
    /// - Throws: `InputError`, which does not reveal the key.
    public func validate() throws {
        if let bytes = key.map({ Array($0.utf8) }),
            !(1...4096).contains(bytes.count) || !bytes.allSatisfy({ (0x21...0x7E).contains($0) })
        {
            throw InputError(
                key: "API key", expected: "1 to 4096 printable ASCII characters without spaces",
                found: "\(bytes.count) bytes")
        }
        guard (1...1024).contains(connections) else {
            throw InputError(key: "connections", expected: "1...1024", found: connections)
        }
        let times = [
            ("connect_timeout", connectTimeout), ("response_timeout", responseTimeout), ("idle_timeout", idleTimeout),
        ]
        for (key, time) in times {
            guard time > .zero, time <= .seconds(86_400) else {
                throw InputError(key: key, expected: "above 0 and at most a day", found: time)
            }
        }
        guard retryDuration >= .zero, retryDuration <= .seconds(86_400) else {
            throw InputError(key: "retry_duration", expected: "0 to a day", found: retryDuration)
        }
    }
}
