import ArgumentParser
import DPBase
import DPInterface
import DPPolicy
import Foundation

/// Predicts actions for one batch of observations.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Predict actions for a batch of observations in a safetensors file.",
        discussion: """
            The input file holds observation [B,To,D], or one tensor observation.NAME [B,To,d] per feature, in raw \
            units; image.NAME [B,To,height,width,3] (uint8) per camera; and optionally noise [B,Tp,A], the \
            normalized initial noise, which is sampled if absent. The output file holds action [B,Ta,A], the actions \
            to execute, and action_prediction [B,Tp,A], all predicted actions, in raw units. Observations may have \
            any numeric type. Actions are float32, or float64 if the demonstrated actions exceed single precision.

            Example:
              dpolicy predict --policy runs/demo/policy --input in.safetensors \\
                --output out.safetensors --sampler ddim --steps 10
            """)

    @Option(help: ArgumentHelp("Policy folder.", valueName: "dir"))
    var policy: String

    @Option(help: ArgumentHelp("Safetensors file with the observations.", valueName: "file"))
    var input: String

    @Option(help: ArgumentHelp("Safetensors file to write the actions to.", valueName: "file"))
    var output: String

    @OptionGroup var sampler: SamplerOptions

    @Option(parsing: .unconditional, help: "Seed of the initial noise and of the sampler.")
    var seed: UInt64 = 0

    @Flag(help: "Also write the image encoders' output, features [B,To,F].")
    var features = false

    @Flag(help: "Reject observations far outside the training data instead of warning.")
    var strict = false

    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    /// The output of `--json`.
    private struct Summary: Encodable {
        let output: String
        let action: [Int]
        let actionPrediction: [Int]
        let clampedActions: Int
        let outOfRangeObservations: Int

        enum CodingKeys: String, CodingKey {
            case output
            case action
            case actionPrediction = "action_prediction"
            case clampedActions = "clamped_actions"
            case outOfRangeObservations = "out_of_range_observations"
        }
    }

    func run() throws {
        try OutputPath.check(file: output)
        let policy = try NamedPolicy(at: policy).load(
            sampler, machine: computing.machine(global, weights: acting.weights))
        let batch = try PredictionInput(contentsOf: URL(fileURLWithPath: input), for: policy.model)
        let outOfRange = outOfRangeNumbers(in: batch.doubles, for: policy)
        if let first = outOfRange.first, strict {
            throw InputError(
                at: "\(input), \(first.feature)[\(first.component)]",
                expected: "about \(first.lower) … \(first.upper), as in the demonstrations", found: "\(first.value)",
                hint: "compare units and order with the demonstrations, or omit --strict to predict anyway")
        }
        let key = RandomKey(seed: seed)
        let predictions = try policy.predict(
            doubles: batch.doubles, images: batch.images, noise: batch.noise,
            keys: (0..<batch.count).map { key.folding($0) })
        var answer = PredictionOutput(
            predictions, of: policy.configuration, isDouble: policy.normalizer.action.hasOrigin)
        if features {
            guard !batch.images.isEmpty else {
                throw InputError(
                    at: "--features", expected: "a policy that observes images", found: "a policy without cameras")
            }
            answer.features = try policy.features(of: batch.images)
        }
        try answer.write(to: URL(fileURLWithPath: output))

        let (horizon, dimension) = (policy.horizon, policy.configuration.action.dimension)
        let summary = Summary(
            output: output, action: [answer.count, horizon.action, dimension],
            actionPrediction: [answer.count, horizon.prediction, dimension], clampedActions: policy.clampedActions,
            outOfRangeObservations: outOfRange.count)
        if let first = outOfRange.first {
            StandardError.write(
                """
                dpolicy: warning: \(outOfRange.count) of \(answer.count * horizon.observation) observations lie far \
                outside the training data: \(first)

                """)
        }
        if policy.clampedActions > 0 {
            StandardError.write(
                """
                dpolicy: warning: \(policy.clampedActions) of \(answer.count * horizon.prediction) predicted actions \
                were clamped to the policy's limits

                """)
        }
        if global.json {
            try StandardOutput.write(json: summary)
        } else {
            StandardError.write("\(output): action \(summary.action), action_prediction \(summary.actionPrediction)\n")
        }
    }

    /// Returns one out-of-range value for each observation far outside the training data.
    private func outOfRangeNumbers(in observations: [Double], for policy: DiffusionPolicy) -> [OutOfRangeValue] {
        let (ranges, dimension) = (policy.demonstratedRanges, policy.model.observationDimension)
        guard dimension > 0 else { return [] }
        return stride(from: 0, to: observations.count, by: dimension).compactMap {
            ranges.outOfRangeValue(in: observations[$0..<$0 + dimension])
        }
    }
}
