import DPBase
import DPInterface
import DPServing
import Foundation
import TestSupport
import Testing

/// Tests with the unmodified `openpi-client` from PyPI.
@Suite(.timeLimit(.minutes(5))) struct OpenpiTests {
    static let python = ProcessInfo.processInfo.environment["DPOLICY_OPENPI_PYTHON"]

    private struct Summary: Decodable {
        let horizon: [String: Int]
        let shapes: [String]
        let dtypes: [String]
        let isSame: Bool
        let first: [Float]
        let errors: [String]
        let timings: [String]
    }

    /// Returns the output of a script in `Tests/Clients`.
    private static func output(of script: String, _ arguments: String...) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python ?? "")
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        process.arguments = [tests.appendingPathComponent("Clients/\(script)").path] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return output
    }

    private struct Patience: Decodable {
        let version: String
        let keepsAlive: Bool
        let waited: Double
        let isSame: Bool
    }

    /// `websockets` closes a connection whose server does not respond to its pings.
    ///
    /// This server does while the policy computes.
    @Test(.enabled(if: python != nil, "set DPOLICY_OPENPI_PYTHON to a Python that has openpi-client"))
    func responsesMayTakeLongerThanTheKeepalive() async throws {
        let record = FakePolicy.Record()
        record.closeGate()
        try await withServer(record) { server in
            let port = server.address.port
            let output = try await onThread {
                Thread.detachNewThread {
                    try? wait(until: { !record.batches.isEmpty })
                    // Longer than the server's own time limit for a silent client.
                    Thread.sleep(forTimeInterval: 65)
                    record.openGate()
                }
                return try Self.output(of: "patient_robot.py", "\(port)")
            }
            let patience = try JSONDecoder().decode(Patience.self, from: output)
            #expect(patience.keepsAlive, "websockets \(patience.version)")
            #expect(patience.waited > 60 && patience.isSame)
        }
    }

    @Test(.enabled(if: python != nil, "set DPOLICY_OPENPI_PYTHON to a Python that has openpi-client"))
    func drivesTheServer() async throws {
        try await withServer(key: "k") { server in
            let port = server.address.port
            let output = try await onThread { try Self.output(of: "openpi_robot.py", "\(port)", "200", "k") }
            let summary = try JSONDecoder().decode(Summary.self, from: output)
            #expect(summary.horizon == ["observation": 2, "prediction": 4, "action": 2])
            #expect(summary.shapes == ["[2, 2]"] && summary.dtypes == ["<f4"])
            let observation = RobotObservation(vectors: ["state": [100, 100, 100]])
            let expected = try FakePolicy.chunk(
                for: ChunkRequest(observations: [observation, observation], key: RandomKey(seed: 3)))
            #expect(summary.isSame && summary.first == Array(expected.actions.joined()))
            #expect(summary.errors.count == 1 && summary.errors[0].contains("\"state\""))
            #expect(Set(["infer_ms", "prev_total_ms"]).isSubset(of: summary.timings))
        }
    }
}
