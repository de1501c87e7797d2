import ArgumentParser
import DPServing

/// Options of a client of a policy server.
struct RemoteOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Use the policy of this server, ws://HOST:PORT or wss://HOST:PORT.", valueName: "address")
    )
    var server: String?

    @Option(help: ArgumentHelp("File with the API key of the server.", valueName: "file"))
    var apiKeyFile: String?

    @Option(
        help: ArgumentHelp(
            "PEM file with trusted CA certificates for wss; default: the system's certificates.",
            valueName: "file"))
    var tlsCA: String?

    func validate() throws {
        if let server { _ = try checkingUsage { try ServerAddress(server) } }
        if server == nil, apiKeyFile != nil || tlsCA != nil {
            throw ValidationError("--api-key-file, --tls-ca: expected --server too, found none")
        }
    }

    /// The address of the server, if one is given.
    func address() throws -> ServerAddress? { try server.map { try ServerAddress($0) } }

    /// The configuration of the client.
    /// - Throws: when the key file cannot be read.
    func configuration() throws -> PolicyClientConfiguration {
        PolicyClientConfiguration(key: try apiKeyFile.map(key(inFile:)), trustedCertificates: tlsCA)
    }

    /// Connects to the server, if one is given.
    /// - Throws: when the key file cannot be read, or `PolicyClientError`.
    func client() throws -> PolicyClient? {
        try address().map { try PolicyClient($0, configuration: configuration()) }
    }
}
