import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy latency`, and latency in `dpolicy evaluate`.
@Suite struct LatencyTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
    }

    private func run(_ verb: String, _ options: String...) throws -> CommandLineRun.Outcome {
        let common = ["--policy", folder("policy").path, "--episodes", "2", "--threads", "1"]
        return try CommandLineRun([verb] + common + options, directory: folder("")).wait()
    }

    @Test func evaluationInjectsLatency() throws {
        let outcome = try run(
            "evaluate", "--latency", "0.25", "--observation-latency", "0.1", "--merging", "linear-blend:2",
            "--interval",
            "5",
            "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try EvaluationResult(contentsOf: folder("evaluation.json"))
        #expect(result.settings.control == ControlConfiguration(merging: .linearBlend(steps: 2), interval: 5))
        #expect(result.settings.latency == SimulatedLatency(observation: 0.1, computation: 0.25))
        #expect(result.policy.hasSuffix("linear-blend:2 at 350 ms"))
        #expect(result.jerk?.boundary != nil)
        let settings = try #require(try outcome.json()["settings"] as? [String: Any])
        #expect((settings["latency"] as? [String: Double])?["computation"] == 0.25)
        #expect((settings["control"] as? [String: Any])?["merging"] as? String == "linear-blend:2")
    }

    @Test func withoutLatencyControlIsRecedingHorizon() throws {
        _ = try run("evaluate")
        let plain = try EvaluationResult(contentsOf: folder("evaluation.json"))
        #expect(plain.settings.control == .recedingHorizon)
        // Without latency, no action is late or stale.
        for merging in ["naive-async", "skip-stale"] {
            _ = try run("evaluate", "--merging", merging)
            #expect(try EvaluationResult(contentsOf: folder("evaluation.json")).episodes == plain.episodes)
        }
        _ = try run("evaluate", "--latency", "0.3")
        let late = try EvaluationResult(contentsOf: folder("evaluation.json"))
        #expect(late.settings.control == ControlConfiguration())
        #expect(late.episodes != plain.episodes)
    }

    @Test func sweepsLatenciesAndMergingMethods() throws {
        let outcome = try run(
            "latency", "--latencies", "0", "0.2", "--mergings", "skip-stale", "warm-start:0.5", "--output", "study")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("warm-start:0.5") && outcome.output.contains("200 ms"))
        #expect(outcome.output.hasSuffix("result  study\n"))
        let study = try JSONDecoder().decode(LatencyStudy.self, from: Data(contentsOf: folder("study/latency.json")))
        #expect(study.latencies == [0, 0.2])
        #expect(study.mergings == [.skipStale, .warmStart(strength: 0.5)])
        #expect(study.results.count == 4)
        let picture = try String(contentsOf: folder("study/latency-score.svg"), encoding: .utf8)
        #expect(picture.hasPrefix("<svg"))
        // Repeating the run gives the same episodes; only the measured times differ.
        _ = try run("latency", "--latencies", "0.2", "--mergings", "warm-start:0.5", "--output", "again")
        let again = try JSONDecoder().decode(LatencyStudy.self, from: Data(contentsOf: folder("again/latency.json")))
        #expect(again.results[0].episodes == study.result(.warmStart(strength: 0.5), at: 0.2)?.episodes)
    }
}
