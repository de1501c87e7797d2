import ArgumentParser
import RemotePolicies

/// A policy that lives in a server.
struct RemoteOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Ask the policy of this server, at ws://HOST:PORT or wss://HOST:PORT.", valueName: "address")
    )
    var server: String?

    @Option(help: ArgumentHelp("File with the server's key.", valueName: "file"))
    var apiKeyFile: String?

    @Option(
        help: ArgumentHelp(
            "Certificates to trust an encrypted server by, a PEM file; those of the system if not given.",
            valueName: "file"))
    var tlsCA: String?

    func validate() throws {
        if let server { _ = try checkingUsage { try ServerAddress(server) } }
        if server == nil, apiKeyFile != nil || tlsCA != nil {
            throw ValidationError("--api-key-file, --tls-ca: expected --server too, found none")
        }
    }

    /// The server's address, if a server is named.
    func address() throws -> ServerAddress? { try server.map { try ServerAddress($0) } }

    /// How to talk to it.
    /// - Throws: when the key's file cannot be read.
    func configuration() throws -> PolicyClientConfiguration {
        PolicyClientConfiguration(key: try apiKeyFile.map(key(inFile:)), trustedCertificates: tlsCA)
    }

    /// The server's policy, if a server is named.
    /// - Throws: when the key's file cannot be read, or `PolicyClientError`.
    func client() throws -> PolicyClient? {
        try address().map { try PolicyClient($0, configuration: configuration()) }
    }
}
