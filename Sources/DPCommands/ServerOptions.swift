import ArgumentParser
import DPServing

/// Network options of a server.
struct ListeningOptions: ParsableArguments {
    @Option(help: "Host name or IP address to listen on; 0.0.0.0 for all interfaces.")
    var host = "127.0.0.1"

    @Option(parsing: .unconditional, help: "Port to listen on; 0 selects a free port.")
    var port = 8000

    @Option(
        help: ArgumentHelp(
            "File with a key that clients must send in the header Authorization: Api-Key KEY.", valueName: "file"))
    var apiKeyFile: String?

    @Option(
        help: ArgumentHelp("PEM file with the certificate of this server; enables TLS.", valueName: "file")
    )
    var tlsCert: String?

    @Option(help: ArgumentHelp("PEM file with the private key of the certificate.", valueName: "file"))
    var tlsKey: String?

    @Flag(help: "Allow connections from other machines without a key.")
    var insecure = false

    func validate() throws {
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert, --tls-key: expected both or neither, found one")
        }
        guard apiKeyFile == nil else { return }
        // Without a key file to read, all options can be checked here.
        let address = ListeningAddress(host: host, port: port)
        try checkingUsage { try WebServerConfiguration(address: address, isInsecure: insecure).validate() }
    }

    /// Reads the files and returns the configuration.
    /// - Throws: when a file is unreadable or invalid, or a setting is out of range.
    func configuration(limits: WebServerLimits) throws -> WebServerConfiguration {
        let configuration = WebServerConfiguration(
            address: ListeningAddress(host: host, port: port),
            key: try apiKeyFile.map { try AccessKey(key(inFile: $0)) },
            security: try tlsCert.map { try TransportSecurity(certificate: $0, key: tlsKey ?? $0) },
            isInsecure: insecure, limits: limits)
        try checkingUsage { try configuration.validate() }
        return configuration
    }
}

/// A feature of a policy and its name in messages, written `feature=key`.
struct RenamedFeature: ExpressibleByArgument {
    let feature: String
    let message: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        (feature, message) = (parts[0], parts[1])
    }
}
