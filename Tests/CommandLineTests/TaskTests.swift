import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// The task of a training run, and the source of its images.
@Suite struct TaskTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Data(Fixtures.recipe.replacing("name: joints", with: "name: state").utf8).write(to: folder("rover.yaml"))
        try Data(Fixtures.recipeWithCamera.utf8).write(to: folder("seeing.yaml"))
        try Fixtures.writeRobotDemonstrations(to: folder("robot.zarr"))
    }

    private func train(_ recipe: String, _ data: String = "robot.zarr", _ sets: String...) throws
        -> CommandLineRun.Outcome
    {
        try CommandLineRun(
            ["train", "--recipe", folder(recipe).path, "--data", folder(data).path, "--output", folder("run").path]
                + ["--threads", "1"] + (sets + ["training.steps=1"]).flatMap { ["--set", $0] }
        ).wait()
    }

    /// Adds images to the dataset under another name.
    private func addCamera(_ name: String, size: Int = 40) throws {
        let frames = 120
        try ZarrWriter.create(at: folder("camera.zarr")) {
            try $0.write(
                "data/\(name)", shape: [frames, size, size, 3],
                bytes: [UInt8](repeating: 9, count: frames * size * size * 3))
        }
        try FileManager.default.moveItem(
            at: folder("camera.zarr/data/\(name)"), to: folder("robot.zarr/data/\(name)"))
    }

    @Test func anotherRobotIsNotRolledOutInPushT() throws {
        let outcome = try train("rover.yaml", "robot.zarr", "training.rollouts={interval: 1, episodes: 1}")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("no rollouts: the recipe names no task"))
        #expect(!FileManager.default.fileExists(atPath: folder("run/rollouts.mp4").path))
        let metrics = try String(contentsOf: folder("run/metrics.jsonl"), encoding: .utf8)
        #expect(!metrics.contains("score"))
        #expect(try PolicyDirectory(folder("run/policy")).document().task == nil)
    }

    @Test func imagesAreDrawnWhereTheTaskSaysSo() throws {
        let outcome = try train("seeing.yaml", "robot.zarr", "policy.action.limits={lower: [-1, -1], upper: [1, 1]}")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("img is drawn from state"))
        let document = try PolicyDirectory(folder("run/policy")).document()
        #expect(document.task == .pushT)
        #expect(document.origin["drawn_images"] == "img from the feature state")
        let checkpoint = folder("run/checkpoints/step-00000001.checkpoint")
        #expect(try Checkpoint(contentsOf: checkpoint).policy().origin["drawn_images"] == "img from the feature state")
    }

    @Test func noTaskDrawsNoImages() throws {
        let outcome = try train("seeing.yaml", "robot.zarr", "task=null")
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: #"expected images "img", found none"#, "task: pusht"))
    }

    @Test func aCameraOfAnotherNameIsNotReplaced() throws {
        try addCamera("image")
        let outcome = try train("seeing.yaml")
        #expect(outcome.status == 1)
        #expect(
            isOneLine(
                outcome.errors,
                with: #"expected an image "img", found none of this name among command, image, joints, state"#))
    }

    @Test func aCameraBehindADeadLinkIsNotReplaced() throws {
        try FileManager.default.createSymbolicLink(
            at: folder("robot.zarr/data/img"), withDestinationURL: URL(fileURLWithPath: "/nowhere/img"))
        let outcome = try train("seeing.yaml")
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "cannot reach", "a link to /nowhere/img, which is not there"))

        try FileManager.default.createSymbolicLink(at: folder("gone.zarr"), withDestinationURL: folder("other.zarr"))
        for verb in [["inspect"], ["data", "inspect"]] {
            let inspection = try CommandLineRun(verb + [folder("gone.zarr").path]).wait()
            #expect(isOneLine(inspection.errors, with: "cannot reach", "other.zarr, which is not there"))
            let absent = try CommandLineRun(verb + [folder("absent.zarr").path]).wait()
            #expect(isOneLine(absent.errors, with: "no such file"))
        }
    }

    /// Runs that an earlier version started name no task.
    @Test func resumesARunWithoutATask() throws {
        #expect(try train("rover.yaml").status == 0)
        let text = try String(contentsOf: folder("run/recipe.yaml"), encoding: .utf8)
        try Data(text.replacing("task: null\n", with: "").utf8).write(to: folder("run/recipe.yaml"))
        let outcome = try dpolicy(
            "train", "--resume", "--output", folder("run").path, "--data", folder("robot.zarr").path, "--threads", "1")
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test func warnsOfASmallCrop() throws {
        try addCamera("cam", size: 160)
        let cameras = "policy.observations.images=[{name: cam, crop: [40, 40]}]"
        let outcome = try train("seeing.yaml", "robot.zarr", cameras)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.errors.contains(
                "image cam: the crop of 40×40 covers 6 % of the 160×160 image, and inference uses only the center crop"
            ))
        #expect(outcome.errors.contains("resize is missing, such as resize: [96, 96], crop: [84, 84]"))
        let inspection = try dpolicy("data", "inspect", folder("robot.zarr").path, "--action", "command")
        #expect(inspection.output.contains("{name: cam, resize: [96, 96], crop: [84, 84]}"))
    }
}
