import Demonstrations
import PolicyInterface
import PushT

/// What is kept of a control step that a person drove: what was seen before the action, and the action.
struct RecordedFrame: Sendable, Equatable {
    /// Agent x and y, block x and y, block angle.
    let state: [Float]
    /// Nine times x and y.
    let keypoint: [Float]
    /// Where the pusher was sent.
    let action: [Float]

    /// The fields of a set of such frames, which are those of the published demonstrations without what can be computed from them.
    static let fields = ["state": [5], "keypoint": [9, 2], "action": [2]]

    init(of environment: PushTEnvironment, action: SIMD2<Double>) {
        let observation = environment.observation
        state = observation.vectors["state"] ?? []
        keypoint = observation.vectors["keypoint"] ?? []
        self.action = [Float(action.x), Float(action.y)]
    }

    /// One episode of frames.
    /// - Throws: `TensorFileError` when there are none.
    static func episode(_ frames: [RecordedFrame]) throws -> ReplayBuffer {
        try ReplayBuffer(
            fields: [
                ReplayBuffer.Field("state", shape: [5], values: frames.flatMap(\.state)),
                ReplayBuffer.Field("keypoint", shape: [9, 2], values: frames.flatMap(\.keypoint)),
                ReplayBuffer.Field("action", shape: [2], values: frames.flatMap(\.action)),
            ], episodeEnds: [frames.count])
    }
}
