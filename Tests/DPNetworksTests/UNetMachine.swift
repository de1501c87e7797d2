import DPGraph
import DPNetworks

/// A U-Net on a backend, with manually set inputs.
struct UNetMachine {
    let network: ConditionalUNet1D
    let table: ParameterTable
    let graph: Graph
    private let weights: any DeviceBuffer
    private let gradientBuffer: any DeviceBuffer
    private let executable: any Executable

    /// Creates a network with the given weights and, if requested, the gradients of its mean squared error.
    init(
        _ configuration: ConditionalUNet1D.Configuration, batch: Int, horizon: Int, weights values: [Float],
        gradients wantsGradients: Bool, on backend: any Backend
    ) throws {
        network = try ConditionalUNet1D(configuration)
        table = ParameterTable(network.parameters)
        graph = UNetMachine.trace(network, batch: batch, horizon: horizon, gradients: wantsGradients)
        weights = try backend.makeBuffer(count: table.count)
        gradientBuffer = try backend.makeBuffer(count: wantsGradients ? table.count : 0)
        weights.write(values)
        executable = try backend.compile(graph, parameters: weights, gradients: wantsGradients ? gradientBuffer : nil)
    }

    /// Returns the graph of a network with outputs `prediction` and `loss`.
    static func trace(
        _ network: ConditionalUNet1D, batch: Int, horizon: Int, steps: Shape? = nil, gradients: Bool
    ) -> Graph {
        let configuration = network.configuration
        let builder = GraphBuilder(parameters: ParameterTable(network.parameters))
        let sample = builder.input("sample", [batch, horizon, configuration.inputDimension])
        let target = builder.input("target", sample.shape)
        let prediction = network(
            sample, steps: builder.input("steps", steps ?? [batch]),
            global: configuration.globalConditioningDimension.map {
                builder.input("global", [batch, $0], rate: .conditioning)
            },
            local: configuration.localConditioningDimension.map {
                builder.input("local", [batch, horizon, $0], rate: .conditioning)
            })
        let loss = prediction.meanSquaredError(to: target)
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
