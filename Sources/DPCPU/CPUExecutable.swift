internal import CDPKernels
package import DPGraph

/// A graph prepared for a `CPUBackend`: a plan with its inputs and outputs by name.
package final class CPUExecutable: Executable {
    private let plan: Plan
    private let team: Team
    /// Throughput with gradients, because nothing waits for a single training step; otherwise latency.
    private let goal: ck_team_goal

    init(plan: Plan, team: Team, goal: ck_team_goal) {
        self.plan = plan
        self.team = team
        self.goal = goal
    }

    /// Sets an input before a run.
    package func write(_ name: String, _ values: UnsafeBufferPointer<Float>) {
        guard let place = plan.inputs[name] else { preconditionFailure("the graph has no input \(name)") }
        precondition(values.count == place.count, "\(name): expected \(place.count) elements, found \(values.count)")
        guard let source = values.baseAddress else { return }
        place.start.update(from: source, count: place.count)
    }

    /// Computes the values that change at a rate.
    package func run(_ rate: Rate) { team.perform(for: goal) { plan.run(rate) } }

    /// Computes the values that change at a rate, as `run` does, and measures each instruction, in execution order.
    package func profile(_ rate: Rate) -> [InstructionProfile] { team.perform { plan.profile(rate) } }

    /// Reads an output after a run.
    package func read(_ name: String, into values: UnsafeMutableBufferPointer<Float>) {
        guard let place = plan.outputs[name] else { preconditionFailure("the graph has no output \(name)") }
        precondition(values.count == place.count, "\(name): expected \(place.count) elements, found \(values.count)")
        values.baseAddress?.update(from: place.start, count: place.count)
    }
}
