import DPInterface
import DPServing
import Testing

/// The number of clamped actions in responses and metrics.
@Suite(.timeLimit(.minutes(5))) struct ClampingTests {
    @Test func reportsClampedActionsInResponsesAndMetrics() async throws {
        try await withServer { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let client = try PolicyClient(ServerAddress(url))
                let requests = [1, FakePolicy.clampedNumber, FakePolicy.clampedNumber].map { FakePolicy.request($0) }
                #expect(try client.predictActionChunks(for: requests).map(\.clampedActions) == [0, 3, 3])
                #expect(client.clampedActions == 6)
                #expect(try RawClient(port: port).get("/metrics").contains("\ndpolicy_clamped_actions_total 6\n"))
            }
        }
    }
}
