import DPBase
import DPServing
import Foundation
import TestSupport
import Testing

/// Encrypted connections, or their rejection in a build without the trait `TLS`.
@Suite(.timeLimit(.minutes(5))) struct EncryptionTests {
    #if TLS
        private static let openssl = "/usr/bin/openssl"

        @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: openssl), "needs the program openssl"))
        func connectionsCanBeEncrypted() async throws {
            let folder = try TemporaryFolder()
            let (certificate, key) = (folder("cert.pem").path, folder("key.pem").path)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: Self.openssl)
            process.arguments = [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            let security = try TransportSecurity(certificate: certificate, key: key)
            try await withServer(security: security) { server in
                let port = server.address.port
                try await onThread {
                    let address = try ServerAddress("wss://localhost:\(port)")
                    let client = try PolicyClient(
                        address, configuration: PolicyClientConfiguration(trustedCertificates: certificate))
                    let request = FakePolicy.request(1)
                    #expect(try client.predictActionChunks(for: [request]) == [FakePolicy.chunk(for: request)])
                    // No trusted certificate signed this one.
                    #expect(throws: PolicyClientError.untrusted(address)) { try PolicyClient(address) }
                    #expect(throws: PolicyClientError.self) {
                        try PolicyClient(ServerAddress("ws://localhost:\(port)"))
                    }
                }
            }
            #expect(throws: InputError.self) { try TransportSecurity(certificate: key, key: certificate) }
            #expect(throws: InputError.self) { try TransportSecurity(certificate: "nowhere", key: key) }
        }
    #else
        @Test func reportsABuildWithoutEncryption() throws {
            let error = try #require(throws: InputError.self) {
                try TransportSecurity(certificate: "cert.pem", key: "key.pem")
            }
            #expect("\(error)".contains("the package trait TLS"))
            let address = try ServerAddress("wss://localhost:1")
            #expect(throws: PolicyClientError.encryptionMissing(address)) { try PolicyClient(address) }
        }
    #endif
}
