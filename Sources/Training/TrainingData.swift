import Demonstrations
import MachineResources
import Policies
import PolicyInterface
import TensorGraph

/// Demonstrations as training wants them: normalised once, with windows to train on and windows to validate on.
struct TrainingData: Sendable {
    let normaliser: Normaliser
    let training: SequenceSampler
    /// Nil when no episodes are held out.
    let validation: SequenceSampler?
    /// Tells these demonstrations from others: episodes, frames and a hash of every number that training reads.
    let fingerprint: String
    /// Which episodes are learned from, where it is not all of them.
    let learnedFrom: String?
    /// What is odd about the demonstrations, a sentence each.
    let warnings: [String]
    /// All frames, `[frames, D]`.
    private let observations: [Float]
    /// All frames, `[frames, A]`.
    private let actions: [Float]
    /// What cameras recorded, in the order of the policy's images.
    private let images: [TrainingImages]
    private let layout: BatchLayout

    /// Random changes of the images of one sample.
    struct Augmentation {
        /// The sample's randomness.
        let key: RandomKey
        let jitter: ColorJitter?
    }

    /// - Parameter model: of the recipe's policy, its fields resolved against the demonstrations.
    /// - Throws: `ObservationError`, `WindowError` or `TrainingError` when the demonstrations do not fit, or a side of their split is empty.
    init(_ demonstrations: ReplayBuffer, model: DiffusionModel, training: TrainingConfiguration) throws {
        let policy = model.configuration
        let episodes = demonstrations.episodes
        let learnable = episodes.indices.filter { episodes[$0].count >= policy.horizon.shortestEpisode }
        // Which says what would do.
        if learnable.isEmpty { _ = try SequenceSampler(demonstrations, horizon: policy.horizon) }
        let short = episodes.filter { $0.count < policy.horizon.shortestEpisode }
        var observations = try demonstrations.observations(policy.observations)
        var actions = try demonstrations.field(policy.action.field).values
        // Both are going to be changed, and what is changed is copied.
        try AvailableMemory.check(observations.count + actions.count, of: Float.self)
        images = try policy.observations.images.map { try TrainingImages($0, of: demonstrations) }
        let origins = try [
            demonstrations.origin(of: policy.observations), demonstrations.field(policy.action.field).origin,
        ]
        fingerprint = try Self.fingerprint(
            observations, actions, origins, images.map(\.recorded), of: demonstrations, episodes: learnable)
        // Fitted to held-out episodes too, as the reference does: they must not leave the range.
        let review = try DataReview(
            policy: policy, observation: demonstrations.statistics(of: policy.observations, episodes: learnable),
            action: demonstrations.statistics(of: policy.action.field, episodes: learnable),
            demonstrations: demonstrations)
        normaliser = try Normaliser(for: policy, observation: review.observation, action: review.action)
        try review.checkClip(normaliser)
        warnings =
            try (short.isEmpty ? [] : [Self.warning(of: short, among: episodes, policy)])
            + review.warnings(actions: demonstrations.rows(of: actions, in: learnable))
        normaliser.observation.applyToRelative(&observations)
        normaliser.action.applyToRelative(&actions)
        self.observations = observations
        self.actions = actions
        layout = BatchLayout(model, masksPadding: !training.lossOnPadding)

        let split = try EpisodeSplit(
            episodeCount: learnable.count, validationRatio: training.validationRatio,
            maximumTrainingEpisodes: training.maximumEpisodes,
            key: RandomKey(seed: training.seed).folding("split"))
        guard training.validationRatio == 0 || !split.validation.isEmpty else {
            throw TrainingError.wrongData(
                key: "training.validation_ratio",
                expected: "two episodes or more that are long enough, so that the validation side has one",
                found: "\(learnable.count) of \(episodes.count), which is trained on; the validation side is empty")
        }
        func windows(_ side: [Int]) throws -> SequenceSampler {
            try SequenceSampler(demonstrations, horizon: policy.horizon, episodes: side.map { learnable[$0] })
        }
        let trained = split.training.map { episodes[learnable[$0]].count }
        learnedFrom =
            trained.count == episodes.count
            ? nil
            : """
            \(trained.count) of \(episodes.count) episodes, \(trained.reduce(0, +)) of \(demonstrations.frameCount) frames; \
            \(split.validation.count) held out, \(short.count) too short
            """
        self.training = try windows(split.training)
        validation = split.validation.isEmpty ? nil : try windows(split.validation)
    }

    /// Which images were drawn, and from what; nil when all were recorded.
    var drawnImages: String? {
        let drawn = images.compactMap { image in image.recorded.drawnFrom.map { "\(image.name) from the field \($0)" } }
        return drawn.isEmpty ? nil : drawn.joined(separator: ", ")
    }

    /// Writes one window of normalised numbers to its place in a batch.
    /// - Parameter augmentation: random changes of the images; the middles as they are by default.
    func fill(
        _ batch: Batch, item: Int, from windows: SequenceSampler, window: Int, augmentation: Augmentation? = nil
    ) {
        func copy(_ source: [Float], width: Int, rows: Int, to target: inout [Float]) {
            source.withUnsafeBufferPointer { source in
                target.withUnsafeMutableBufferPointer { target in
                    for row in 0..<rows {
                        let from = windows.frame(window: window, step: row) * width
                        let to = (item * rows + row) * width
                        _ = target[to..<to + width].update(fromContentsOf: source[from..<from + width])
                    }
                }
            }
        }
        copy(observations, width: layout.observationDimension, rows: layout.observationRows, to: &batch.observations)
        copy(actions, width: layout.actionDimension, rows: layout.actionRows, to: &batch.actions)
        if layout.masksPadding {
            for step in 0..<layout.actionRows {
                batch.inEpisode[item * layout.actionRows + step] =
                    windows.isInEpisode(window: window, step: step) ? 1 : 0
            }
        }
        for (camera, recording) in images.enumerated() {
            let key = augmentation?.key.folding(recording.name)
            let rows = layout.images[camera].count / recording.count
            batch.images[camera].values.withUnsafeMutableBufferPointer { values in
                for row in 0..<rows {
                    let start = (item * rows + row) * recording.count
                    recording.write(
                        windows.frame(window: window, step: row), key: key?.folding(row), jitter: augmentation?.jitter,
                        to: UnsafeMutableBufferPointer(rebasing: values[start..<start + recording.count]))
                }
            }
        }
    }

    /// The images of a window's observations as they were recorded, by the cameras' names.
    func recordedImages(from windows: SequenceSampler, window: Int) -> [String: [RGBImage]] {
        let rows = 0..<windows.horizon.observation
        return Dictionary(
            uniqueKeysWithValues: images.map { camera in
                (camera.name, rows.map { camera.recorded[windows.frame(window: window, step: $0)] })
            })
    }

    private static func fingerprint(
        _ observations: [Float], _ actions: [Float], _ origins: [[Double]], _ images: [RecordedImages],
        of demonstrations: ReplayBuffer, episodes: [Int]
    ) throws -> String {
        var hash = FNV1a()
        var frames = 0
        for episode in episodes {
            frames += demonstrations.episodes[episode].count
            hash.combine(UInt64(frames))
        }
        hash.combine(try demonstrations.rows(of: observations, in: episodes))
        hash.combine(try demonstrations.rows(of: actions, in: episodes))
        for origin in origins.joined() where origin != 0 { hash.combine(origin.bitPattern) }
        for camera in images { hash.combine(bytes: try demonstrations.rows(of: camera.pixels, in: episodes)) }
        return "\(episodes.count) episodes of \(frames) frames, hash \(hash.hexadecimal)"
    }

    /// How many episodes are too short, and the longest prediction that would take all of them.
    private static func warning(
        of short: [Range<Int>], among episodes: [Range<Int>], _ policy: PolicyConfiguration
    ) -> String {
        let horizon = policy.horizon
        let shortest = short.map(\.count).min() ?? 1
        let longest = horizon.longestPrediction(inEpisodeOf: shortest)
        let fitting = (horizon.executed.upperBound...longest).last { prediction in
            var other = policy
            other.horizon.prediction = prediction
            return (try? other.validate()) != nil
        }
        let hint =
            fitting.map { "policy.horizon.prediction=\($0) would take all of them" }
            ?? "no prediction horizon that suits the network would take all of them"
        return """
            \(short.count) of \(episodes.count) episodes, \(short.reduce(0) { $0 + $1.count }) of \(episodes.last?.upperBound ?? 0) \
            frames, are too short to learn from: horizons \(horizon.observation)/\(horizon.prediction)/\(horizon.action) \
            (observation/prediction/action) need episodes of \(horizon.shortestEpisode) frames, and the shortest has \(shortest); \
            \(hint)
            """
    }
}

extension BatchLayout {
    init(_ model: DiffusionModel, masksPadding: Bool) {
        self.init(
            observationRows: model.trainingObservations, actionRows: model.configuration.horizon.prediction,
            observationDimension: model.observationDimension, actionDimension: model.configuration.action.dimension,
            sampleDimension: model.sampleDimension, masksPadding: masksPadding,
            images: model.imageInputs(batch: 1).map { Images(input: $0.name, count: $0.shape.count) })
    }
}
