import DiffusionPolicyKit

/// Judges a policy of one's own in an environment of one's own.
@main
struct Main {
    static func main() throws {
        let configuration = EvaluationConfiguration(episodes: 10, maximumSteps: 20)
        let evaluator = Evaluator(configuration: configuration) { TwoJointArm(seed: $0) }
        print(ResultTable([try evaluator.evaluate(HoldingPolicy(), named: "holding")]))
    }
}
