import DiffusionPolicyKit

/// Evaluates a custom policy in a custom environment.
@main
struct Main {
    static func main() throws {
        let configuration = EvaluationConfiguration(episodes: 10, maxSteps: 20)
        let evaluator = Evaluator(configuration: configuration) { TwoJointArm(seed: $0) }
        print(try evaluator.evaluate(HoldingPolicy(), named: "holding"))
    }
}
