import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// Files whose contents exceed the memory limit of the process.
@Suite struct MemoryTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Data(Fixtures.recipe.replacing("name: joints", with: "name: obs").utf8).write(to: folder("tiny.yaml"))
    }

    /// Runs a command with a limit on its address space, in bytes.
    private func run(_ arguments: [String], limit: Int) throws -> CommandLineRun.Outcome {
        let command = "ulimit -v \(limit >> 10) && exec \"$0\" \"$@\""
        return try CommandLineRun(
            ["-c", command, CommandLineRun.executable.path] + arguments, executable: URL(fileURLWithPath: "/bin/bash")
        ).wait()
    }

    /// Writes a small dataset that stands for many bytes: its chunks are absent.
    private func write(frames: Int, features: Int, width: Int, chunk: Int) throws {
        try ZarrWriter.create(at: folder("large.zarr")) { writer in
            try writer.write("data/command", shape: [frames, 2], floats: fill("command", count: frames * 2))
            for feature in 0..<features {
                let name = feature == 0 ? "obs" : "obs\(feature)"
                try writer.write("data/\(name)", shape: [1, width], floats: [Float](repeating: 0, count: width))
            }
            try writer.write("meta/episode_ends", shape: [1], integers: [Int64(frames)])
        }
        for feature in 0..<features {
            let place = folder("large.zarr/data/\(feature == 0 ? "obs" : "obs\(feature)")")
            for name in try FileManager.default.contentsOfDirectory(atPath: place.path) {
                try FileManager.default.removeItem(at: place.appendingPathComponent(name))
            }
            let metadata = """
                {"zarr_format": 2, "shape": [\(frames), \(width)], "chunks": [\(chunk), \(width)], "dtype": "<f4", \
                "compressor": null, "fill_value": 0, "order": "C", "filters": null}
                """
            try Data(metadata.utf8).write(to: place.appendingPathComponent(".zarray"))
        }
    }

    private func train(limit: Int, _ sets: String...) throws -> CommandLineRun.Outcome {
        let options = sets.flatMap { ["--set", $0] }
        return try run(
            ["train", "--recipe", folder("tiny.yaml").path, "--data", folder("large.zarr").path, "--threads", "1"]
                + ["--output", folder("run").path, "--set", "training.validation_ratio=0"] + options, limit: limit)
    }

    private func expectRefusal(_ outcome: CommandLineRun.Outcome) {
        #expect(outcome.status == 1 && !outcome.isKilled, "\(outcome.errors)")
        #expect(outcome.errors.contains("dpolicy: error: memory: expected room for"), "\(outcome.errors)")
    }

    @Test func demonstrationsThatDoNotFitAreRefused() throws {
        try write(frames: 50_000, features: 1, width: 20_000, chunk: 10)
        expectRefusal(try train(limit: 3 << 30))
        let inspection = try run(
            ["inspect", folder("large.zarr").path, "--json"], limit: 3 << 30)
        #expect(inspection.status == 0, "\(inspection.errors)")
        #expect(inspection.output.contains("memory: expected room for"))
    }

    /// Each of these features would fit alone.
    @Test func featuresThatDoNotFitTogetherAreRefused() throws {
        try write(frames: 1_000, features: 120, width: 4_000, chunk: 100)
        let features = (0..<120).map { $0 == 0 ? "{name: obs}" : "{name: obs\($0)}" }.joined(separator: ", ")
        expectRefusal(try train(limit: 1_900 << 20, "policy.observations.features=[\(features)]"))
    }

    /// One chunk is larger than the available memory.
    @Test func aChunkThatDoesNotFitIsRefused() throws {
        try write(frames: 500, features: 1, width: 250_000, chunk: 500)
        expectRefusal(try train(limit: 1_000 << 20, "policy.observations.features=[{name: obs, columns: [0, 2]}]"))
    }
}
