package import DPInterface

/// A client's request: the latest observations and, optionally, a seed, the initial noise or a warm start.
///
/// A request contains everything that its response depends on; a server keeps no state between two requests.
package struct PolicyRequest: Sendable, Equatable {
    /// The latest observations, as many as the policy's observation horizon, the oldest first.
    package var observations: [RobotObservation]
    /// The seed for the randomness of the response; the server chooses one if nil.
    package var seed: UInt64?
    /// The noise to start denoising from, `[prediction, action dimension]` in normalized units; if nil, the seed
    /// determines it.
    package var noise: [Float]?
    /// The warm start of the denoising; nil to start from noise alone.
    package var start: WarmStart?
    /// Whether the response should contain all predicted actions in addition to those to execute.
    package var wantsPrediction: Bool

    /// Creates a request.
    package init(
        observations: [RobotObservation], seed: UInt64? = nil, noise: [Float]? = nil, start: WarmStart? = nil,
        wantsPrediction: Bool = false
    ) {
        self.observations = observations
        self.seed = seed
        self.noise = noise
        self.start = start
        self.wantsPrediction = wantsPrediction
    }

    /// Remarks on the parts of a message that were changed or ignored.
    package struct Remarks: Sendable, Equatable {
        /// Features with a single frame, which was repeated.
        package var repeated: [String]
        /// Keys that the policy does not use.
        package var ignored: [String]

        /// Creates remarks; none by default.
        package init(repeated: [String] = [], ignored: [String] = []) {
            self.repeated = repeated
            self.ignored = ignored
        }
    }

    /// Reads a message.
    ///
    /// Nested maps are searched: the name `images/top` in messages matches `{"images": {"top": …}}` as well as
    /// `{"images/top": …}`.
    /// - Throws: `InputError` when the message lacks a feature that the policy needs, or a value has the wrong shape
    ///   or is not finite.
    package static func read(
        _ message: MessagePackValue, for policy: PolicyMetadata, names: FeatureNames = FeatureNames()
    ) throws -> (request: PolicyRequest, remarks: Remarks) {
        var reader = try RequestReader(message, horizon: policy.horizon)
        let length = policy.horizon.observation
        var observations = [RobotObservation](repeating: RobotObservation(), count: length)
        for feature in policy.features {
            let name = names.inMessages(feature.name)
            if feature.isImage {
                let size = ImageSize(height: feature.shape[0], width: feature.shape[1])
                let frames = try reader.images(name, size: size)
                for time in 0..<length { observations[time].images[feature.name] = frames[time] }
            } else if policy.doubleFeatures.contains(feature.name) {
                let frames = try reader.doubles(name, width: feature.shape[0])
                for time in 0..<length { observations[time].doubles[feature.name] = frames[time] }
            } else {
                let frames = try reader.vectors(name, width: feature.shape[0])
                for time in 0..<length { observations[time].vectors[feature.name] = frames[time] }
            }
        }
        for observation in observations { _ = try policy.observations.vector(from: observation) }
        let shape = [policy.horizon.prediction, policy.actionDimension]
        let request = PolicyRequest(
            observations: observations, seed: try reader.seed(), noise: try reader.noise(shape: shape),
            start: try reader.start(shape: shape), wantsPrediction: try reader.wantsPrediction())
        return (request, reader.finish())
    }

    /// Returns the message of the request.
    /// - Precondition: the observations hold the policy's features in their shapes, and noise and start have an
    ///   action for each predicted step.
    package func message(for policy: PolicyMetadata, names: FeatureNames = FeatureNames()) -> MessagePackValue {
        var entries = policy.features.map { feature in
            let array: NumPyArray
            let shape = [observations.count] + feature.shape
            if feature.isImage {
                array = NumPyArray(bytes: observations.flatMap { $0.images[feature.name]?.pixels ?? [] }, shape: shape)
            } else if policy.doubleFeatures.contains(feature.name) {
                array = NumPyArray(
                    doubles: observations.flatMap {
                        $0.doubles[feature.name] ?? ($0.vectors[feature.name] ?? []).map(Double.init)
                    }, shape: shape)
            } else {
                array = NumPyArray(observations.flatMap { $0.vectors[feature.name] ?? [] }, shape: shape)
            }
            return MessagePackValue.Entry(names.inMessages(feature.name), array.value)
        }
        if let seed { entries.append(.init(RequestReader.seed, .unsigned(seed))) }
        let shape = [policy.horizon.prediction, policy.actionDimension]
        if let noise { entries.append(.init(RequestReader.noise, NumPyArray(noise, shape: shape).value)) }
        if let start {
            let actions =
                start.doubles.map { NumPyArray(doubles: Array($0.joined()), shape: shape) }
                ?? NumPyArray(start.actions.flatMap { $0 }, shape: shape)
            entries.append(.init(RequestReader.start, actions.value))
            entries.append(.init(RequestReader.startStrength, .float64(start.strength)))
        }
        if wantsPrediction { entries.append(.init(RequestReader.prediction, .boolean(true))) }
        return .map(entries)
    }
}
