/// Normalised windows of demonstrations with the noise that diffuses them: the inputs of one update.
///
/// Letters in shapes: `B` the batch, `Tp` the prediction horizon, `D` and `A` the components of an observation and an action, `C` those of
/// what is denoised (see `DiffusionModel`).
public final class Batch: @unchecked Sendable {
    // One thread fills a batch, then hands it over through a lock; see BatchQueue.

    /// The number of the update that the batch is for, from 0.
    public internal(set) var update = 0
    /// The epoch of its first window, from 0.
    public internal(set) var epoch = 0
    /// Observations `[B, trainingObservations, D]`.
    public internal(set) var observations: [Float]
    /// Actions `[B, Tp, A]`.
    public internal(set) var actions: [Float]
    /// Noise `[B, Tp, C]` from the standard normal distribution.
    public internal(set) var noise: [Float]
    /// Steps of the diffusion `[B]`, whole numbers.
    public internal(set) var steps: [Float]

    init(count: Int, layout: BatchLayout) {
        observations = [Float](repeating: 0, count: count * layout.observationCount)
        actions = [Float](repeating: 0, count: count * layout.actionCount)
        noise = [Float](repeating: 0, count: count * layout.noiseCount)
        steps = [Float](repeating: 0, count: count)
    }

    /// How many windows it holds.
    public var count: Int { steps.count }
}

/// How many numbers one window has of each kind.
struct BatchLayout: Sendable, Equatable {
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

    var observationCount: Int { observationRows * observationDimension }
    var actionCount: Int { actionRows * actionDimension }
    var noiseCount: Int { actionRows * sampleDimension }
}
