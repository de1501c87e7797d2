import DPGraph
import DPNetworks
import TestSupport

/// A transformer on a backend, with manually set inputs.
struct TransformerMachine {
    let network: TransformerForDiffusion
    let table: ParameterTable
    let graph: Graph
    private let weights: any DeviceBuffer
    private let gradientBuffer: any DeviceBuffer
    private let executable: any Executable

    /// Creates a network with the given weights and, if requested, the gradients of its mean squared error.
    /// - Parameter precision: the precision of the operands of products, for a backend that does not round them itself.
    init(
        _ configuration: TransformerForDiffusion.Configuration, batch: Int, weights values: [Float],
        gradients wantsGradients: Bool, drops: Bool = false, precision: Precision = .float32, on backend: any Backend
    ) throws {
        network = try TransformerForDiffusion(configuration)
        table = ParameterTable(network.parameters)
        graph = Self.trace(network, batch: batch, gradients: wantsGradients, drops: drops).withProducts(in: precision)
        weights = try backend.makeBuffer(count: table.count)
        gradientBuffer = try backend.makeBuffer(count: wantsGradients ? table.count : 0)
        weights.write(values)
        executable = try backend.compile(graph, parameters: weights, gradients: wantsGradients ? gradientBuffer : nil)
    }

    /// Returns the graph of a network with outputs `prediction` and `loss`.
    /// - Parameter drops: whether to use dropout, with a key as input `dropout_key`.
    static func trace(
        _ network: TransformerForDiffusion, batch: Int, steps: Shape? = nil, gradients: Bool, drops: Bool = false
    ) -> Graph {
        let configuration = network.configuration
        let builder = GraphBuilder(parameters: ParameterTable(network.parameters))
        let prediction = network(
            builder.input("sample", [batch, configuration.horizon, configuration.inputDimension]),
            steps: builder.input("steps", steps ?? [batch]),
            global: configuration.observationDimension.map {
                builder.input("observation", [batch, configuration.observationSteps, $0], rate: .conditioning)
            },
            dropoutKey: drops ? builder.input("dropout_key", DropoutMask.keyShape) : nil)
        let loss = prediction.meanSquaredError(to: builder.input("target", prediction.shape))
        return builder.graph(
            outputs: [("prediction", prediction), ("loss", loss)],
            gradients: gradients ? builder.gradients(of: loss, scaledBy: builder.constant([1], [])) : [])
    }

    /// Sets an input.
    func write(_ name: String, _ values: [Float]) { executable.write(name, values) }

    /// Replaces the weights.
    func writeWeights(_ values: [Float]) { weights.write(values) }

    /// Computes everything.
    func run() throws {
        try executable.run(.conditioning)
        try executable.run(.iteration)
    }

    /// Reads an output.
    func read(_ name: String, count: Int) -> [Float] { executable.read(name, count: count) }

    /// The gradients of all parameters, one after another in the flat vector.
    var gradients: [Float] { gradientBuffer.values() }
}

extension ParameterTable {
    /// The golden values of all parameters, derived from their names and shapes.
    var filled: [Float] {
        ranges.reduce(into: [Float](repeating: 0, count: count)) { values, range in
            values.replaceSubrange(range.elements, with: fillParameter(range.name, shape: range.shape.dimensions))
        }
    }
}
