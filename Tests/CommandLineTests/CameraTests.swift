import DPPushT
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// Subcommands with a policy that observes images rendered from recorded states.
@Suite struct CameraTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        var (states, actions): ([Float], [Float]) = ([], [])
        for episode in 0..<2 {
            let environment = PushTEnvironment(seed: UInt64(episode))
            for frame in 0..<10 {
                let action: [Float] = [200 + 10 * Float(frame), 300 - 20 * Float(episode)]
                states += environment.state.values.map(Float.init)
                actions += action
                try environment.step(action)
            }
        }
        try InMemoryDataset(
            features: [.init("state", shape: [5], values: states), .init("action", shape: [2], values: actions)],
            episodeEnds: [10, 20]
        ).write(to: folder("pusht.zarr"))
    }

    private func train(_ overrides: String...) throws -> CommandLineRun.Outcome {
        let small = [
            "policy.observations.images=[{name: img, resize: [40, 40], crop: [34, 34]}]",
            "policy.denoiser.widths=[8, 16]", "policy.sampler={name: ddim, steps: 2, eta: 0}",
            "policy.image_encoder.keypoints=4", "training.steps=2", "training.batch_size=2", "training.rollouts=null",
        ]
        return try CommandLineRun(
            ["train", "--recipe", "pusht-image-cnn", "--data", folder("pusht.zarr").path]
                + ["--output", folder("run").path, "--threads", "1", "--precision", "float32"]
                + (small + overrides).flatMap { ["--set", $0] }
        ).wait()
    }

    @Test func trainsActsAndShowsKeypoints() throws {
        let training = try train()
        #expect(training.status == 0, "\(training.errors)")
        let report = try String(contentsOf: folder("run/report.html"), encoding: .utf8)
        #expect(report.contains("Keypoints of the policy"))
        let description = try dpolicy("inspect", folder("run/policy").path)
        #expect(description.output.contains("img 96×96, resized to 40×40, center-cropped to 34×34"))

        let looking = ["--keypoints", folder("looking.png").path, "--data", folder("pusht.zarr").path]
        let inspection = try CommandLineRun(
            ["inspect", folder("run/policy").path, "--precision", "float32"] + looking
        ).wait()
        #expect(inspection.status == 0, "\(inspection.errors)")
        let drawn = try Data(contentsOf: folder("looking.png"))
        #expect(try drawn == Data(contentsOf: folder("run/keypoints.png")))

        let evaluation = try dpolicy(
            "evaluate", "--policy", folder("run").path, "--episodes", "1", "--threads", "1", "--json")
        #expect(evaluation.status == 0, "\(evaluation.errors)")
        #expect(try evaluation.json()["score"] is Double)
    }

    @Test func reportsMissingCameras() throws {
        let large = try train("policy.observations.images=[{name: img, crop: [97, 96]}]")
        #expect(large.status == 1)
        #expect(large.errors.contains("image img, crop: expected at most 96×96, the size of the image, found 97×96"))
        let unknown = try train("policy.observations.images=[{name: wrist}]")
        #expect(unknown.errors.contains(#"expected an image "wrist", found none"#))

        try Fixtures.writePushTPolicy(to: folder("blind"))
        let options = ["--keypoints", folder("looking.png").path, "--data", folder("pusht.zarr").path]
        let blind = try CommandLineRun(["inspect", folder("blind").path] + options).wait()
        #expect(blind.status == 1)
        #expect(blind.errors.contains("--keypoints: expected a policy that observes images"))
        let half = try CommandLineRun(["inspect", folder("blind").path] + options.prefix(2)).wait()
        #expect(half.status == 64)
        #expect(half.errors.contains("expected both or none of them"))
    }
}
