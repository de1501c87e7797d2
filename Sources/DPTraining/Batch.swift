/// Normalized windows of demonstrations with the noise that diffuses them: the inputs of one update.
///
/// Letters in shapes: `B` is the batch size, `n` the number of noise samples per window, `Tp` the prediction
/// horizon, `D` and `A` the sizes of an observation and an action, `C` the number of denoised components (see
/// `DiffusionModel`).
///
/// ```swift
/// for batch in trainer.batches(count: 100) {
///     let start = ContinuousClock.now
///     let loss = try trainer.step(batch).loss
///     print("loss", loss, "in", ContinuousClock.now - start)
/// }
/// ```
public final class Batch: @unchecked Sendable {
    // One thread fills a batch, then passes it on under a lock; see `BatchQueue`.

    /// The number of the update, from 0.
    package internal(set) var update = 0
    /// The epoch of its first window, from 0.
    package internal(set) var epoch = 0
    /// Observations `[B, trainingObservations, D]`.
    package internal(set) var observations: [Float]
    /// The network's input for each camera, `[B, To, height, width, 3]`, by input name.
    package internal(set) var images: [(input: String, values: [Float])]
    /// Actions `[B, Tp, A]`.
    package internal(set) var actions: [Float]
    /// 1 for each step inside its episode, 0 for others, `[B, Tp]`; empty when all steps count in the loss.
    package internal(set) var inEpisode: [Float]
    /// Noise `[n · B, Tp, C]` from the standard normal distribution.
    package internal(set) var noise: [Float]
    /// Diffusion steps `[n · B]`, integers.
    package internal(set) var steps: [Float]

    /// The number of windows.
    package let count: Int
    /// The number of noise samples per window, the `n` in shapes.
    package let noiseSamples: Int

    init(count: Int, layout: BatchLayout, noiseSamples: Int = 1) {
        self.count = count
        self.noiseSamples = noiseSamples
        observations = [Float](repeating: 0, count: count * layout.observationCount)
        images = layout.images.map { ($0.input, [Float](repeating: 0, count: count * $0.count)) }
        actions = [Float](repeating: 0, count: count * layout.actionCount)
        inEpisode = [Float](repeating: 0, count: layout.masksPadding ? count * layout.actionRows : 0)
        noise = [Float](repeating: 0, count: noiseSamples * count * layout.noiseCount)
        steps = [Float](repeating: 0, count: noiseSamples * count)
    }
}

/// The sizes of one window's data.
struct BatchLayout: Sendable, Equatable {
    /// The images of one camera.
    struct Images: Sendable, Equatable {
        /// The name of the graph's input.
        var input: String
        /// `To · height · width · 3`.
        var count: Int
    }

    /// Rows of observations, `trainingObservations`.
    var observationRows: Int
    /// Rows of actions, `Tp`.
    var actionRows: Int
    /// `D`.
    var observationDimension: Int
    /// `A`.
    var actionDimension: Int
    /// `C`.
    var sampleDimension: Int
    /// Whether steps outside their episode are excluded from the loss.
    var masksPadding: Bool
    /// The cameras, in order.
    var images: [Images]

    var observationCount: Int { observationRows * observationDimension }
    var actionCount: Int { actionRows * actionDimension }
    var noiseCount: Int { actionRows * sampleDimension }
}
