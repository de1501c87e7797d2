import DPBase
import DPServing
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy serve`, and `dpolicy evaluate --server`.
@Suite(.timeLimit(.minutes(5))) struct ServeTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
    }

    /// A server of the untrained policy.
    private func serve(_ options: String...) throws -> (run: CommandLineRun, ready: ServerRun.Ready) {
        try ServerRun.start(["--policy", folder("policy").path, "--threads", "1"] + options)
    }

    private func episodes(_ arguments: String..., count: Int = 3) throws -> [EpisodeResult] {
        let output = folder("result.json")
        let common = ["evaluate", "--seed", "7", "--output", output.path, "--episodes", "\(count)"]
        let outcome = try CommandLineRun(common + arguments).wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try EvaluationResult(contentsOf: output).episodes
    }

    /// Whether the commands changed in the same way; the jerk depends on each of them.
    private func isSame(_ one: [EpisodeResult], _ other: [EpisodeResult]) throws -> Bool {
        func jerks(_ episodes: [EpisodeResult]) throws -> [Double] {
            try episodes.map { try #require($0.jerk?.overall) }
        }
        return try one.count == other.count && zip(jerks(one), jerks(other)).allSatisfy { abs($0 - $1) < 1e-3 * $0 }
    }

    @Test func evaluatesAServersPolicyLikeALocalOne() throws {
        let policy = folder("policy").path
        let local = try episodes("--policy", policy, "--precision", "float32", "--threads", "1")
        let (server, ready) = try serve("--precision", "float32", "--feature", "state=observation/state")
        let remote = try episodes("--server", ready.address)
        #expect(try isSame(local, remote), "\(local) \(remote)")
        let others = try episodes(
            "--policy", policy, "--precision", "float32", "--threads", "1", "--sampler-seed", "1")
        #expect(try !isSame(local, others), "\(local) \(others)")
        server.signal(SIGTERM)
        let outcome = try server.wait()
        #expect(outcome.status == 0 && !outcome.isKilled)
        #expect(outcome.errors.contains("finishing the requests in flight"))
    }

    /// Returns the number of requests that a server has answered.
    private func answered(_ port: Int) throws -> Int {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["curl", "--silent", "http://127.0.0.1:\(port)/metrics"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let line = text.split(separator: "\n").first { $0.hasPrefix("dpolicy_requests_total{outcome=\"answered\"} ") }
        return line.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0
    }

    private func wait(untilAnswered count: Int, by port: Int, for run: CommandLineRun) throws {
        while run.isRunning, try answered(port) < count { usleep(20_000) }
    }

    /// A server is restarted during an evaluation: the evaluation continues with the same results, bit for bit.
    ///
    /// The server computes each request alone, because the size of a batch changes how sums are rounded.
    @Test func anEvaluationOutlivesItsServer() throws {
        let (server, ready) = try serve("--precision", "float32", "--batch", "1")
        let undisturbed = try episodes("--server", ready.address, count: 20)
        let output = folder("remote.json")
        let before = try answered(ready.port)
        let run = try CommandLineRun([
            "evaluate", "--episodes", "20", "--seed", "7", "--server", ready.address, "--output", output.path,
        ])
        try wait(untilAnswered: before + 30, by: ready.port, for: run)
        #expect(run.isRunning)
        server.signal(SIGKILL)
        #expect(try server.wait().isKilled)
        let next = try CommandLineRun([
            "serve", "--port", "\(ready.port)", "--policy", folder("policy").path, "--threads", "1", "--precision",
            "float32", "--batch", "1",
        ])
        let outcome = try run.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try answered(ready.port) > 0)
        let remote = try EvaluationResult(contentsOf: output)
        #expect(remote.incomplete == nil)
        #expect(remote.episodes == undisturbed)
        next.signal(SIGTERM)
        #expect(try next.wait().status == 0)
    }

    /// If a server does not come back, only the unfinished episodes are lost.
    @Test func endedEpisodesOutliveTheirServer() throws {
        let (server, ready) = try serve()
        let output = folder("part.json")
        // Two groups of 64 episodes, with 100 requests per episode.
        let run = try CommandLineRun([
            "evaluate", "--episodes", "128", "--server", ready.address, "--output", output.path,
        ])
        try wait(untilAnswered: 6464, by: ready.port, for: run)
        server.signal(SIGKILL)
        let outcome = try run.wait()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("64 of 128 episodes had ended"), "\(outcome.errors)")
        #expect(outcome.output.contains("incomplete: 64 of 128 episodes"))
        let result = try EvaluationResult(contentsOf: output)
        #expect(result.episodes.count == 64)
        #expect(result.incomplete?.contains(ready.address) == true)
    }

    @Test func requiresTheKey() throws {
        try Data("s3cret\n".utf8).write(to: folder("key"))
        let (server, ready) = try serve("--api-key-file", folder("key").path)
        let refused = try dpolicy("evaluate", "--server", ready.address, "--episodes", "1")
        #expect(refused.status == 1 && isOneLine(refused.errors, with: ready.address, "401", "--api-key-file"))
        #expect(!(try episodes("--server", ready.address, "--api-key-file", folder("key").path)).isEmpty)
        server.signal(SIGINT)
        #expect(try server.wait().status == 0)
    }

    @Test func carriesALoad() throws {
        let (server, ready) = try serve("--batch", "4")
        let outcome = try dpolicy("load", "--server", ready.address, "--clients", "6", "--seconds", "0.5", "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let report = try outcome.json()
        #expect(report["errors"] as? Int == 0 && (report["answers"] as? Int ?? 0) >= 6)
        #expect((report["p99_ms"] as? Double ?? 0) >= (report["median_ms"] as? Double ?? .infinity))
        server.signal(SIGTERM)
        #expect(try server.wait().status == 0)
    }

    @Test func reportsOrRefusesOutOfRangeObservations() throws {
        func request(_ scale: Float) -> ChunkRequest {
            let observation = RobotObservation(vectors: [
                "state": [100, 200, 300, 250, 1].map { $0 * scale },
                "keypoint": Array(repeating: 200 * scale, count: 18),
            ])
            return ChunkRequest(observations: [observation, observation], key: RandomKey(seed: 1))
        }
        for isStrict in [false, true] {
            let (server, ready) = try isStrict ? serve("--strict") : serve()
            let client = try PolicyClient(ServerAddress(ready.address))
            if isStrict {
                let error = #expect(throws: PolicyClientError.self) {
                    try client.predictActionChunks(for: [request(57.3)])
                }
                #expect("\(try #require(error))".contains("as in the demonstrations"))
            } else {
                #expect(try client.predictActionChunks(for: [request(57.3)]).count == 1)
                #expect(client.outOfRangeObservations == 2)
            }
            #expect(try client.predictActionChunks(for: [request(1)]).count == 1)
            #expect(client.outOfRangeObservations == (isStrict ? 0 : 2))
            server.signal(SIGTERM)
            let outcome = try server.wait()
            #expect(outcome.status == 0 && outcome.errors.contains("far outside the training data"))
        }
    }

    @Test func refusesUnknownFeatures() throws {
        let outcome = try dpolicy("serve", "--policy", folder("policy").path, "--feature", "speed=v")
        #expect(outcome.status == 64 && isOneLine(outcome.errors, with: "speed", "state"))
    }

    @Test func refusesOptionsThatCannotWork() throws {
        let policy = folder("policy").path
        for count in ["0", "65"] {
            let batch = try dpolicy("serve", "--policy", policy, "--batch", count)
            #expect(batch.status == 64 && isOneLine(batch.errors, with: "--batch", "1...64", count))
        }
        let twice = try dpolicy("serve", "--policy", policy, "--feature", "state=a", "--feature", "state=b")
        #expect(twice.status == 64 && isOneLine(twice.errors, with: "--feature", "several for state"))
    }

    @Test func reportsUnreachableServer() throws {
        let outcome = try dpolicy("evaluate", "--server", "ws://127.0.0.1:1")
        #expect(outcome.status == 1 && isOneLine(outcome.errors, with: "ws://127.0.0.1:1", "dpolicy serve"))
    }
}
