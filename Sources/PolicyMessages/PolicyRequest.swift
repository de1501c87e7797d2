public import PolicyInterface

/// A robot's question: what it saw last, and, if it wants to decide them, the seed, the noise or the start of the answer.
///
/// A request holds all that its answer depends on; a server remembers nothing between two of them.
public struct PolicyRequest: Sendable, Equatable {
    /// As many observations as the policy looks back, the oldest first.
    public var observations: [Observation]
    /// Decides the randomness of the answer; the server's choice if nil.
    public var seed: UInt64?
    /// The noise to start denoising from, `[prediction, action dimension]` in normalised units; drawn from the seed if nil.
    public var noise: [Float]?
    /// What to start denoising from; nil for noise alone.
    public var start: WarmStart?
    /// Whether the answer is to hold everything that was predicted, beside the actions to execute.
    public var wantsPrediction: Bool

    /// A question to a policy.
    public init(
        observations: [Observation], seed: UInt64? = nil, noise: [Float]? = nil, start: WarmStart? = nil,
        wantsPrediction: Bool = false
    ) {
        self.observations = observations
        self.seed = seed
        self.noise = noise
        self.start = start
        self.wantsPrediction = wantsPrediction
    }

    /// What in a message was taken otherwise than it came.
    public struct Remarks: Sendable, Equatable {
        /// Fields that came as a single frame, which was repeated.
        public var repeated: [String]
        /// Keys that the policy does not know.
        public var ignored: [String]

        /// Remarks, none by default.
        public init(repeated: [String] = [], ignored: [String] = []) {
            self.repeated = repeated
            self.ignored = ignored
        }
    }

    /// Reads a message.
    ///
    /// Nested maps are looked into: the name `images/top` in messages finds `{"images": {"top": …}}` as well as `{"images/top": …}`.
    /// - Throws: `MessageError` or `ObservationError` when the message does not hold what the policy needs, in the right shape and finite.
    public static func read(
        _ message: MessagePackValue, for policy: PolicyMetadata, names: FieldNames = FieldNames()
    ) throws -> (request: PolicyRequest, remarks: Remarks) {
        var reader = try RequestReader(message, horizon: policy.horizon)
        let length = policy.horizon.observation
        var observations = [Observation](repeating: Observation(), count: length)
        for field in policy.fields {
            let name = names.inMessages(field.name)
            if field.isImage {
                let size = ImageSize(height: field.shape[0], width: field.shape[1])
                let frames = try reader.images(name, size: size)
                for time in 0..<length { observations[time].images[field.name] = frames[time] }
            } else if policy.doubleFields.contains(field.name) {
                let frames = try reader.doubles(name, width: field.shape[0])
                for time in 0..<length { observations[time].doubles[field.name] = frames[time] }
            } else {
                let frames = try reader.vectors(name, width: field.shape[0])
                for time in 0..<length { observations[time].vectors[field.name] = frames[time] }
            }
        }
        for observation in observations { _ = try policy.observations.vector(from: observation) }
        let shape = [policy.horizon.prediction, policy.actionDimension]
        let request = PolicyRequest(
            observations: observations, seed: try reader.seed(), noise: try reader.noise(shape: shape),
            start: try reader.start(shape: shape), wantsPrediction: try reader.wantsPrediction())
        return (request, reader.finish())
    }

    /// The message that asks a policy.
    /// - Precondition: the observations hold the policy's fields in their shapes, and noise and start are a whole window of actions.
    public func message(for policy: PolicyMetadata, names: FieldNames = FieldNames()) -> MessagePackValue {
        var entries = policy.fields.map { field in
            let array: NumPyArray
            let shape = [observations.count] + field.shape
            if field.isImage {
                array = NumPyArray(bytes: observations.flatMap { $0.images[field.name]?.pixels ?? [] }, shape: shape)
            } else if policy.doubleFields.contains(field.name) {
                array = NumPyArray(
                    doubles: observations.flatMap {
                        $0.doubles[field.name] ?? ($0.vectors[field.name] ?? []).map(Double.init)
                    }, shape: shape)
            } else {
                array = NumPyArray(observations.flatMap { $0.vectors[field.name] ?? [] }, shape: shape)
            }
            return MessagePackValue.Entry(names.inMessages(field.name), array.value)
        }
        if let seed { entries.append(.init(RequestReader.seed, .unsigned(seed))) }
        let shape = [policy.horizon.prediction, policy.actionDimension]
        if let noise { entries.append(.init(RequestReader.noise, NumPyArray(noise, shape: shape).value)) }
        if let start {
            let actions =
                start.doubles.map { NumPyArray(doubles: Array($0.joined()), shape: shape) }
                ?? NumPyArray(start.actions.flatMap { $0 }, shape: shape)
            entries.append(.init(RequestReader.start, actions.value))
            entries.append(.init(RequestReader.startShare, .float64(start.share)))
        }
        if wantsPrediction { entries.append(.init(RequestReader.prediction, .boolean(true))) }
        return .map(entries)
    }
}
