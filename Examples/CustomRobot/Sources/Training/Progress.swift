import DiffusionPolicyKit
import Observation

/// The progress of a training for a user interface: this package's own names and macros work next to the library's.
@Observable
public final class Progress {
    /// The latest loss.
    public private(set) var loss: Double?

    /// Creates a progress without a loss.
    public init() {}

    /// Takes the loss from a training step.
    public func update(with report: StepReport) { loss = report.loss }
}
