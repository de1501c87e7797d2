import DPGraph

/// A graph that is interpreted in every run.
final class ReferenceExecutable: Executable {
    private let graph: Graph
    private let parameters: any DeviceBuffer
    private let gradients: (any DeviceBuffer)?
    private var inputs: [String: [Double]] = [:]
    /// The results of each node; empty before its first run.
    private var results: [[HostTensor]]

    init(graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?) {
        self.graph = graph
        self.parameters = parameters
        self.gradients = gradients
        results = graph.nodes.map { _ in [] }
        for node in graph.nodes {
            guard case .input(let name, let shape, _) = node.operation else { continue }
            precondition(inputs[name] == nil, "expected inputs of different names, found \(name) twice")
            inputs[name] = [Double](repeating: 0, count: shape.count)
        }
    }

    func write(_ name: String, _ values: UnsafeBufferPointer<Float>) {
        guard let expected = inputs[name]?.count else {
            preconditionFailure("expected an input of \(inputs.keys.sorted()), found \(name)")
        }
        precondition(values.count == expected, "input \(name): expected \(expected) elements, found \(values.count)")
        inputs[name] = values.map(Double.init)
    }

    func run(_ rate: Rate) throws {
        let weights = parameters.values()
        func runs(_ node: Node) -> Bool { node.rate == .weights || node.rate == rate }
        for (index, node) in graph.nodes.enumerated() where runs(node) {
            results[index] = evaluate(node, weights: weights)
        }
        for (parameter, value) in graph.gradients where runs(graph.nodes[value.node]) {
            gradients?.write(
                tensor(value).values.map { Float($0) }, offset: graph.parameters.ranges[parameter].offset)
        }
    }

    func read(_ name: String, into values: UnsafeMutableBufferPointer<Float>) {
        guard let output = graph.outputs.first(where: { $0.name == name }) else {
            preconditionFailure("expected an output of \(graph.outputs.map(\.name)), found \(name)")
        }
        let result = tensor(output.value).values
        precondition(
            values.count == result.count, "output \(name): expected \(result.count) elements, found \(values.count)")
        for index in values.indices { values[index] = Float(result[index]) }
    }

    private func tensor(_ value: Value) -> HostTensor {
        let node = graph.nodes[value.node]
        precondition(!results[value.node].isEmpty, "\(node.operation): expected a run at rate \(node.rate) before")
        return results[value.node][value.result]
    }

    private func evaluate(_ node: Node, weights: [Float]) -> [HostTensor] {
        let computed: [HostTensor] =
            switch node.operation {
            case .input(let name, let shape, _): [HostTensor(shape, inputs[name] ?? [])]
            case .parameter(let index, let shape):
                [HostTensor(shape, weights[graph.parameters.ranges[index].elements].map(Double.init))]
            default: node.operation.evaluate(node.inputs.map(tensor), shape: node.results[0].shape)
            }
        return zip(computed, node.results).map { $0.rounded(to: $1.precision) }
    }
}
