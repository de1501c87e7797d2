import DPDatasets
import DPInterface
import DPPushT

/// A recorded control step: the observation before the action, and the action.
struct RecordedFrame: Sendable, Equatable {
    /// Agent x and y, block x and y, block angle.
    let state: [Float]
    /// x and y of nine keypoints.
    let keypoint: [Float]
    /// The pusher's target.
    let action: [Float]

    /// The features of a dataset of such frames: those of the published demonstrations, except for features that
    /// can be computed from the others.
    static let features = ["state": [5], "keypoint": [9, 2], "action": [2]]

    init(of environment: PushTEnvironment, action: SIMD2<Double>) {
        let observation = environment.observation
        state = observation.vectors["state"] ?? []
        keypoint = observation.vectors["keypoint"] ?? []
        self.action = [Float(action.x), Float(action.y)]
    }

    /// Returns an episode of frames.
    /// - Throws: `InputError` when there are no frames.
    static func episode(_ frames: [RecordedFrame]) throws -> InMemoryDataset {
        try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("state", shape: [5], values: frames.flatMap(\.state)),
                InMemoryDataset.Feature("keypoint", shape: [9, 2], values: frames.flatMap(\.keypoint)),
                InMemoryDataset.Feature("action", shape: [2], values: frames.flatMap(\.action)),
            ], episodeEnds: [frames.count])
    }
}
