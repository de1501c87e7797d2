import Demonstrations
import Evaluation
import Foundation
import Logging
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
        var definition = definition(showing: observations)
        if let seeding = configuration.seeding {
            guard let seeds = PushTDefinition.Seeds(rawValue: seeding) else {
                let known = PushTDefinition.Seeds.allCases.map(\.rawValue).joined(separator: ", ")
                throw InvalidSetting(key: "evaluation setting seeding", expected: "one of \(known)", found: seeding)
            }
            definition.seeds = seeds
        }
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
    /// Where the task is Push-T and the demonstrations have no images of any name, they are drawn from the recorded states, as the simulator draws them
    /// when the policy acts.
    /// - Throws: as reading them does, when there is an image neither in the demonstrations nor to be drawn.
    static func demonstrations(
        at url: URL, for policy: PolicyConfiguration, task: PolicyTask?, logger: Logger = .messages
    ) throws -> ReplayBuffer {
        try drawingImages(for: policy, in: recording(at: url, for: policy, task: task, logger: logger))
    }

    /// The demonstrations with those images of a policy that were recorded, and with what the others are to be drawn from.
    static func recording(
        at url: URL, for policy: PolicyConfiguration, task: PolicyTask?, logger: Logger = .messages
    ) throws -> ReplayBuffer {
        var observed = policy.observations
        if try lacksImages(url, for: policy) {
            guard task == .pushT else {
                throw CommandError(
                    place: url.path, expected: "images \"\(camera)\"", found: "none",
                    hint: "only a recipe with task: pusht has them drawn from the states of Push-T")
            }
            logger.notice("\(url.path): no images; \(camera) is drawn from state, as the simulator shows it")
            observed.images.removeAll { $0.name == camera }
            observed.fields.append(FieldSelection("state"))
        }
        return try ReplayBuffer(
            contentsOf: url, observing: observed, action: policy.action.field, logger: logger)
    }

    /// Whether a policy looks at the camera of Push-T while the demonstrations hold states and no images of any name.
    private static func lacksImages(_ url: URL, for policy: PolicyConfiguration) throws -> Bool {
        guard policy.observations.images.contains(where: { $0.name == camera }) else { return false }
        let fields = try ZarrGroup(contentsOf: url).arrays(in: "data")
        let hasImages = fields.contains { name, array in
            name == camera || ((try? array.get().shape.count) ?? 0) >= 4
        }
        let hasStates = fields.contains { name, array in
            name == "state" && (try? array.get().rowWidth) == 5
        }
        return hasStates && !hasImages
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
