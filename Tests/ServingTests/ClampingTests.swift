import PolicyInterface
import RemotePolicies
import Serving
import Testing

/// Actions that a policy's limits changed are counted where people look.
@Suite(.timeLimit(.minutes(5))) struct ClampingTests {
    @Test func clampedActionsAreToldInAnswersAndMetrics() async throws {
        try await withServer { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let client = try PolicyClient(ServerAddress(url))
                let requests = [1, FakePolicy.clampedNumber, FakePolicy.clampedNumber].map { FakePolicy.request($0) }
                #expect(try client.chunks(for: requests).map(\.clampedActions) == [0, 3, 3])
                #expect(client.clampedActions == 6)
                #expect(try RawClient(port: port).get("/metrics").contains("\ndpolicy_clamped_actions_total 6\n"))
            }
        }
    }
}
