import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy evaluate`.
@Suite struct EvaluateTests {
    static let hasEncoder = FileManager.default.isExecutableFile(atPath: "/usr/bin/ffmpeg")

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

    @Test func printsJSON() throws {
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
        #expect(try written == JSONDecoder().decode(EvaluationResult.self, from: Data(outcome.output.utf8)))
    }

    /// Evaluates one episode from the folder `here`, and checks that the policy folder is unchanged.
    private func evaluateHere(_ options: [String] = []) throws -> CommandLineRun.Outcome {
        try FileManager.default.createDirectory(at: folder("here"), withIntermediateDirectories: true)
        let command = ["evaluate", "--policy", folder("policy").path, "--episodes", "1", "--threads", "1"]
        let outcome = try CommandLineRun(command + options, directory: folder("here")).wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("policy").path).count == 2)
        return outcome
    }

    @Test func aResultGoesIntoTheWorkingDirectory() throws {
        #expect(try evaluateHere().output.hasSuffix("result  evaluation.json\n"))
        #expect(try EvaluationResult(contentsOf: folder("here/evaluation.json")).episodes.count == 1)
    }

    @Test(.enabled(if: hasEncoder, "install ffmpeg")) func aResultGoesNextToTheVideo() throws {
        try FileManager.default.createDirectory(at: folder("videos"), withIntermediateDirectories: true)
        _ = try evaluateHere(["--video", folder("videos/rollouts.mp4").path])
        #expect(try EvaluationResult(contentsOf: folder("videos/evaluation.json")).episodes.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("here").path).isEmpty)
    }

    @Test func aResultOfARunsPolicyGoesIntoTheRun() throws {
        try Fixtures.writePushTPolicy(to: folder("run/policy"))
        try RecipeFile.write(.pushTLowDim, to: folder("run/recipe.yaml"))
        try Data().write(to: folder("run/metrics.jsonl"))
        let outcome = try dpolicy("evaluate", "--policy", folder("run").path, "--episodes", "1", "--threads", "1")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let score = try EvaluationResult(contentsOf: folder("run/evaluation.json")).score
        let report = try String(contentsOf: folder("run/report.html"), encoding: .utf8)
        #expect(report.contains(String(format: "%.3f", score)))
    }

    @Test func printsATable() throws {
        let outcome = try evaluate("--sampler", "ddpm", "--steps", "2", "--seed", "5")
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("ddpm 2"))
        #expect(outcome.output.contains("score"))
        #expect(folder.names == ["policy"])
    }

    @Test func aResultNamesTheKindOfSeeds() throws {
        let output = folder("gym.json")
        let outcome = try evaluate("--seeds", "gym-pusht", "--output", output.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("seeds of gym-pusht"))
        let result = try EvaluationResult(contentsOf: output)
        #expect(result.settings.seeding == "gym-pusht")
        #expect(try evaluate("--output", folder("usual.json").path).status == 0)
        let usual = try EvaluationResult(contentsOf: folder("usual.json"))
        #expect(usual.settings.seeding == nil)
        #expect(result.episodes != usual.episodes)
        let error = #expect(throws: EvaluationError.self) { try PairedComparison(usual, result) }
        #expect("\(error!)".contains("found default and gym-pusht seeds"))
    }

    @Test func comparesSamplers() throws {
        let outcome = try evaluate(
            "--compare-sampler", "ddpm", "--compare-steps", "1", "--json", "--output", folder("both.json").path)
        #expect(outcome.status == 0)
        let json = try outcome.json()
        #expect(json["score"] is Double)
        #expect((json["compared"] as? [String: Any])?["score"] is Double)
        #expect((json["comparison"] as? [String: Any])?["difference"] is Double)
        #expect((json["verdict"] as? String)?.contains("wins") == true)
        #expect(json["clamped_actions"] is Int)
        // The file holds the same output and can be read as the first result.
        #expect(try String(contentsOf: folder("both.json"), encoding: .utf8) + "\n" == outcome.output)
        #expect(
            try EvaluationResult(contentsOf: folder("both.json"))
                == JSONDecoder().decode(EvaluationResult.self, from: Data(outcome.output.utf8)))
    }

    @Test func comparesPolicies() throws {
        try Fixtures.writePushTPolicy(to: folder("other"), seed: 8)
        let outcome = try evaluate(
            "--compare", folder("other").path, "--json", "--output", folder("both.json").path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        // Each result equals that of a separate evaluation on the same seeds.
        let first = try JSONDecoder().decode(EvaluationResult.self, from: Data(outcome.output.utf8))
        let second = try JSONDecoder().decode(Compared.self, from: Data(outcome.output.utf8)).compared
        for (result, policy) in [(first, "policy"), (second, "other")] {
            let alone = try dpolicy(
                "evaluate", "--policy", folder(policy).path, "--episodes", "2", "--threads", "1", "--json", "--output",
                folder("alone.json").path)
            #expect(alone.status == 0, "\(alone.errors)")
            #expect(try EvaluationResult(contentsOf: folder("alone.json")).episodes == result.episodes)
        }
        #expect(first.episodes != second.episodes)
        let comparison = try #require(try outcome.json()["comparison"] as? [String: Any])
        let difference = try #require(comparison["difference"] as? Double)
        #expect(abs(difference - (second.score - first.score)) < 1e-9)
        let counts = try ["wins", "losses", "ties"].map { try #require(comparison[$0] as? Int) }
        #expect(counts.reduce(0, +) == 2)
        #expect((try outcome.json()["verdict"] as? String)?.contains("wins \(counts[0]),") == true)
    }

    /// The second result of a comparison.
    private struct Compared: Decodable {
        let compared: EvaluationResult
    }

    @Test func comparesPrecisions() throws {
        let outcome = try evaluate("--precision", "float32", "--compare-precision", "float32")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("float32"))
        #expect(outcome.output.contains("+0.000"))
    }

    @Test func refusesAPolicyOfCustomRobot() throws {
        let stored = try PolicyDirectory(folder("policy")).read()
        var configuration = stored.configuration
        configuration.observations.features[0].name = "joints"
        try PolicyDirectory(folder("policy")).write(
            StoredPolicy(
                configuration: configuration, normalizer: stored.normalizer, weights: stored.weights,
                task: stored.task))
        let outcome = try evaluate()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("\"joints\""))
        // A comparison fails before the first evaluation, which may take long.
        try Fixtures.writePushTPolicy(to: folder("fitting"))
        let comparison = try dpolicy(
            "evaluate", "--policy", folder("fitting").path, "--compare", folder("policy").path)
        #expect(comparison.status == 1)
        #expect(isOneLine(comparison.errors, with: "\"joints\""))
    }

    /// A state of five numbers and an action of two do not identify Push-T.
    @Test func aTaskIsNamedAndNeverGuessed() throws {
        try Fixtures.writePushTPolicy(to: folder("rover"), task: nil)
        for arguments in [
            ["evaluate", "--policy", folder("rover").path], ["evaluate", "--compare", folder("rover").path],
            ["latency", "--policy", folder("rover").path, "--output", folder("latency").path],
            ["play", "--policy", folder("rover").path, "--no-open"],
            ["data", "record", "--policy", folder("rover").path, "--output", folder("a.zarr").path],
        ] {
            let outcome = try CommandLineRun(arguments + ["--threads", "1"]).wait()
            #expect(outcome.status == 1, "\(arguments)")
            #expect(isOneLine(outcome.errors, with: "expected a policy of the task pusht", "--task pusht"))
        }
        let named = try dpolicy(
            "evaluate", "--policy", folder("rover").path, "--task", "pusht", "--episodes", "1", "--threads", "1")
        #expect(named.status == 0, "\(named.errors)")
        #expect(try dpolicy("evaluate", "--task", "puhst").status == 64)
        #expect(try dpolicy("inspect", folder("policy").path, "--json").json()["task"] as? String == "pusht")
    }

    /// Policies of earlier versions name no task; their origin names a shipped recipe.
    @Test func theOriginOfAnEarlierPolicyNamesItsTask() throws {
        var stored = try PolicyDirectory(folder("policy")).read()
        stored.task = nil
        for (recipe, status) in [("pusht-lowdim", 0 as Int32), ("custom-robot", 1), ("mine", 1)] {
            stored.origin["recipe"] = recipe
            try PolicyDirectory(folder("earlier")).write(stored)
            let outcome = try dpolicy(
                "evaluate", "--policy", folder("earlier").path, "--episodes", "1", "--threads", "1")
            #expect(outcome.status == status, "\(recipe): \(outcome.errors)")
        }
    }

    /// An evaluation may take long, so an unwritable path is reported before it starts.
    @Test(arguments: ["--output", "--video"], ["/", "/nowhere/result", "/dev/null"])
    func checksTheOutputPathFirst(_ option: String, _ path: String) throws {
        let outcome = try evaluate("--json", option, path)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(isOneLine(outcome.errors, with: "\(path): expected a writable path"))
    }

    @Test(arguments: [
        ["latency", "--output", "/dev/null/a"], ["export", "--policy", "policy", "--output", "/dev/null/a"],
        ["predict", "--policy", "policy", "--input", "none", "--output", "/nowhere/out.safetensors"],
        ["train", "--recipe", "pusht-demo", "--data", "none", "--output", "/dev/null/run"],
    ])
    func everyVerbFindsIt(_ arguments: [String]) throws {
        let outcome = try CommandLineRun(arguments, directory: folder.url).wait()
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "expected a writable path"), "\(outcome.errors)")
    }

    @Test(
        .enabled(if: hasEncoder, "install ffmpeg"),
        arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] as [(Int32, Int32)])
    func anInterruptedVideoLeavesNoFile(_ signal: Int32, _ status: Int32) throws {
        try FileManager.default.createDirectory(at: folder("videos"), withIntermediateDirectories: true)
        let run = try CommandLineRun([
            "evaluate", "--policy", folder("policy").path, "--episodes", "200", "--threads", "1", "--video",
            folder("videos/rollouts.mp4").path,
        ])
        func videos() -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: folder("videos").path)) ?? []
        }
        while run.isRunning, videos().isEmpty { usleep(2_000) }
        run.signal(signal)
        let outcome = try run.wait()
        #expect(outcome.status == status && !outcome.isKilled, "\(outcome.errors)")
        #expect(videos().isEmpty)
    }
}
