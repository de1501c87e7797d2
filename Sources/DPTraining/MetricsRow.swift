import Foundation

/// The metrics of one update: a line of `metrics.jsonl`.
///
/// All values except `samples_per_second` and `elapsed_seconds`, which are measured times, are the same in every
/// run of the same recipe.
package struct MetricsRow: Codable, Sendable, Equatable {
    /// The number of updates made, including this one: 1 in the first line.
    package var step: Int
    /// The epoch of the first window of the batch, from 0.
    package var epoch: Int
    /// The mean squared error over the batch, before the update.
    package var loss: Double
    /// The learning rate of the update.
    package var learningRate: Double
    /// The norm of all gradients, before clipping.
    package var gradientNorm: Double
    /// Windows per second, for this update alone.
    package var samplesPerSecond: Double
    /// The training time so far, without interruptions.
    package var elapsedSeconds: Double
    /// The loss on held-out episodes after the update, if measured.
    package var validationLoss: Double?
    /// The mean squared error of sampled actions on training windows, in normalized units, if measured.
    package var actionMSE: Double?
    /// The mean score of rollouts, if any.
    package var score: Double?
    /// The fraction of successful rollouts, if any.
    package var successRate: Double?

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

    /// Creates the line of an update.
    package init(_ report: StepReport, samplesPerSecond: Double, elapsedSeconds: Double) {
        step = report.step
        epoch = report.epoch
        loss = report.loss
        learningRate = report.learningRate
        gradientNorm = report.gradientNorm
        self.samplesPerSecond = samplesPerSecond
        self.elapsedSeconds = elapsedSeconds
    }
}
