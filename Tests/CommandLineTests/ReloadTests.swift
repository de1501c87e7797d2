import DPBase
import DPCPU
import DPGraph
import DPServing
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy serve` when it reloads its policy.
@Suite(.timeLimit(.minutes(5))) struct ReloadTests {
    let folder: TemporaryFolder
    let request = ChunkRequest(
        observations: (0..<2).map {
            RobotObservation(vectors: ["state": fill("\($0)", count: 5), "keypoint": fill("k", count: 18)])
        },
        key: RandomKey(seed: 3))

    init() throws {
        folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("first"))
        try Fixtures.writePushTPolicy(to: folder("second"), seed: 8)
        try lead(to: "first")
    }

    /// Atomically points the served link at a folder.
    private func lead(to name: String) throws {
        try FileManager.default.createSymbolicLink(atPath: folder("next").path, withDestinationPath: name)
        #expect(rename(folder("next").path, folder("current").path) == 0)
    }

    private func serve() throws -> (run: CommandLineRun, client: PolicyClient, address: String) {
        let (run, ready) = try ServerRun.start([
            "--policy", folder("current").path, "--threads", "1", "--precision", "float32", "--batch", "4",
        ])
        return (run, try PolicyClient(ServerAddress(ready.address)), ready.address)
    }

    /// Returns the name of the policy whose actions the server returns.
    private func whoAnswers(_ client: PolicyClient) throws -> String {
        let answer = try client.predictActionChunks(for: [request])[0].prediction.joined()
        let names = try ["first", "second"].filter { name in
            let policy = try DiffusionPolicy(
                contentsOf: folder(name), backend: CPUBackend(threads: 1, precision: .float32))
            let own = try policy.predictActionChunks(for: [request])[0].prediction.joined()
            return zip(answer, own).allSatisfy { abs($0 - $1) < 0.1 }
        }
        try #require(names.count == 1, "\(answer)")
        return names[0]
    }

    /// Waits until the server has logged a text this many times.
    private func wait(for text: String, times: Int = 1, from server: CommandLineRun, _ body: () throws -> Void = {})
        throws
    {
        while server.isRunning, server.errorsSoFar.components(separatedBy: text).count <= times {
            try body()
            usleep(10_000)
        }
        try #require(server.isRunning, "\(server.errorsSoFar)")
    }

    @Test func servesTheNewPolicyAfterTheSignal() throws {
        let (server, client, address) = try serve()
        let robots = try CommandLineRun([
            "load", "--server", address, "--clients", "3", "--seconds", "4", "--interval", "2",
        ])
        #expect(try whoAnswers(client) == "first")
        try lead(to: "second")
        #expect(try whoAnswers(client) == "first")
        server.signal(SIGHUP)
        var answers: [String] = []
        try wait(for: "reloaded in", from: server) { answers.append(try whoAnswers(client)) }
        #expect(try whoAnswers(client) == "second")
        #expect(answers == answers.sorted())
        // Send several signals at once, the last of them after the change.
        try lead(to: "first")
        for _ in 0..<5 { server.signal(SIGHUP) }
        try wait(for: "reloaded in", times: 2, from: server)
        #expect(try whoAnswers(client) == "first")
        let outcome = try robots.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.lines.count == 2 && outcome.lines.allSatisfy { $0.hasSuffix("  0 errors") }, "\(outcome.output)")
        server.signal(SIGTERM)
        #expect(try server.wait().status == 0)
    }

    /// Objects used by a thread that loads a policy must live until that thread ends.
    @Test(arguments: [0, 4, 8, 12, 16, 20]) func stopsWhileLoadingThePolicy(milliseconds: UInt32) throws {
        let (server, _, _) = try serve()
        server.signal(SIGHUP)
        usleep(1000 * milliseconds)
        server.signal(SIGTERM)
        let outcome = try server.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test func aPolicyThatCannotBeServedLeavesTheOldOne() throws {
        let (server, client, _) = try serve()
        try Fixtures.writePushTPolicy(to: folder("other"), executing: 2)
        try Fixtures.writePushTPolicy(to: folder("broken"), seed: 9)
        let weights = folder("broken/model.safetensors")
        try Data(contentsOf: weights).dropLast(4).write(to: weights)
        try FileManager.default.createDirectory(at: folder("empty"), withIntermediateDirectories: false)
        let reasons = [
            ("absent", "a link to absent, which is not there"), ("empty", "no policy.json"),
            ("other", "action 3, as in the metadata sent to clients"), ("broken", "model.safetensors"),
        ]
        for (index, (name, words)) in reasons.enumerated() {
            try lead(to: name)
            server.signal(SIGHUP)
            try wait(for: "not reloaded", times: index + 1, from: server)
            let line = server.errorsSoFar.split(separator: "\n").last ?? ""
            #expect(line.hasPrefix("dpolicy: error: \(folder("current").path): not reloaded"), "\(line)")
            #expect(line.contains(words), "\(line)")
            #expect(try whoAnswers(client) == "first")
        }
        try lead(to: "second")
        server.signal(SIGHUP)
        try wait(for: "reloaded in", from: server)
        #expect(try whoAnswers(client) == "second")
        server.signal(SIGTERM)
        #expect(try server.wait().status == 0)
    }
}
