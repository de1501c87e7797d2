import DPBase
import DPCPU
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy train` on demonstrations of a robot without a simulator.
@Suite struct TrainTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Fixtures.writeRobotDemonstrations(to: folder("robot.zarr"))
        try Data(Fixtures.recipe.utf8).write(to: folder("tiny.yaml"))
    }

    private func start(_ run: String, _ options: [String] = []) throws -> CommandLineRun {
        let arguments = ["train", "--recipe", folder("tiny.yaml").path, "--data", folder("robot.zarr").path]
        return try CommandLineRun(
            arguments + ["--output", folder(run).path, "--seed", "3", "--threads", "1"] + options)
    }

    /// Reads all tensors in a file, without its metadata, which contains the training time.
    private func tensors(_ file: URL) throws -> [String: [Float]] {
        let file = try SafetensorsFile(contentsOf: file)
        return try file.tensors.keys.reduce(into: [:]) { $0[$1] = try file.floats($1) }
    }

    /// Reads the metrics of a run without time measurements.
    private func metrics(_ run: String) throws -> [[String: Double]] {
        let text = try String(contentsOf: folder("\(run)/metrics.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            var row = try JSONDecoder().decode([String: Double].self, from: Data(line.utf8))
            row["elapsed_seconds"] = nil
            row["samples_per_second"] = nil
            return row
        }
    }

    /// Output to a closed standard stream must not go into a file opened with the same descriptor.
    @Test func aCallerMayCloseTheStandardStreams() throws {
        let options = [
            "train", "--recipe", folder("tiny.yaml").path, "--data", folder("robot.zarr").path, "--output",
            folder("closed").path, "--threads", "1", "--set", "training.steps=12",
        ]
        let run = try CommandLineRun(
            ["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", CommandLineRun.executable.path] + options,
            executable: URL(fileURLWithPath: "/bin/sh"))
        #expect(try run.wait().status == 0)
        #expect(try metrics("closed").count == 12)
        #expect(try Data(contentsOf: folder("closed/.lock")).isEmpty)
    }

    /// A run without checkpoints cannot resume with any dataset, so the error reports the lost checkpoints and not
    /// the missing path.
    @Test(arguments: [["--resume"], ["--extend", "60"]]) func reportsLostCheckpointsFirst(options: [String]) throws {
        #expect(try start("lost", ["--set", "training.steps=40"]).wait().status == 0)
        try FileManager.default.removeItem(at: folder("lost/checkpoints"))
        let outcome = try CommandLineRun(["train", "--output", folder("lost").path] + options).wait()
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "metrics of 40 updates and a policy, but no checkpoint"))
    }

    /// `--strict` also applies to warnings while reading data.
    @Test func strictTurnsAbsentChunksIntoAnError() throws {
        let joints = folder("robot.zarr/data/joints")
        for name in try FileManager.default.contentsOfDirectory(atPath: joints.path) where !name.hasPrefix(".") {
            try FileManager.default.removeItem(at: joints.appendingPathComponent(name))
        }
        let outcome = try start("strict", ["--strict"]).wait()
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "data/joints", "chunks are absent", "--strict treats this as an error"))
    }

    /// Enough training steps that a signal always interrupts the training.
    private static let manySteps = 1_000_000

    /// Compares a run with an uninterrupted run of the same length in this process.
    private func expectUndisturbed(_ run: String) throws {
        let rows = try metrics(run)
        let steps = rows.count
        #expect(rows.compactMap { $0["step"].map { Int($0) } } == Array(1...steps))
        var recipe = try RecipeFile.read(contentsOf: folder("tiny.yaml"))
        recipe.training.steps = Self.manySteps
        let whole = try TrainingRun(
            directory: folder("whole"), recipe: recipe,
            demonstrations: InMemoryDataset(contentsOf: folder("robot.zarr")),
            seed: 3, backend: CPUBackend(threads: 1, precision: CPUBackend.precisionForTraining))
        #expect(try whole.run(shouldStop: { whole.trainer.step == steps }) == .stopped(step: steps))
        #expect(try rows == metrics("whole"))
        for file in ["policy/model.safetensors", "checkpoints/" + String(format: "step-%08d.checkpoint", steps)] {
            #expect(try tensors(folder("\(run)/\(file)")) == tensors(folder("whole/\(file)")))
        }
    }

    /// Resumes a run and interrupts it when its metrics have this number of lines.
    private func interrupt(_ run: String, at lines: Int, by signal: Int32) throws -> CommandLineRun.Outcome {
        let training = try start(run, ["--resume", "--set", "training.steps=\(Self.manySteps)"])
        let file = folder("\(run)/metrics.jsonl")
        while training.isRunning {
            let found = (try? Data(contentsOf: file))?.count { $0 == UInt8(ascii: "\n") } ?? 0
            if found >= lines { break }
            usleep(500)
        }
        training.signal(signal)
        return try training.wait()
    }

    @Test func trainsAndDescribesTheResult() throws {
        let outcome = try start("run", ["--json"]).wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let json = try outcome.json()
        #expect(json["finished"] as? Bool == true)
        #expect(json["step"] as? Int == 200)
        #expect(json["loss"] is Double)
        #expect(try Data(contentsOf: folder("run/report.html")).count > 1000)
        // This robot has no simulator, so there is no video.
        #expect(!FileManager.default.fileExists(atPath: folder("run/rollouts.mp4").path))
        #expect(try RecipeFile.read(contentsOf: folder("run/recipe.yaml")).training.seed == 3)

        let run = try dpolicy("inspect", folder("run").path, "--json").json()
        #expect(run["kind"] as? String == "run")
        #expect(run["step"] as? Int == 200)
        let checkpoint = try dpolicy("inspect", folder("run/checkpoints/step-00000200.checkpoint").path, "--json")
        #expect(try checkpoint.json()["kind"] as? String == "checkpoint")

        let best = try #require(run["best"] as? String)
        #expect(try dpolicy("inspect", folder("run").path).lines.contains { $0.hasSuffix("(the best)") })
        #expect(try dpolicy("export", "--policy", best, "--output", folder("best").path).status == 0)
        let policy = try PolicyDirectory(folder("best")).read()
        #expect(try policy.weights == Checkpoint(contentsOf: URL(fileURLWithPath: best)).policy().weights)

        let again = try start("run").wait()
        #expect(again.status == 1)
        #expect(isOneLine(again.errors, with: "--resume"))
    }

    @Test func resumesAfterAKill() throws {
        for lines in [12, 57, 133] {
            #expect(try interrupt("killed", at: lines, by: SIGKILL).isKilled)
        }
        #expect(try interrupt("killed", at: 200, by: SIGINT).status == 130)
        try expectUndisturbed("killed")
    }

    @Test func savesWhenInterrupted() throws {
        let outcome = try interrupt("stopped", at: 40, by: SIGINT)
        #expect(outcome.status == 130)
        #expect(outcome.output.contains("--resume"))
        #expect(try interrupt("stopped", at: 90, by: SIGTERM).status == 143)
        let hungUp = try interrupt("stopped", at: 130, by: SIGHUP)
        #expect(hungUp.status == 129 && !hungUp.isKilled)
        #expect(FileManager.default.fileExists(atPath: folder("stopped/policy/policy.json").path))
        try expectUndisturbed("stopped")
    }

    /// A completed training is reported even if the rollouts of its policy fail.
    @Test func writesAReportForAPolicyThatCannotAct() throws {
        // The simulator refuses actions in these units.
        try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("state", shape: [5], values: fill("state", count: 600)),
                InMemoryDataset.Feature("action", shape: [2], values: fill("action", count: 240).map { $0 * 1e9 }),
            ], episodeEnds: Array(stride(from: 20, through: 120, by: 20))
        ).write(to: folder("pusht.zarr"))
        let recipe = Fixtures.recipe.replacing("name: joints", with: "name: state")
            .replacing("feature: command", with: "feature: action")
            .replacing("training:", with: "task: pusht\ntraining:")
        try Data(recipe.utf8).write(to: folder("pusht.yaml"))
        let outcome = try dpolicy(
            "train", "--recipe", folder("pusht.yaml").path, "--data", folder("pusht.zarr").path, "--output",
            folder("run").path, "--threads", "1", "--set", "training.steps=2")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("dpolicy: warning: no rollouts of the trained policy: episode "))
        #expect(FileManager.default.fileExists(atPath: folder("run/report.html").path))
        #expect(FileManager.default.fileExists(atPath: folder("run/policy/policy.json").path))
    }

    @Test func overridesFeatures() throws {
        let outcome = try start("run", ["--set", "training.steps=3", "--set", "policy.denoiser.widths=[8]"]).wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let recipe = try RecipeFile.read(contentsOf: folder("run/recipe.yaml"))
        #expect(recipe.training.steps == 3)
        #expect(try metrics("run").count == 3)
    }

    @Test(arguments: [
        ("training.batchsize=4", 64 as Int32, "did you mean training.batch_size"), ("training", 64, "key=value"),
        ("training.batch_size=many", 64, "batch_size"),
        ("policy.horizon.prediction=5", 64, "multiple"), ("policy.action.dimension=3", 1, "expected 2"),
        ("training.rollouts={interval: 5, episodes: 2, seed: 100040}", 1, "final test"),
    ])
    func refusesOverrides(_ override: String, _ status: Int32, _ words: String) throws {
        let outcome = try start("run", ["--set", override]).wait()
        #expect(outcome.status == status)
        #expect(isOneLine(outcome.errors, with: words), "\(outcome.errors)")
        #expect(!folder.names.contains("run"))
    }

    @Test func refusesAnUnknownKeyOfAFile() throws {
        let text = Fixtures.recipe.replacingOccurrences(of: "batch_size", with: "batchsize")
        try Data(text.utf8).write(to: folder("tiny.yaml"))
        let outcome = try start("run").wait()
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "tiny.yaml", "did you mean training.batch_size"))
    }
}
