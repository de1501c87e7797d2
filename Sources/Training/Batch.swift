/// Normalised windows of demonstrations with the noise that diffuses them: the inputs of one update.
///
/// Letters in shapes: `B` the batch, `n` the noise samples of a window, `Tp` the prediction horizon, `D` and `A` the components of an observation and an action, `C` those of
/// what is denoised (see `DiffusionModel`).
public final class Batch: @unchecked Sendable {
    // One thread fills a batch, then hands it over through a lock; see BatchQueue.

    /// The number of the update that the batch is for, from 0.
    public internal(set) var update = 0
    /// The epoch of its first window, from 0.
    public internal(set) var epoch = 0
    /// Observations `[B, trainingObservations, D]`.
    public internal(set) var observations: [Float]
    /// What the network sees of each camera's images, `[B, To, height, width, 3]`, by the input's name.
    public internal(set) var images: [(input: String, values: [Float])]
    /// Actions `[B, Tp, A]`.
    public internal(set) var actions: [Float]
    /// 1 for each step that lies in its episode, 0 for others, `[B, Tp]`; empty when all steps count in the loss.
    public internal(set) var inEpisode: [Float]
    /// Noise `[n · B, Tp, C]` from the standard normal distribution.
    public internal(set) var noise: [Float]
    /// Steps of the diffusion `[n · B]`, whole numbers.
    public internal(set) var steps: [Float]

    /// How many windows it holds.
    public let count: Int
    /// How often each window is diffused, the `n` of shapes.
    public let noiseSamples: Int

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

/// How many numbers one window has of each kind.
struct BatchLayout: Sendable, Equatable {
    /// The images of one camera.
    struct Images: Sendable, Equatable {
        /// The graph's input.
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
    /// Whether steps outside of episodes are left out of the loss.
    var masksPadding: Bool
    /// The cameras, in order.
    var images: [Images]

    var observationCount: Int { observationRows * observationDimension }
    var actionCount: Int { actionRows * actionDimension }
    var noiseCount: Int { actionRows * sampleDimension }
}
