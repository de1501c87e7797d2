import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy bench`.
@Suite struct BenchTests {
    /// Runs `dpolicy bench` on the recipe and demonstrations of a small robot.
    private func bench(_ arguments: String..., in folder: TemporaryFolder) throws -> CommandLineRun.Outcome {
        try Fixtures.writeRobotDemonstrations(to: folder("demonstrations.zarr"))
        try Fixtures.recipe.write(to: folder("recipe.yaml"), atomically: true, encoding: .utf8)
        let subject = ["--recipe", folder("recipe.yaml").path, "--data", folder("demonstrations.zarr").path]
        return try CommandLineRun(["bench"] + subject + arguments + ["--threads", "1"]).wait()
    }

    private func measurements(of outcome: CommandLineRun.Outcome) throws -> [[String: Any]] {
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try #require(try outcome.json()["measurements"] as? [[String: Any]])
    }

    @Test func measuresTrainingAndInference() throws {
        let outcome = try bench("--repetitions", "2", "--steps", "3", "--json", in: TemporaryFolder())
        let measurements = try measurements(of: outcome)
        #expect(measurements.compactMap { $0["work"] as? String } == ["training", "pass", "chunk"])
        #expect(measurements.compactMap { $0["batch"] as? Int } == [8, 1, 1])
        #expect(measurements[2]["denoising_steps"] as? Int == 3)
        for measurement in measurements {
            let times = try #require(measurement["milliseconds"] as? [String: Any])
            let samples = try #require(times["samples"] as? [Double])
            #expect(samples.count == 2)
            let (least, greatest) = (try #require(samples.min()), try #require(samples.max()))
            #expect(times["minimum"] as? Double == least)
            #expect(times["maximum"] as? Double == greatest)
            // Interpolated between the two, as NumPy does.
            let (median, p99) = (try #require(times["median"] as? Double), try #require(times["p99"] as? Double))
            #expect(abs(median - (least + greatest) / 2) < 1e-9)
            #expect(abs(p99 - (0.01 * least + 0.99 * greatest)) < 1e-9)
            #expect(samples.allSatisfy { $0 > 0 })
        }
        #expect(try outcome.json()["peak_memory_mib"] as? Double ?? 0 > 1)
    }

    @Test func measuresPushT() throws {
        let folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
        let outcome = try dpolicy(
            "bench", "--work", "evaluation", "--work", "simulator", "--policy", folder("policy").path, "--batch", "2",
            "--repetitions", "1", "--threads", "1", "--json")
        for measurement in try measurements(of: outcome) {
            let details = try #require(measurement["details"] as? [String: Double])
            #expect(details["control_steps_per_second"] ?? 0 > 0)
        }
    }

    @Test func measuresEncoding() throws {
        let folder = try TemporaryFolder()
        try Fixtures.writeRobotDemonstrations(to: folder("demonstrations.zarr"))
        try Fixtures.recipeWithCamera.write(to: folder("recipe.yaml"), atomically: true, encoding: .utf8)
        let outcome = try dpolicy(
            "bench", "--recipe", folder("recipe.yaml").path, "--data", folder("demonstrations.zarr").path, "--windows",
            "12",
            "--repetitions", "1", "--threads", "1", "--json")
        let measurements = try measurements(of: outcome)
        #expect(measurements.compactMap { $0["work"] as? String } == ["training", "pass", "encode", "chunk"])
    }

    @Test func encodesImagesOnly() throws {
        let outcome = try bench("--work", "encode", in: TemporaryFolder())
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "--work encode", "images"))
    }

    @Test func emptiesCachesAndPrintsATable() throws {
        let outcome = try bench("--work", "pass", "--repetitions", "1", "--cold", in: TemporaryFolder())
        #expect(outcome.status == 0)
        #expect(outcome.lines.last?.hasPrefix("network pass, batch 1, cold caches ") == true)
    }

    /// `--export` writes the measured weights, for use by other programs.
    @Test func exportsTheMeasuredPolicy() throws {
        let folder = try TemporaryFolder()
        let export = folder("policy")
        let outcome = try bench("--work", "pass", "--repetitions", "1", "--export", export.path, in: folder)
        #expect(outcome.status == 0)
        #expect(try PolicyDirectory(export).read().configuration.denoiser == .unet(Self.network))
    }

    private static let network = DenoiserConfiguration.UNet(
        widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8)

    @Test(arguments: [3, 100, 1000]) func makesTheRequestedNumberOfWindows(_ windows: Int) throws {
        let outcome = try bench(
            "--work", "training", "--repetitions", "1", "--windows", "\(windows)", "--set",
            "training.validation_ratio=0", "--json", in: TemporaryFolder())
        #expect(try measurements(of: outcome).count == 1)
    }

    @Test func trainingNeedsDemonstrations() throws {
        let folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
        let outcome = try dpolicy("bench", "--work", "training", "--policy", folder("policy").path)
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "--data", "demonstrations"))
    }

    @Test(arguments: [(["--policy", "x", "--widen", "4"], "--policy"), (["--data", "x", "--widen", "17"], "1...16")])
    func widensRecipesOnly(_ arguments: [String], _ word: String) throws {
        let outcome = try CommandLineRun(["bench"] + arguments).wait()
        #expect(outcome.status == 64)
        #expect(isOneLine(outcome.errors, with: "--widen", word))
    }

    @Test func profilesOperations() throws {
        let outcome = try bench("--profile", "--precision", "float32", "--json", in: TemporaryFolder())
        #expect(outcome.status == 0, "\(outcome.errors)")
        let profiles = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]] ?? []
        #expect(profiles.compactMap { $0["work"] as? String } == ["training", "pass", "chunk"])
        for profile in profiles {
            let rows = try #require(profile["rows"] as? [[String: Any]])
            let times = rows.compactMap { $0["ms"] as? Double }
            #expect(times.count == rows.count)
            #expect(times == times.sorted(by: >))
            #expect(rows.contains { $0["flops"] as? Int ?? 0 > 0 })
            #expect(profile["whole_ms"] as? Double ?? 0 > 0)
            // A row that is faster than its floor has a reason.
            for row in rows {
                let (time, floor) = (try #require(row["ms"] as? Double), try #require(row["floor_ms"] as? Double))
                #expect((row["reason"] is String) == (floor > time), "\(row)")
            }
            let peaks = try #require(profile["peaks"] as? [String: Double])
            #expect(peaks["bytes_per_second"] ?? 0 > 0 && peaks["update_bytes_per_second"] ?? 0 > 0)
        }
        let names = try #require(profiles[0]["rows"] as? [[String: Any]]).compactMap { $0["name"] as? String }
        #expect(names.contains("AdamW and EMA"))
    }

    @Test func fractionsAbove100PercentHaveAReason() throws {
        let outcome = try bench("--profile", "--work", "pass", "--work", "training", in: TemporaryFolder())
        #expect(outcome.status == 0, "\(outcome.errors)")
        let shares = outcome.output.matches(of: /\| ([0-9]+) %(,[^|]*)? \|\n/)
        #expect(shares.count > 4)
        for share in shares { #expect((Int(share.1) ?? 0) <= 100 || share.2 != nil, "\(share.0)") }
        #expect(outcome.output.contains("GB/s of reads") && outcome.output.contains("GB/s of updates"))
    }

    @Test func profilesOperationsOfATransformer() throws {
        let denoiser = """
            policy.denoiser={name: transformer, layers: 1, heads: 2, width: 8, condition_layers: 0, causal: true, \
            step: condition, embedding_dropout: 0.1, attention_dropout: 0.1}
            """
        let outcome = try bench("--profile", "--json", "--set", denoiser, in: TemporaryFolder())
        #expect(outcome.status == 0, "\(outcome.errors)")
        let profiles = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]] ?? []
        let names = try profiles.map { profile in
            Set(try #require(profile["rows"] as? [[String: Any]]).compactMap { $0["name"] as? String })
        }
        try #require(names.count == 3)
        #expect(
            names[0].isSuperset(of: [
                "attention", "attention gradient", "gelu + dropout", "gelu + dropout gradient", "dropout + residual",
                "layer norm", "layer norm gradient + residual",
            ]))
        for acting in names[1...] { #expect(acting.isSuperset(of: ["attention", "gelu", "layer norm"])) }
    }

    @Test func profilesNoRollouts() throws {
        let outcome = try bench("--profile", "--work", "simulator", in: TemporaryFolder())
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "--profile", "simulator"))
    }

    /// Only the smallest sizes of each axis, to save time.
    @Test func writesTheScalingStudy() throws {
        let folder = try TemporaryFolder()
        let outcome = try bench(
            "--scaling", folder("growth").path, "--largest", "2", "--repetitions", "1", "--windows", "50", "--set",
            "training.validation_ratio=0", in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let page = try String(contentsOf: folder("growth/scaling.md"), encoding: .utf8)
        for axis in ["Batch", "Prediction horizon", "Width of the network", "Denoising steps", "Threads"] {
            #expect(page.contains("\n## \(axis)\n"))
        }
        for link in page.matches(of: /\]\((scaling-[a-z-]+\.svg)\)/) {
            let picture = folder("growth").appendingPathComponent(String(link.1))
            #expect(try String(contentsOf: picture, encoding: .utf8).hasPrefix("<svg"))
        }
        #expect(page.contains("| 2 |"))
    }

    @Test func scalingNeedsADataset() throws {
        let outcome = try dpolicy("bench", "--scaling", "x", "--policy", "y")
        #expect(outcome.status == 64)
        #expect(isOneLine(outcome.errors, with: "--data", "--scaling"))
    }
}
