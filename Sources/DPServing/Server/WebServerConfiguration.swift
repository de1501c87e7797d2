import DPBase

/// The configuration of a web server: its address, access and limits.
///
/// ```swift
/// var web = WebServerConfiguration(address: ListeningAddress(host: "192.168.1.20"))
/// web.key = try AccessKey("Zk3qT9vB7n")
/// try web.validate()  // throws without the key, because other machines can connect
/// ```
public struct WebServerConfiguration: Sendable {
    /// The address that the server listens on.
    public var address: ListeningAddress
    /// The key that clients must send; nil if anybody may connect.
    public var key: AccessKey?
    /// The server's certificate; nil for connections without encryption.
    public var security: TransportSecurity?
    /// Whether other machines may connect without a key.
    public var isInsecure: Bool
    /// The server's limits.
    public var limits: WebServerLimits

    /// Creates a configuration; by default, only this machine can reach the server.
    public init(
        address: ListeningAddress = ListeningAddress(), key: AccessKey? = nil, security: TransportSecurity? = nil,
        isInsecure: Bool = false, limits: WebServerLimits = WebServerLimits()
    ) {
        self.address = address
        self.key = key
        self.security = security
        self.isInsecure = isInsecure
        self.limits = limits
    }

    /// Checks that the server is not exposed by accident, and that settings are in range.
    /// - Throws: `InputError` when other machines could reach the server without a key, or a setting is out of
    ///   range.
    public func validate() throws {
        try address.validate()
        try limits.validate()
        guard address.isLoopback || key != nil || isInsecure else {
            throw InputError(
                key: "host",
                expected: "one that only this machine can reach (127.0.0.1, ::1, localhost), an API key, or --insecure",
                found: address.host)
        }
    }
}
