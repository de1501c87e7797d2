public import Foundation

/// One row of `metrics.jsonl`: what training reports now and then; what it did not measure in a row is absent.
public struct MetricsRow: Codable, Sendable, Equatable {
    /// Optimiser steps done.
    public var step: Int
    /// Passes over the demonstrations, the current one counted from 0.
    public var epoch: Int?
    /// Training loss.
    public var loss: Double?
    /// Learning rate of the last update.
    public var learningRate: Double?
    /// Length of the gradient before clipping.
    public var gradientNorm: Double?
    /// Training windows a second.
    public var samplesPerSecond: Double?
    /// Time since training began, in seconds.
    public var elapsedSeconds: Double?
    /// Loss over the validation episodes.
    public var validationLoss: Double?
    /// Mean squared error of sampled actions against the demonstrated ones.
    public var actionMSE: Double?
    /// Mean best reward of rollouts.
    public var score: Double?
    /// Share of rollouts that achieved the task.
    public var successRate: Double?

    enum CodingKeys: String, CodingKey {
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

    /// A row with nothing measured yet.
    public init(step: Int) {
        self.step = step
    }

    /// Reads the rows of a `metrics.jsonl`.
    ///
    /// Values may be null, or `"NaN"`, `"Infinity"` and `"-Infinity"`. A last line without its line feed, which a killed run leaves
    /// behind, is passed over.
    /// - Throws: `EvaluationError.unreadable`, with the line.
    public static func rows(contentsOf file: URL) throws -> [MetricsRow] {
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw EvaluationError.unreadable(file: file.path, line: nil, reason: explanation(of: error))
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        var lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        lines.removeLast()
        return try lines.enumerated().filter { !$1.isEmpty }.map { index, line in
            do {
                return try decoder.decode(MetricsRow.self, from: line)
            } catch {
                throw EvaluationError.unreadable(
                    file: file.path, line: index + 1, reason: "expected a row of metrics: \(explanation(of: error))")
            }
        }
    }
}
