internal import TensorGraph

/// A plan with its inputs and outputs by name.
final class CPUExecutable: Executable {
    private let plan: Plan
    private let engine: EngineThread

    init(plan: Plan, engine: EngineThread) {
        self.plan = plan
        self.engine = engine
    }

    func write(_ name: String, _ values: UnsafeBufferPointer<Float>) {
        guard let place = plan.inputs[name] else { preconditionFailure("the graph has no input \(name)") }
        precondition(values.count == place.count, "\(name): expected \(place.count) elements, found \(values.count)")
        guard let source = values.baseAddress else { return }
        place.start.update(from: source, count: place.count)
    }

    func run(_ rate: Rate) { engine.perform(.run(plan, rate)) }

    func read(_ name: String, into values: UnsafeMutableBufferPointer<Float>) {
        guard let place = plan.outputs[name] else { preconditionFailure("the graph has no output \(name)") }
        precondition(values.count == place.count, "\(name): expected \(place.count) elements, found \(values.count)")
        values.baseAddress?.update(from: place.start, count: place.count)
    }
}
