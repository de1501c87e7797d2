import Demonstrations
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
    /// What may surprise in these demonstrations, a line each.
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
    /// - Throws: `ObservationError`, `WindowError` or `TrainingError` when the demonstrations do not fit the policy.
    init(_ demonstrations: ReplayBuffer, model: DiffusionModel, training: TrainingConfiguration) throws {
        let policy = model.configuration
        var observations = try demonstrations.observations(policy.observations)
        var actions = try demonstrations.field(policy.action.field).values
        images = try policy.observations.images.map { try TrainingImages($0, of: demonstrations) }
        let origins = try [
            demonstrations.origin(of: policy.observations), demonstrations.field(policy.action.field).origin,
        ]
        fingerprint = Self.fingerprint(
            observations, actions, origins, images.map(\.recorded), episodeEnds: demonstrations.episodeEnds)
        // Fitted to all episodes, as the reference does: held-out ones must not leave the range.
        let review = try DataReview(
            policy: policy, observation: demonstrations.statistics(of: policy.observations),
            action: demonstrations.statistics(of: policy.action.field), episodeEnds: demonstrations.episodeEnds)
        normaliser = try Normaliser(for: policy, observation: review.observation, action: review.action)
        try review.checkClip(normaliser)
        warnings = try [review.constants].compactMap { $0 } + review.outliers + review.limitWarnings(actions)
        normaliser.observation.applyToRelative(&observations)
        normaliser.action.applyToRelative(&actions)
        self.observations = observations
        self.actions = actions
        layout = BatchLayout(model, masksPadding: !training.lossOnPadding)

        let split = try EpisodeSplit(
            episodeCount: demonstrations.episodes.count, validationRatio: training.validationRatio,
            maximumTrainingEpisodes: training.maximumEpisodes,
            key: RandomKey(seed: training.seed).folding("split"))
        func windows(_ episodes: [Int]) throws -> SequenceSampler {
            try SequenceSampler(demonstrations, horizon: policy.horizon, episodes: episodes)
        }
        self.training = try windows(split.training)
        validation = split.validation.isEmpty ? nil : try windows(split.validation)
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
        episodeEnds: [Int]
    ) -> String {
        var hash = FNV1a()
        for end in episodeEnds { hash.combine(UInt64(end)) }
        hash.combine(observations)
        hash.combine(actions)
        for origin in origins.joined() where origin != 0 { hash.combine(origin.bitPattern) }
        for camera in images { hash.combine(bytes: camera.pixels) }
        return "\(episodeEnds.count) episodes of \(episodeEnds.last ?? 0) frames, hash \(hash.hexadecimal)"
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
