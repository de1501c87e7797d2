import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// Files whose contents do not fit into the memory that a process may have.
@Suite struct MemoryTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Data(Fixtures.recipe.replacing("name: joints", with: "name: obs").utf8).write(to: folder("tiny.yaml"))
    }

    /// Runs a command that may have so many bytes of addresses.
    private func run(_ arguments: [String], limit: Int) throws -> CommandLineRun.Outcome {
        let command = "ulimit -v \(limit >> 10) && exec \"$0\" \"$@\""
        return try CommandLineRun(
            ["-c", command, CommandLineRun.executable.path] + arguments, executable: URL(fileURLWithPath: "/bin/bash")
        ).wait()
    }

    /// Fields of a small file that stands for many bytes: its chunks are absent.
    private func write(frames: Int, fields: Int, width: Int, chunk: Int) throws {
        try ZarrWriter.create(at: folder("large.zarr")) { writer in
            try writer.write("data/command", shape: [frames, 2], floats: fill("command", count: frames * 2))
            for field in 0..<fields {
                let name = field == 0 ? "obs" : "obs\(field)"
                try writer.write("data/\(name)", shape: [1, width], floats: [Float](repeating: 0, count: width))
            }
            try writer.write("meta/episode_ends", shape: [1], integers: [Int64(frames)])
        }
        for field in 0..<fields {
            let place = folder("large.zarr/data/\(field == 0 ? "obs" : "obs\(field)")")
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
        try write(frames: 50_000, fields: 1, width: 20_000, chunk: 10)
        expectRefusal(try train(limit: 3 << 30))
        let inspection = try run(
            ["inspect", folder("large.zarr").path, "--json"], limit: 3 << 30)
        #expect(inspection.status == 0, "\(inspection.errors)")
        #expect(inspection.output.contains("memory: expected room for"))
    }

    /// Many fields of which each alone would pass.
    @Test func fieldsThatDoNotFitTogetherAreRefused() throws {
        try write(frames: 1_000, fields: 120, width: 4_000, chunk: 100)
        let fields = (0..<120).map { $0 == 0 ? "{name: obs}" : "{name: obs\($0)}" }.joined(separator: ", ")
        expectRefusal(try train(limit: 1_900 << 20, "policy.observations.fields=[\(fields)]"))
    }

    /// One chunk that is larger than what is left.
    @Test func aChunkThatDoesNotFitIsRefused() throws {
        try write(frames: 500, fields: 1, width: 250_000, chunk: 500)
        expectRefusal(try train(limit: 1_000 << 20, "policy.observations.fields=[{name: obs, columns: [0, 2]}]"))
    }
}
