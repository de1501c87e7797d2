import ArgumentParser
import Foundation
import Policies
import PolicyInterface

/// Answers one batch of observations.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Predict actions for a batch of observations, from file to file.",
        discussion: """
            The input is a safetensors file with observation [B,To,D], or one tensor observation.NAME [B,To,d] for each field, in \
            raw units; image.NAME [B,To,height,width,3], bytes, for each camera; and, if it is not to be drawn, the normalised starting \
            noise [B,Tp,A] as noise. The output holds \
            action [B,Ta,A], which is to be executed, and action_prediction [B,Tp,A], all that was predicted, in raw units. Observations \
            may be numbers of any type; actions are float32, or float64 where the demonstrated ones exceed single precision.

            Example:
              dpolicy predict --policy runs/demo/policy --input in.safetensors \\
                --output out.safetensors --sampler ddim --steps 10
            """)

    @Option(help: ArgumentHelp("Folder of the policy.", valueName: "dir"))
    var policy: String

    @Option(help: ArgumentHelp("Safetensors file with the observations.", valueName: "file"))
    var input: String

    @Option(help: ArgumentHelp("Safetensors file to write the actions to.", valueName: "file"))
    var output: String

    @OptionGroup var sampler: SamplerOptions

    @Option(parsing: .unconditional, help: "Seed of the starting noise and of the sampler.")
    var seed: UInt64 = 0

    @Flag(help: "Write also what the image encoders make of the images, features [B,To,F].")
    var features = false

    @Flag(help: "Refuse observations that lie far outside of what the policy learned from, instead of warning.")
    var strict = false

    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    /// What `--json` prints.
    private struct Summary: Encodable {
        let output: String
        let action: [Int]
        let actionPrediction: [Int]
        let clampedActions: Int
        let unfamiliarObservations: Int

        enum CodingKeys: String, CodingKey {
            case output
            case action
            case actionPrediction = "action_prediction"
            case clampedActions = "clamped_actions"
            case unfamiliarObservations = "unfamiliar_observations"
        }
    }

    func run() throws {
        try OutputPlace.check(file: output)
        let policy = try NamedPolicy(at: policy).load(
            sampler, machine: computing.machine(global, weights: acting.weights))
        let batch = try PredictionInput(contentsOf: URL(fileURLWithPath: input), for: policy.model)
        let unfamiliar = unfamiliarNumbers(in: batch.doubles, for: policy)
        if let first = unfamiliar.first, strict {
            throw CommandError(
                place: "\(input), \(first.field)[\(first.column)]",
                expected: "about \(first.lower) … \(first.upper), as in the demonstrations", found: "\(first.value)",
                hint: "compare units and order with the demonstrations; without --strict it is answered all the same")
        }
        let key = RandomKey(seed: seed)
        let predictions = try policy.predict(
            doubles: batch.doubles, images: batch.images, noise: batch.noise,
            keys: (0..<batch.count).map { key.folding($0) })
        var answer = PredictionOutput(
            predictions, of: policy.configuration, isDouble: policy.normaliser.action.hasOrigin)
        if features {
            guard !batch.images.isEmpty else {
                throw CommandError(place: "--features", expected: "a policy that sees images", found: "only numbers")
            }
            answer.features = try policy.features(of: batch.images)
        }
        try answer.write(to: URL(fileURLWithPath: output))

        let (horizon, dimension) = (policy.horizon, policy.configuration.action.dimension)
        let summary = Summary(
            output: output, action: [answer.count, horizon.action, dimension],
            actionPrediction: [answer.count, horizon.prediction, dimension], clampedActions: policy.clampedActions,
            unfamiliarObservations: unfamiliar.count)
        if let first = unfamiliar.first {
            StandardError.write(
                """
                dpolicy: warning: \(unfamiliar.count) of \(answer.count * horizon.observation) observations lie far outside of what the \
                policy learned from: \(first)

                """)
        }
        if policy.clampedActions > 0 {
            StandardError.write(
                """
                dpolicy: warning: \(policy.clampedActions) of \(answer.count * horizon.prediction) predicted actions were moved into \
                the policy's limits

                """)
        }
        if global.json {
            try StandardOutput.write(json: summary)
        } else {
            StandardError.write("\(output): action \(summary.action), action_prediction \(summary.actionPrediction)\n")
        }
    }

    /// A number of each observation that lies far from the demonstrations.
    private func unfamiliarNumbers(in observations: [Double], for policy: DiffusionPolicy) -> [UnfamiliarNumber] {
        let (ranges, dimension) = (policy.demonstratedRanges, policy.model.observationDimension)
        guard dimension > 0 else { return [] }
        return stride(from: 0, to: observations.count, by: dimension).compactMap {
            ranges.unfamiliar(in: observations[$0..<$0 + dimension])
        }
    }
}
