import Foundation

/// What is known of one update: a line of `metrics.jsonl`.
///
/// All but `samples_per_second` and `elapsed_seconds`, which are measured by the clock, is the same in every run of the same recipe.
public struct MetricsRow: Codable, Sendable, Equatable {
    /// Updates made, this one included: 1 in the first line.
    public var step: Int
    /// The epoch that the batch began in, from 0.
    public var epoch: Int
    /// The mean squared error over the batch, before the update.
    public var loss: Double
    /// The learning rate of the update.
    public var learningRate: Double
    /// The norm of all gradients, before clipping.
    public var gradientNorm: Double
    /// Windows a second, this update alone.
    public var samplesPerSecond: Double
    /// Time spent in training so far, stops left out.
    public var elapsedSeconds: Double
    /// The loss on held-out episodes after the update, where it was measured.
    public var validationLoss: Double?
    /// The mean squared error of sampled actions on windows that were trained on, in normalised units, where it was measured.
    public var actionMSE: Double?
    /// The mean score of rollouts, where there were any.
    public var score: Double?
    /// The share of rollouts that succeeded, where there were any.
    public var successRate: Double?

    private enum CodingKeys: String, CodingKey {
        case step
        case epoch
        case loss
        case learningRate = "learning_rate"
        case gradientNorm = "gradient_norm"
        case samplesPerSecond = "samples_per_second"
        case elapsedSeconds = "elapsed_seconds"
        case validationLoss = "validation_loss"
        case actionMSE = "action_mse"
        case score
        case successRate = "success_rate"
    }

    /// A line for an update.
    public init(_ report: StepReport, samplesPerSecond: Double, elapsedSeconds: Double) {
        step = report.step
        epoch = report.epoch
        loss = report.loss
        learningRate = report.learningRate
        gradientNorm = report.gradientNorm
        self.samplesPerSecond = samplesPerSecond
        self.elapsedSeconds = elapsedSeconds
    }
}
