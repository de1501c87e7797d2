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

    private func episodes(_ arguments: String...) throws -> [EpisodeResult] {
        let output = folder("result.json")
        let common = ["evaluate", "--episodes", "3", "--seed", "7", "--output", output.path]
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

    @Test func aServersPolicyIsJudgedAsALocalOne() throws {
        let policy = folder("policy").path
        let local = try episodes("--policy", policy, "--precision", "float32", "--threads", "1")
        let (server, ready) = try serve("--precision", "float32", "--field", "state=observation/state")
        let remote = try episodes("--server", ready.address)
        #expect(try isSame(local, remote), "\(local) \(remote)")
        let others = try episodes(
            "--policy", policy, "--precision", "float32", "--threads", "1", "--sampler-seed", "1")
        #expect(try !isSame(local, others), "\(local) \(others)")
        server.signal(SIGTERM)
        let outcome = try server.wait()
        #expect(outcome.status == 0 && !outcome.isKilled)
        #expect(outcome.errors.contains("answering what is in flight"))
    }

    @Test func aKeyIsWanted() throws {
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

    @Test func refusesFieldsThatThePolicyDoesNotHave() throws {
        let outcome = try dpolicy("serve", "--policy", folder("policy").path, "--field", "speed=v")
        #expect(outcome.status == 64 && isOneLine(outcome.errors, with: "speed", "state"))
    }

    @Test func refusesOptionsThatCannotWork() throws {
        let policy = folder("policy").path
        for count in ["0", "65"] {
            let batch = try dpolicy("serve", "--policy", policy, "--batch", count)
            #expect(batch.status == 64 && isOneLine(batch.errors, with: "--batch", "1...64", count))
        }
        let twice = try dpolicy("serve", "--policy", policy, "--field", "state=a", "--field", "state=b")
        #expect(twice.status == 64 && isOneLine(twice.errors, with: "--field", "several for state"))
    }

    @Test func saysThatNobodyIsThere() throws {
        let outcome = try dpolicy("evaluate", "--server", "ws://127.0.0.1:1")
        #expect(outcome.status == 1 && isOneLine(outcome.errors, with: "ws://127.0.0.1:1", "dpolicy serve"))
    }
}
