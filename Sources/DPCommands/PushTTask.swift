import DPBase
import DPDatasets
import DPEvaluation
import DPInterface
import DPPolicy
import DPPushT
import Foundation
import Logging

/// Push-T as an evaluation task.
enum PushTTask {
    /// The name of the camera in datasets and observations.
    private static let camera = "img"

    /// Returns an evaluator in Push-T.
    /// - Parameter policy: images are rendered, which takes time, only if this policy observes them.
    /// - Throws: `InputError` when a setting is out of its range.
    static func evaluator(
        _ configuration: EvaluationConfiguration, of policy: PolicyConfiguration? = nil
    ) throws -> Evaluator { try evaluator(configuration, seeing: policy?.observations) }

    /// Returns an evaluator in Push-T for policies with these observations.
    /// - Throws: `InputError` when a setting is out of its range.
    static func evaluator(
        _ configuration: EvaluationConfiguration, seeing observations: ObservationSchema?
    ) throws -> Evaluator {
        try configuration.validate()
        var definition = definition(showing: observations)
        if let seeding = configuration.seeding {
            guard let seeds = PushTDefinition.Seeds(rawValue: seeding) else {
                let known = PushTDefinition.Seeds.allCases.map(\.rawValue).joined(separator: ", ")
                throw InputError(key: "evaluation setting seeding", expected: "one of \(known)", found: seeding)
            }
            definition.seeds = seeds
        }
        return Evaluator(configuration: configuration) { PushTEnvironment(seed: $0, definition: definition) }
    }

    /// Returns the task definition, with images if they are observed.
    static func definition(showing observations: ObservationSchema?) -> PushTDefinition {
        var definition = PushTDefinition()
        definition.observesImage = observations?.images.isEmpty == false
        return definition
    }

    /// Reads a dataset for a policy, with the images that the policy observes.
    ///
    /// If the task is Push-T and the dataset has no images of any name, they are rendered from the recorded states,
    /// as the simulator renders them in rollouts.
    /// - Throws: an error from reading, or when an image is neither in the dataset nor can be rendered.
    static func demonstrations(
        at url: URL, for policy: PolicyConfiguration, task: PolicyTask?, logger: Logger = .messages
    ) throws -> InMemoryDataset {
        try drawingImages(for: policy, in: recording(at: url, for: policy, task: task, logger: logger))
    }

    /// Reads a dataset with the recorded images of a policy, and with the states from which missing images are
    /// rendered.
    static func recording(
        at url: URL, for policy: PolicyConfiguration, task: PolicyTask?, logger: Logger = .messages
    ) throws -> InMemoryDataset {
        var observed = policy.observations
        if try lacksImages(url, for: policy) {
            guard task == .pushT else {
                throw InputError(
                    at: url.path, expected: "images \"\(camera)\"", found: "none",
                    hint: "a recipe with task: pusht renders them from the states of Push-T")
            }
            logger.notice("\(url.path): no images; \(camera) is drawn from state, as the simulator shows it")
            observed.images.removeAll { $0.name == camera }
            observed.features.append(FeatureSelection("state"))
        }
        return try InMemoryDataset(
            contentsOf: url, observing: observed, action: policy.action.feature, logger: logger)
    }

    /// Whether a policy observes the camera of Push-T but the dataset has states and no images of any name.
    private static func lacksImages(_ url: URL, for policy: PolicyConfiguration) throws -> Bool {
        guard policy.observations.images.contains(where: { $0.name == camera }) else { return false }
        let features = try ZarrGroup(contentsOf: url).arrays(in: "data")
        let hasImages = features.contains { name, array in
            name == camera || ((try? array.get().shape.count) ?? 0) >= 4
        }
        let hasStates = features.contains { name, array in
            name == "state" && (try? array.get().rowWidth) == 5
        }
        return hasStates && !hasImages
    }

    /// Adds rendered camera images to a dataset if the policy observes them and they were not recorded.
    static func drawingImages(for policy: PolicyConfiguration, in buffer: InMemoryDataset) throws -> InMemoryDataset {
        guard policy.observations.images.contains(where: { $0.name == camera }), buffer.images[camera] == nil,
            buffer.featureSizes["state"] == 5
        else { return buffer }
        return try buffer.rendering(camera, size: PushTEnvironment.observationImageSize, from: "state") {
            try PushTEnvironment.observationImage(ofState: $0)
        }
    }

    /// Checks that the observations and actions of a policy match Push-T.
    /// - Throws: `InputError` with the mismatch.
    static func check(_ configuration: PolicyConfiguration) throws {
        try check(configuration.observations, actionDimension: configuration.action.dimension)
    }

    /// Checks that observations and an action dimension match Push-T.
    /// - Throws: `InputError` with the mismatch.
    static func check(_ observations: ObservationSchema, actionDimension: Int) throws {
        let seen = PushTEnvironment(seed: 0, definition: definition(showing: observations)).observation
        _ = try observations.vector(from: seen)
        _ = try observations.images(from: seen)
        guard actionDimension == 2 else {
            throw InputError(
                at: "policy.action.dimension", expected: "2 numbers, a target point in Push-T",
                found: "\(actionDimension)")
        }
    }

    /// Whether a policy can act in Push-T: its observations match the simulator, and its action limits lie within
    /// the workspace.
    static func fits(_ configuration: PolicyConfiguration) -> Bool {
        guard (try? check(configuration)) != nil else { return false }
        guard let limits = configuration.action.limits else { return true }
        return limits.lower.allSatisfy { $0 >= 0 } && limits.upper.allSatisfy { $0 <= 512 }
    }
}
