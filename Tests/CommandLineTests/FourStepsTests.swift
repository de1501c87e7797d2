import DPPushT
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// The code on the front page, run with a small recipe and dataset.
@Suite struct FourStepsTests {
    @Test func fromDemonstrationsToActions() throws {
        let folder = try TemporaryFolder()
        let teacher = Project.folder.appendingPathComponent("Policies/pusht").path
        let recorded = try dpolicy(
            "data", "record", "--policy", teacher, "--sampler", "ddim", "--steps", "10", "--output",
            folder("pusht.zarr").path, "--episodes", "2", "--min-coverage", "0", "--max-steps", "40", "--seed",
            "7", "--threads", "1")
        #expect(recorded.status == 0, "\(recorded.errors)")
        var recipe = try RecipeFile.read("pusht-lowdim")
        recipe.policy.denoiser = .unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8))
        recipe.training.batchSize = 4
        recipe.training.steps = 2

        let environment = try fourSteps(
            data: folder("pusht.zarr").path, recipe: recipe, output: folder("policy").path)
        #expect(environment.isSuccess || environment.stepCount == 300)
    }

    /// The front page shows the code that the test above runs.
    @Test func theFrontPageShowsThisCode() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let source = try String(contentsOf: tests.appendingPathComponent("FourSteps.swift"), encoding: .utf8)
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        let begin = try #require(lines.firstIndex(of: "    // The front page begins."))
        let end = try #require(lines.firstIndex(of: "    // The front page ends."))
        let code = lines[begin + 1..<end].map { $0.dropFirst(4) }.joined(separator: "\n")
        let page = try String(contentsOf: Project.folder.appendingPathComponent("README.md"), encoding: .utf8)
        let whole = """
            ```swift
            import DPPushT
            import DiffusionPolicyKit

            let (data, recipe, output) = ("Demonstrations/pusht.zarr", try RecipeFile.read("pusht-lowdim"), "runs/pusht")

            \(code)
            ```
            """
        #expect(page.contains(whole))
    }
}
