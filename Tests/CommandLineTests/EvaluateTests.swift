import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy evaluate`.
@Suite struct EvaluateTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
    }

    private func evaluate(_ options: String...) throws -> CommandLineRun.Outcome {
        try CommandLineRun(
            ["evaluate", "--policy", folder("policy").path, "--episodes", "2", "--threads", "1"] + options
        ).wait()
    }

    @Test func printsWhatProgramsRead() throws {
        let outcome = try evaluate("--json", "--output", folder("evaluation.json").path)
        #expect(outcome.status == 0)
        let json = try outcome.json()
        #expect(json["score"] is Double)
        #expect(json["success_rate"] is Double)
        #expect((json["latency_ms"] as? [String: Any])?["median"] is Double)
        let episodes = try #require(json["episodes"] as? [[String: Any]])
        #expect(episodes.compactMap { $0["seed"] as? Int } == [100_000, 100_001])
        #expect(episodes.allSatisfy { $0["best_reward"] is Double && $0["success"] is Bool })
        let written = try EvaluationResult(contentsOf: folder("evaluation.json"))
        #expect(written.score == json["score"] as? Double)
    }

    @Test func printsATable() throws {
        let outcome = try evaluate("--sampler", "ddpm", "--steps", "2", "--seed", "5")
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("ddpm 2"))
        #expect(outcome.output.contains("score"))
        #expect(folder.names == ["policy"])
    }

    @Test func comparesSamplers() throws {
        let outcome = try evaluate("--compare-sampler", "ddpm", "--compare-steps", "1", "--json")
        #expect(outcome.status == 0)
        let json = try outcome.json()
        #expect(json["score"] is Double)
        #expect((json["compared"] as? [String: Any])?["score"] is Double)
        #expect((json["comparison"] as? [String: Any])?["difference"] is Double)
    }

    @Test func comparesPolicies() throws {
        try Fixtures.writePushTPolicy(to: folder("other"), seed: 8)
        let outcome = try evaluate("--compare", folder("other").path)
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("wins"))
    }

    @Test func refusesAPolicyOfAnotherRobot() throws {
        let stored = try PolicyDirectory(folder("policy")).read()
        var configuration = stored.configuration
        configuration.observations.fields[0].name = "joints"
        try PolicyDirectory(folder("policy")).write(
            StoredPolicy(
                configuration: configuration, normaliser: stored.normaliser, weights: stored.weights))
        let outcome = try evaluate()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("\"joints\""))
    }
}
