import DPPushT
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy data` and `dpolicy inspect`.
@Suite struct DataTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func inspectsADataset() throws {
        try Fixtures.writeRobotDemonstrations(to: folder("robot.zarr"))
        let path = folder("robot.zarr").path
        let text = try dpolicy("data", "inspect", path, "--action", "command")
        #expect(text.status == 0)
        #expect(text.output.contains("joints") && text.output.contains("6 episodes"))
        #expect(text.output.contains("      - name: joints\n      - name: state\n  action:\n    feature: command\n"))
        let json = try dpolicy("data", "inspect", path, "--action", "command", "--json").json()
        #expect(json["frames"] as? Int == 120)
        #expect((json["suggestion"] as? [String: Any])?["action_dimension"] as? Int == 2)
        #expect(try dpolicy("inspect", path, "--json").json()["kind"] as? String == "dataset")
    }

    @Test func listsConstantComponents() throws {
        var joints = (0..<40).map { Float($0) * 1e-6 }
        for row in 0..<20 { joints[2 * row] = 0.25 }
        // A rounding difference does not count as a change.
        var actions = [Float](repeating: 0.1, count: 20)
        actions[7] = actions[7].nextUp
        try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("joints", shape: [2], values: joints),
                InMemoryDataset.Feature("action", shape: [1], values: actions),
            ], episodeEnds: [20]
        ).write(to: folder("still.zarr"))
        let path = folder("still.zarr").path
        let text = try dpolicy("data", "inspect", path).output
        #expect(text.contains("constant in all frames, so not scaled: action[0] (0.1), joints[0] (0.25)\n"))
        let json = try dpolicy("data", "inspect", path, "--json").json()
        let features = try #require(json["features"] as? [[String: Any]])
        #expect(features[0]["constant_components"] as? [Int] == [0])
        #expect(features[1]["constant_components"] as? [Int] == [0])
    }

    @Test func listsOutliers() throws {
        var pose = (0..<300).map { Float($0 % 50) }
        // An outlier in row 70.
        pose[2 * 70 + 1] = 900
        let actions = (0..<150).map { Float($0 % 9) }
        try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("pose", shape: [2], values: pose),
                InMemoryDataset.Feature("action", shape: [1], values: actions),
            ], episodeEnds: [60, 150]
        ).write(to: folder("spiked.zarr"))
        let path = folder("spiked.zarr").path
        let text = try dpolicy("data", "inspect", path).output
        #expect(
            text.contains(
                "far from all others, so check them:\n  pose[1]  900 in frame 10 of episode 1, while 98 % lie"))
        let features = try #require(
            try dpolicy("data", "inspect", path, "--json").json()["features"] as? [[String: Any]])
        let outlier = try #require((features[1]["outliers"] as? [[String: Any]])?.first)
        #expect(outlier["component"] as? Int == 1 && outlier["episode"] as? Int == 1 && outlier["frame"] as? Int == 10)
    }

    @Test func inspectsAPolicy() throws {
        try Fixtures.writePushTPolicy(to: folder("policy"))
        let json = try dpolicy("inspect", folder("policy").path, "--json").json()
        #expect(json["kind"] as? String == "policy")
        #expect(json["observation"] as? [Int] == [2, 7])
        #expect(json["action_prediction"] as? [Int] == [4, 2])
        let document = try PolicyDirectory(folder("policy")).document()
        let parameters = document.shapes.parameters.values.reduce(0) { $0 + $1.reduce(1, *) }
        #expect(json["parameters"] as? Int == parameters)
        let ranges = try #require(json["ranges"] as? [[String: Any]])
        #expect(ranges.count == 9)
        #expect(ranges[0]["component"] as? String == "state[0]")
        #expect(ranges[0]["lower"] as? Double == 0)
        #expect(ranges[0]["upper"] as? Double == 512)
        #expect(try dpolicy("inspect", folder("policy").path).output.contains("state[0]"))
    }

    /// Replaying the recorded actions from the same start reproduces the recorded states.
    @Test func recordsReplayableEpisodes() throws {
        try Fixtures.writePushTPolicy(to: folder("policy"))
        let arguments = ["data", "record", "--policy", folder("policy").path, "--output", folder("out.zarr").path]
        let options = ["--episodes", "3", "--seed", "500", "--min-coverage", "0", "--max-steps", "30"]
        let outcome = try CommandLineRun(arguments + options + ["--action-noise", "3", "--threads", "1", "--json"])
            .wait()
        #expect(outcome.status == 0)
        let dataset = try InMemoryDataset(contentsOf: folder("out.zarr").path)
        #expect(dataset.episodes.count == 3)
        #expect(try outcome.json()["frames"] as? Int == dataset.frameCount)
        #expect(dataset.features["keypoint"]?.shape == [9, 2])
        let (states, actions) = (try dataset.feature("state").values, try dataset.feature("action").values)
        for (episode, frames) in dataset.episodes.enumerated() {
            let environment = PushTEnvironment(seed: UInt64(500 + episode))
            for frame in frames {
                #expect(environment.observation.vectors["state"] == Array(states[frame * 5..<frame * 5 + 5]))
                try environment.step(Array(actions[frame * 2..<frame * 2 + 2]))
            }
        }
        let again = try CommandLineRun(arguments).wait()
        #expect(again.status == 1)
        #expect(isOneLine(again.errors, with: "does not exist yet"))
    }

    @Test func givesUpOnAPolicyThatFails() throws {
        try Fixtures.writePushTPolicy(to: folder("policy"))
        let outcome = try dpolicy(
            "data", "record", "--policy", folder("policy").path, "--output", folder("out.zarr").path, "--episodes", "1",
            "--max-steps", "2", "--threads", "1")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("found 0 good episodes from 20 start states"))
        #expect(folder.names == ["policy"])
    }

    @Test func reportsUnreachableServer() throws {
        let outcome = try dpolicy(
            "data", "fetch", "pusht", "--url", "http://127.0.0.1:1/pusht.zip", "--output", folder("data").path)
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "127.0.0.1"))
    }
}
