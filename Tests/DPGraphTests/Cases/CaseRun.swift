import DPGraph
import TestSupport

/// A case prepared for one backend.
///
/// The loss whose gradients are computed is the sum of all results, each element multiplied by its own number.
struct CaseRun {
    let graph: Graph
    private let arguments: [OperationCase.Argument]
    private let table: ParameterTable
    private let parameters: any DeviceBuffer
    private let gradients: any DeviceBuffer
    private let executable: any Executable

    /// - Parameters:
    ///   - differentiates: whether gradients are computed too.
    ///   - precision: that of the operands of products.
    init(
        _ test: OperationCase, on backend: any Backend, differentiates: Bool = true, precision: Precision = .float32
    ) throws {
        arguments = test.arguments
        table = Self.table(of: test)
        graph = Self.graph(of: test, differentiates: differentiates).withProducts(in: precision)
        parameters = try backend.makeBuffer(count: table.count)
        gradients = try backend.makeBuffer(count: table.count)
        executable = try backend.compile(graph, parameters: parameters, gradients: gradients)
        for argument in arguments { write(argument.values, to: argument) }
    }

    /// Returns the graph of a case: results, gradients of inputs as outputs, gradients of parameters.
    static func graph(of test: OperationCase, differentiates: Bool = true) -> Graph {
        let builder = GraphBuilder(parameters: table(of: test))
        var tensors: [String: Tensor] = [:]
        for argument in test.arguments {
            tensors[argument.name] =
                switch argument.place {
                case .input(let rate): builder.input(argument.name, argument.shape, rate: rate)
                case .parameter: builder.parameter(Parameter(argument.name, argument.shape, .constant(0)))
                }
        }
        let results = test.build(OperationCase.Tensors(values: tensors))
        var outputs = results.enumerated().map { (name: "result.\($0)", tensor: $1) }
        let wanted = test.arguments.filter(\.isDifferentiated)
        guard differentiates && !wanted.isEmpty else { return builder.graph(outputs: outputs) }

        let losses = results.enumerated().map { index, result in
            (result.cast(to: .float32) * builder.constant(lossWeights(index, result.shape.count), result.shape))
                .sum(to: [])
        }
        let loss = losses.dropFirst().reduce(losses[0], +)
        let inputs = wanted.filter { $0.isInput }
        let inputGradients = builder.gradients(of: loss, for: inputs.compactMap { tensors[$0.name] })
        for (input, gradient) in zip(inputs, inputGradients) {
            if let gradient { outputs.append(("gradient.\(input.name)", gradient)) }
        }
        let one = builder.constant([1], [])
        return builder.graph(outputs: outputs, gradients: builder.gradients(of: loss, scaledBy: one))
    }

    private static func table(of test: OperationCase) -> ParameterTable {
        var table = ParameterTable(
            test.arguments.filter { !$0.isInput }.map { Parameter($0.name, $0.shape, .constant(0)) })
        for argument in test.arguments where !argument.isInput && !argument.isDifferentiated {
            table.setTraining(ofPrefix: argument.name, isTrainable: false)
        }
        return table
    }

    private static func lossWeights(_ result: Int, _ count: Int) -> [Float] { fill("loss.\(result)", count: count) }

    func write(_ values: [Float], to argument: OperationCase.Argument) {
        switch argument.place {
        case .input:
            if graph.inputNames.contains(argument.name) { executable.write(argument.name, values) }
        case .parameter:
            if let index = table.index(of: argument.name) {
                parameters.write(values, offset: table.ranges[index].offset)
            }
        }
    }

    func run() throws {
        try executable.run(.conditioning)
        try executable.run(.iteration)
    }

    /// Returns an output of the graph.
    func output(_ name: String) -> [Float] {
        guard let value = graph.outputs.first(where: { $0.name == name })?.value else { return [] }
        return executable.read(name, count: graph.type(of: value).shape.count)
    }

    /// Returns the gradient of an argument; nil if the loss does not depend on it.
    func gradient(of argument: OperationCase.Argument) -> [Float]? {
        if argument.isInput {
            let values = output("gradient.\(argument.name)")
            return values.isEmpty ? nil : values
        }
        guard let index = table.index(of: argument.name), graph.gradients.contains(where: { $0.parameter == index })
        else { return nil }
        return Array(gradients.values()[table.ranges[index].elements])
    }

    /// Returns all outputs and gradients by name.
    func everything() -> [(name: String, values: [Float])] {
        graph.outputs.map { ($0.name, output($0.name)) }
            + arguments.filter { !$0.isInput }.compactMap { argument in
                gradient(of: argument).map { ("gradient.\(argument.name)", $0) }
            }
    }

    /// Returns the results, each element multiplied by its number in the loss.
    func lossTerms() -> [Double] {
        graph.outputs.filter { $0.name.hasPrefix("result.") }.enumerated().flatMap { index, output in
            let values = self.output(output.name)
            return zip(values, Self.lossWeights(index, values.count)).map { Double($0) * Double($1) }
        }
    }
}

extension OperationCase.Argument {
    var isInput: Bool {
        if case .input = place { true } else { false }
    }
}

extension Graph {
    /// The names of the inputs that something depends on.
    var inputNames: [String] {
        nodes.compactMap { node in
            if case .input(let name, _, _) = node.operation { name } else { nil }
        }
    }
}
