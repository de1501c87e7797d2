import Demonstrations
import Evaluation
import Foundation
import Policies
import PolicyInterface
import PushT
import TensorFiles

/// Push-T as a task to judge policies in.
enum PushTTask {
    /// The seeds that only final judgements use, as in the paper: neither training nor recording may touch them.
    static let testSeeds: Range<UInt64> = 100_000..<100_050

    /// The name of the camera's images, in demonstrations and observations.
    private static let camera = "img"

    /// An evaluator of policies in Push-T.
    /// - Parameter policy: decides whether images are drawn, which takes time; by default they are not.
    /// - Throws: `InvalidSetting` when a setting is out of its range.
    static func evaluator(
        _ configuration: EvaluationConfiguration, of policy: PolicyConfiguration? = nil
    ) throws -> Evaluator { try evaluator(configuration, seeing: policy?.observations) }

    /// An evaluator in Push-T of policies that observe something.
    /// - Throws: `InvalidSetting` when a setting is out of its range.
    static func evaluator(
        _ configuration: EvaluationConfiguration, seeing observations: ObservationSchema?
    ) throws -> Evaluator {
        try configuration.validate()
        let definition = definition(showing: observations)
        return Evaluator(configuration: configuration) { PushTEnvironment(seed: $0, definition: definition) }
    }

    /// The task, with images where a policy looks at them.
    static func definition(showing observations: ObservationSchema?) -> PushTDefinition {
        var definition = PushTDefinition()
        definition.observesImage = observations?.images.isEmpty == false
        return definition
    }

    /// The demonstrations that a policy learns from, with the images that it looks at.
    ///
    /// Where Push-T's demonstrations have no images, they are drawn from the recorded states, as the simulator draws them when the policy acts.
    /// - Throws: as reading them does, or `ObservationError` when there is an image neither in the demonstrations nor to be drawn.
    static func demonstrations(at url: URL, for policy: PolicyConfiguration) throws -> ReplayBuffer {
        try drawingImages(for: policy, in: recording(at: url, for: policy))
    }

    /// The demonstrations with those images of a policy that were recorded.
    static func recording(at url: URL, for policy: PolicyConfiguration) throws -> ReplayBuffer {
        var observed = policy.observations
        let recorded = observed.images.isEmpty ? [] : try ZarrGroup(contentsOf: url).arrayNames(in: "data")
        if observed.images.contains(where: { $0.name == camera }), !recorded.contains(camera),
            recorded.contains("state")
        {
            observed.images.removeAll { $0.name == camera }
            observed.fields.append(FieldSelection("state"))
        }
        return try ReplayBuffer(
            contentsOf: url, observing: observed, action: policy.action.field, logger: .messages)
    }

    /// The demonstrations with the camera's images, drawn where a policy looks at them and they were not recorded.
    static func drawingImages(for policy: PolicyConfiguration, in buffer: ReplayBuffer) throws -> ReplayBuffer {
        guard policy.observations.images.contains(where: { $0.name == camera }), buffer.images[camera] == nil,
            buffer.widths["state"] == 5
        else { return buffer }
        return try buffer.rendering(camera, size: PushTEnvironment.observationImageSize, from: "state") {
            try PushTEnvironment.observationImage(ofState: $0)
        }
    }

    /// Checks that a policy sees what Push-T shows and commands what it executes.
    /// - Throws: `ObservationError` or `CommandError`, naming what is missing.
    static func check(_ configuration: PolicyConfiguration) throws {
        try check(configuration.observations, actionDimension: configuration.action.dimension)
    }

    /// Checks that Push-T shows what is observed and executes what is commanded.
    /// - Throws: `ObservationError` or `CommandError`, naming what is missing.
    static func check(_ observations: ObservationSchema, actionDimension: Int) throws {
        let seen = PushTEnvironment(seed: 0, definition: definition(showing: observations)).observation
        _ = try observations.vector(from: seen)
        _ = try observations.images(from: seen)
        guard actionDimension == 2 else {
            throw CommandError(
                place: "policy.action.dimension", expected: "2 numbers, a point in Push-T's world",
                found: "\(actionDimension)")
        }
    }

    /// Whether a policy can act in Push-T: it sees what the simulator shows, and its actions are points of its world.
    static func fits(_ configuration: PolicyConfiguration) -> Bool {
        guard (try? check(configuration)) != nil else { return false }
        guard let limits = configuration.action.limits else { return true }
        return limits.lower.allSatisfy { $0 >= 0 } && limits.upper.allSatisfy { $0 <= 512 }
    }
}
