import ArgumentParser
import PolicyInterface
import PolicyMessages
import Serving

/// Where a server listens and for whom.
struct ListeningOptions: ParsableArguments {
    @Option(help: "Where to listen: a name or number of this machine, or 0.0.0.0 for all its networks.")
    var host = "127.0.0.1"

    @Option(parsing: .unconditional, help: "Port to listen on; 0 takes a free one.")
    var port = 8000

    @Option(
        help: ArgumentHelp(
            "File with a key that clients have to send, as the header Authorization: Api-Key KEY.", valueName: "file"))
    var apiKeyFile: String?

    @Option(
        help: ArgumentHelp("Certificate of this server, a PEM file; connections are then encrypted.", valueName: "file")
    )
    var tlsCert: String?

    @Option(help: ArgumentHelp("Private key of the certificate, a PEM file.", valueName: "file"))
    var tlsKey: String?

    @Flag(help: "Let other machines connect though there is no key.")
    var insecure = false

    func validate() throws {
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert, --tls-key: expected both or neither, found one")
        }
        guard apiKeyFile == nil else { return }
        // Without files to read, all can be checked at once.
        let address = ListeningAddress(host: host, port: port)
        try checkingUsage { try WebServerConfiguration(address: address, isInsecure: insecure).validate() }
    }

    /// What the options say, with the files read.
    /// - Throws: when a file cannot be read or does not hold what it should, or a setting is out of range.
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

/// A field of a policy and its name in messages, written `policy=wire`.
struct RenamedField: ExpressibleByArgument {
    let field: String
    let message: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        (field, message) = (parts[0], parts[1])
    }
}
