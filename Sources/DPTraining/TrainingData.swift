import DPBase
import DPDatasets
import DPGraph
import DPInterface
import DPPolicy

/// A dataset prepared for training: normalized once, with windows for training and for validation.
struct TrainingData: Sendable {
    let normalizer: Normalizer
    let training: SequenceSampler
    /// Nil when no episodes are held out.
    let validation: SequenceSampler?
    /// Identifies the dataset: episodes, frames and a hash of every number that training reads.
    let fingerprint: String
    /// The episodes used for training; nil if all are used.
    let learnedFrom: String?
    /// Warnings about the dataset, one sentence each.
    let warnings: [String]
    /// All frames, `[frames, D]`.
    private let observations: [Float]
    /// All frames, `[frames, A]`.
    private let actions: [Float]
    /// The camera images, in the order of the policy's images.
    private let images: [TrainingImages]
    private let layout: BatchLayout

    /// Random changes to the images of one sample.
    struct Augmentation {
        /// The random key of the sample.
        let key: RandomKey
        let jitter: ColorJitter?
    }

    /// - Parameter model: the model of the recipe's policy, with its features resolved against the dataset.
    /// - Throws: `InputError` or `TrainingError` when the dataset does not fit, or a side of
    ///   its split is empty.
    init(_ demonstrations: InMemoryDataset, model: DiffusionModel, training: TrainingConfiguration) throws {
        let policy = model.configuration
        let episodes = demonstrations.episodes
        let learnable = episodes.indices.filter { episodes[$0].count >= policy.horizon.shortestEpisode }
        // This throws an error with the needed horizon.
        if learnable.isEmpty { _ = try SequenceSampler(demonstrations, horizon: policy.horizon) }
        let short = episodes.filter { $0.count < policy.horizon.shortestEpisode }
        var observations = try demonstrations.observations(policy.observations)
        var actions = try demonstrations.feature(policy.action.feature).values
        // Normalization changes both arrays, which copies them.
        try AvailableMemory.check(observations.count + actions.count, of: Float.self)
        images = try policy.observations.images.map { try TrainingImages($0, of: demonstrations) }
        let origins = try [
            demonstrations.origin(of: policy.observations), demonstrations.feature(policy.action.feature).origin,
        ]
        fingerprint = try Self.fingerprint(
            observations, actions, origins, images.map(\.recorded), of: demonstrations, episodes: learnable)
        // Fit to held-out episodes too, as the reference does: their values must not leave the range.
        let review = try DataReview(
            policy: policy, observation: demonstrations.statistics(of: policy.observations, episodes: learnable),
            action: demonstrations.statistics(of: policy.action.feature, episodes: learnable),
            demonstrations: demonstrations)
        normalizer = try Normalizer(for: policy, observation: review.observation, action: review.action)
        try review.checkClip(normalizer)
        warnings =
            try (short.isEmpty ? [] : [Self.warning(of: short, among: episodes, policy)])
            + review.warnings(actions: demonstrations.rows(of: actions, in: learnable))
        normalizer.observation.applyToRelative(&observations)
        normalizer.action.applyToRelative(&actions)
        self.observations = observations
        self.actions = actions
        layout = BatchLayout(model, masksPadding: !training.lossOnPadding)

        let split = try EpisodeSplit(
            episodeCount: learnable.count, validationRatio: training.validationRatio,
            maximumTrainingEpisodes: training.maxTrainEpisodes,
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

    /// The images that were rendered, with their source features; nil when all were recorded.
    var drawnImages: String? {
        let drawn = images.compactMap { image in image.recorded.drawnFrom.map { "\(image.name) from the feature \($0)" }
        }
        return drawn.isEmpty ? nil : drawn.joined(separator: ", ")
    }

    /// Writes one window of normalized numbers to its position in a batch.
    /// - Parameter augmentation: random changes of the images; by default the unchanged center crops.
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

    /// Returns the recorded images of a window's observations, by camera name.
    func recordedImages(from windows: SequenceSampler, window: Int) -> [String: [RGBImage]] {
        let rows = 0..<windows.horizon.observation
        return Dictionary(
            uniqueKeysWithValues: images.map { camera in
                (camera.name, rows.map { camera.recorded[windows.frame(window: window, step: $0)] })
            })
    }

    private static func fingerprint(
        _ observations: [Float], _ actions: [Float], _ origins: [[Double]], _ images: [RecordedImages],
        of demonstrations: InMemoryDataset, episodes: [Int]
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

    /// Returns a warning with the number of episodes that are too short and the longest prediction horizon that
    /// fits all of them.
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
            fitting.map { "policy.horizon.prediction=\($0) would include all of them" }
            ?? "no prediction horizon that suits the network would include all of them"
        return """
            \(short.count) of \(episodes.count) episodes, \(short.reduce(0) { $0 + $1.count }) of \(episodes.last?.upperBound ?? 0) \
            frames, are too short for training: horizons \(horizon.observation)/\(horizon.prediction)/\(horizon.action) \
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
