import Foundation
import NoiseSchedules
import PolicyInterface

/// What a policy is, for people and programs.
public struct PolicyDescription: Codable, Sendable, Equatable {
    /// The raw values of a component that the network sees as −1 and 1.
    public struct Range: Codable, Sendable, Equatable {
        /// The field, and the number in it: `state[0]`.
        public var component: String
        /// What becomes −1.
        public var lower: Double
        /// What becomes 1.
        public var upper: Double
    }

    /// How many numbers the network learnt.
    public var parameterCount: Int
    /// Raw observations, `[To, D]`.
    public var observation: [Int]
    /// Cameras' images by their names, `[To, height, width, 3]`; absent for a policy without images.
    public var images: [String: [Int]]?
    /// Raw predicted actions, `[Tp, A]`.
    public var actionPrediction: [Int]
    /// Raw executed actions, `[Ta, A]`.
    public var action: [Int]
    /// The ranges of the normaliser, those of the observations first.
    public var ranges: [Range]
    /// What the policy sees, commands and computes.
    public var policy: PolicyConfiguration
    /// The task that it was trained for, if it names one.
    public var task: PolicyTask?
    /// Where the policy came from.
    public var origin: [String: String]

    private enum CodingKeys: String, CodingKey {
        case parameterCount = "parameters"
        case observation
        case images
        case actionPrediction = "action_prediction"
        case action
        case ranges
        case policy
        case task
        case origin
    }

    /// The description of what `policy.json` says.
    public init(of document: PolicyDocument) {
        let configuration = document.configuration
        parameterCount = document.shapes.parameters.values.reduce(0) { $0 + $1.reduce(1, *) }
        observation = document.shapes.observation
        images = document.shapes.images
        actionPrediction = document.shapes.action
        action = [configuration.horizon.action, configuration.action.dimension]
        ranges =
            document.normaliser.observation.ranges(named: configuration.observations.componentNames)
            + document.normaliser.action.ranges(named: configuration.action.componentNames)
        policy = configuration
        task = document.task
        origin = document.origin
    }
}

extension ComponentwiseMap {
    fileprivate func ranges(named names: [String]) -> [PolicyDescription.Range] {
        var (lower, upper) = ([Float](repeating: -1, count: dimension), [Float](repeating: 1, count: dimension))
        invertToRelative(&lower)
        invertToRelative(&upper)
        // Through its text, a number of single precision keeps the digits that it has.
        func raw(_ value: Float, _ origin: Double) -> Double {
            origin == 0 ? Double("\(value)") ?? Double(value) : Double(value) + origin
        }
        return names.indices.map { index in
            PolicyDescription.Range(
                component: names[index], lower: raw(lower[index], origin[index]),
                upper: raw(upper[index], origin[index]))
        }
    }
}

extension PolicyDescription: CustomStringConvertible {
    /// The same for people, a few lines and a table of ranges.
    public var description: String {
        var lines = [
            "parameters   \(parameterCount)",
            "observation  \(observation) from \(policy.observations.fields.map(\.name).joined(separator: ", "))",
            "prediction   \(actionPrediction) of \(policy.action.field), of which \(action[0]) are executed",
            "network      \(policy.denoiser.summary), conditioning \(policy.conditioning)",
            "diffusion    \(policy.diffusion.steps) steps, sampled by \(policy.sampler.summary(trainingSteps: policy.diffusion.steps))",
        ]
        if let schedule = try? policy.diffusion.schedule(), let remark = try? policy.sampler.remark(on: schedule) {
            lines.append("warning      \(remark)")
        }
        lines += policy.observations.images.map { image in
            "image        \(image.name) \(image.size?.description ?? "")"
                + (image.resize.map { ", resized to \($0)" } ?? "")
                + (image.crop.map { ", its middle \($0) seen" } ?? "")
        }
        if let limits = policy.action.limits { lines.append("limits       \(limits.lower) … \(limits.upper)") }
        if let task { lines.append("task         \(task.rawValue)") }
        for key in origin.keys.sorted() { lines.append("\(key): \(origin[key] ?? "")") }
        lines += ["", "what the network sees as −1 … 1:"]
        let width = ranges.map(\.component.count).max() ?? 0
        for range in ranges {
            let name = range.component.padding(toLength: width, withPad: " ", startingAt: 0)
            let digits = max(abs(range.lower), abs(range.upper)) > 64 * (range.upper - range.lower) ? "%.12g" : "%.4g"
            let ends = String(format: "\(digits) … \(digits)", range.lower, range.upper)
            lines.append("  \(name)  \(range.lower == range.upper ? "\(range.lower), constant" : ends)")
        }
        return lines.joined(separator: "\n")
    }
}
