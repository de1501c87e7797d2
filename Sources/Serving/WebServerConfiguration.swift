import PolicyInterface

/// Where a web server listens, who may use it, and how much.
public struct WebServerConfiguration: Sendable {
    /// Where it listens.
    public var address: ListeningAddress
    /// What clients have to know; anybody may connect if nil.
    public var key: AccessKey?
    /// Its certificate; nothing is encrypted if nil.
    public var security: TransportSecurity?
    /// Whether it may be reached from other machines without a key.
    public var isInsecure: Bool
    /// How much it takes upon itself.
    public var limits: WebServerLimits

    /// A server that only this machine can reach, by default.
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

    /// Checks that nobody can use the server by an oversight.
    /// - Throws: `InvalidSetting` when other machines could reach it without a key, or a setting is out of range.
    public func validate() throws {
        try address.validate()
        try limits.validate()
        guard address.isLoopback || key != nil || isInsecure else {
            throw InvalidSetting(
                key: "host",
                expected: "one that only this machine can reach (127.0.0.1, ::1, localhost), an API key, or --insecure",
                found: address.host)
        }
    }
}
