import DPBase
import DPServing
import Foundation
import TestSupport
import Testing

/// Access control of a server.
@Suite(.timeLimit(.minutes(5))) struct AccessTests {
    @Test func requiresTheKey() async throws {
        try await withServer(key: "s3cret") { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                for key in [nil, "s3cre", "s3crets", "S3CRET"] {
                    let text = message {
                        _ = try PolicyClient(
                            ServerAddress(url), configuration: PolicyClientConfiguration(key: key))
                    }
                    #expect(["401", "Api-Key", "--api-key-file"].allSatisfy(text.contains), "\(text)")
                }
                let client = try PolicyClient(
                    ServerAddress(url), configuration: PolicyClientConfiguration(key: "s3cret"))
                #expect(try client.predictActionChunks(for: [FakePolicy.request(1)]).count == 1)
                #expect(try RawClient(port: port).get("/healthz").hasPrefix("HTTP/1.1 200"))
                #expect(try RawClient(port: port).get("/metrics").hasPrefix("HTTP/1.1 401"))
                let header = "Authorization: Api-Key s3cret"
                #expect(try RawClient(port: port).get("/metrics", [header]).hasPrefix("HTTP/1.1 200"))
            }
        }
    }

    @Test(arguments: ["0.0.0.0", "::", "192.168.0.1", "robot.local", "127.0.0.1.example.org", "1270.0.0.1"])
    func otherMachinesNeedAKey(_ host: String) throws {
        let address = ListeningAddress(host: host)
        let text = message { try WebServerConfiguration(address: address).validate() }
        #expect(text.contains("--insecure") && text.contains(host))
        #expect(throws: Never.self) {
            try WebServerConfiguration(address: address, isInsecure: true).validate()
            try WebServerConfiguration(address: address, key: AccessKey("k")).validate()
        }
    }

    @Test(arguments: ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
    func thisMachineNeedsNone(_ host: String) throws {
        try WebServerConfiguration(address: ListeningAddress(host: host)).validate()
    }

    @Test(arguments: ["", "two words", "ünique", String(repeating: "x", count: 5000)])
    func keysMustFitAHeader(_ key: String) {
        #expect(throws: InputError.self) { try AccessKey(key) }
        let text = message { try PolicyClientConfiguration(key: key).validate() }
        #expect(text.contains("printable ASCII") && (key.isEmpty || !text.contains(key)), "\(text)")
    }

    @Test func pagesOfOtherOriginsMayNotConnect() async throws {
        try await withServer { server in
            let port = server.address.port
            try await onThread {
                func status(_ host: String, _ origin: String) throws -> String {
                    String(try RawClient(port: port).upgrade("/", host: host, ["Origin: \(origin)"]).prefix(12))
                }
                let own = "127.0.0.1:\(port)"
                let cases = [
                    (own, "http://\(own)", 101), ("localhost:\(port)", "http://localhost:\(port)", 101),
                    (own, "http://example.org", 403), (own, "null", 403),
                    // A foreign name that resolves to this machine.
                    ("example.org", "http://example.org", 403),
                ]
                for (host, origin, code) in cases {
                    let answer = try status(host, origin)
                    #expect(answer == "HTTP/1.1 \(code)", "\(origin) at \(host)")
                }
            }
        }
    }
}
