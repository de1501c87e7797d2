import DPInterface
import Foundation

/// A description of a policy for humans and programs.
package struct PolicyDescription: Codable, Sendable, Equatable {
    /// The raw values of a component that are normalized to −1 and 1.
    package struct Range: Codable, Sendable, Equatable {
        /// The feature and the index of the component: `state[0]`.
        package var component: String
        /// The raw value that is normalized to −1.
        package var lower: Double
        /// The raw value that is normalized to 1.
        package var upper: Double
    }

    /// Number of parameters of the network.
    package var parameterCount: Int
    /// Raw observations, `[To, D]`.
    package var observation: [Int]
    /// Camera images by name, `[To, height, width, 3]`; absent for a policy without images.
    package var images: [String: [Int]]?
    /// Raw predicted actions, `[Tp, A]`.
    package var actionPrediction: [Int]
    /// Raw executed actions, `[Ta, A]`.
    package var action: [Int]
    /// The ranges of the normalizer, those of the observations first.
    package var ranges: [Range]
    /// The configuration of the policy.
    package var policy: PolicyConfiguration
    /// The task that the policy was trained for, if it names one.
    package var task: PolicyTask?
    /// Where the policy came from.
    package var origin: [String: String]

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

    /// Creates the description of a policy document.
    package init(of document: PolicyDocument) {
        let configuration = document.configuration
        parameterCount = document.shapes.parameters.values.reduce(0) { $0 + $1.reduce(1, *) }
        observation = document.shapes.observation
        images = document.shapes.images
        actionPrediction = document.shapes.action
        action = [configuration.horizon.action, configuration.action.dimension]
        ranges =
            document.normalizer.observation.ranges(named: configuration.observations.componentNames)
            + document.normalizer.action.ranges(named: configuration.action.componentNames)
        policy = configuration
        task = document.task
        origin = document.origin
    }
}

extension ElementwiseAffine {
    fileprivate func ranges(named names: [String]) -> [PolicyDescription.Range] {
        var (lower, upper) = ([Float](repeating: -1, count: dimension), [Float](repeating: 1, count: dimension))
        invertToRelative(&lower)
        invertToRelative(&upper)
        // Converting through text keeps the decimal digits of a single-precision number.
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
    /// A human-readable description: a few lines and a table of ranges.
    package var description: String {
        var lines = [
            "parameters   \(parameterCount)",
            "observation  \(observation) from \(policy.observations.features.map(\.name).joined(separator: ", "))",
            "prediction   \(actionPrediction) of \(policy.action.feature), of which \(action[0]) are executed",
            "network      \(policy.denoiser.summary), conditioning \(policy.conditioning)",
            "diffusion    \(policy.diffusion.steps) steps, sampled by \(policy.sampler.summary(trainingSteps: policy.diffusion.steps))",
        ]
        if let schedule = try? policy.diffusion.schedule(), let remark = try? policy.sampler.remark(on: schedule) {
            lines.append("warning      \(remark)")
        }
        lines += policy.observations.images.map { image in
            "image        \(image.name) \(image.size?.description ?? "")"
                + (image.resize.map { ", resized to \($0)" } ?? "")
                + (image.crop.map { ", center-cropped to \($0)" } ?? "")
        }
        if let limits = policy.action.limits { lines.append("limits       \(limits.lower) … \(limits.upper)") }
        if let task { lines.append("task         \(task.rawValue)") }
        for key in origin.keys.sorted() { lines.append("\(key): \(origin[key] ?? "")") }
        lines += ["", "raw values that are normalized to −1 … 1:"]
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
