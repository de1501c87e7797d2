import CPUBackend
import TensorGraph

/// What this machine can do at most, measured: the floor under any computation.
struct MachinePeaks: Codable {
    /// Floating-point operations a second, of the fastest of some large products in the machine's precision.
    let operationsPerSecond: Double
    /// Bytes a second, of weights read from memory in order.
    let bytesPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case operationsPerSecond = "flops_per_second"
        case bytesPerSecond = "bytes_per_second"
    }

    /// Takes the best of a few repetitions, as others may use the machine.
    init(of machine: CPUMachine) throws {
        // Which shape suits best differs between machines and precisions.
        let products = [
            (rows: 2048, inputs: 4096, outputs: 2048), (2048, 1024, 1024), (4096, 512, 512), (1024, 1280, 256),
        ]
        operationsPerSecond =
            try products.map { rows, inputs, outputs in
                try 2 * Double(rows * inputs * outputs)
                    / Self.seconds(rows: rows, inputs: inputs, outputs: outputs, on: machine)
            }.max() ?? 0
        // One row meets each weight once, and there are far more weights than any cache holds.
        let read = (inputs: 4096, outputs: 32768)
        let size = machine.precision == .bfloat16 ? 2 : 4
        bytesPerSecond =
            try Double(size * read.inputs * read.outputs)
            / Self.seconds(rows: 1, inputs: read.inputs, outputs: read.outputs, on: machine)
    }

    /// The seconds that a product of these operations or a pass over these bytes takes at least.
    func floor(operations: Int, bytes: Int) -> Double {
        max(Double(operations) / operationsPerSecond, Double(bytes) / bytesPerSecond)
    }

    /// The least seconds that a linear layer takes.
    private static func seconds(rows: Int, inputs: Int, outputs: Int, on machine: CPUMachine) throws -> Double {
        let weight = Parameter("weight", [outputs, inputs], .uniform(bound: 1))
        let table = ParameterTable([weight])
        let builder = GraphBuilder(parameters: table)
        let product = builder.input("x", [rows, inputs]).linear(builder.parameter(weight))
        let executable = try machine.compile(
            builder.graph(outputs: [("y", product)]), parameters: machine.makeBuffer(count: table.count),
            gradients: nil)
        executable.write("x", [Float](repeating: 1, count: rows * inputs))
        return try best(of: 30) { try executable.run(.step) }
    }

    private static func best(of repetitions: Int, _ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<repetitions { best = min(best, try ContinuousClock().measure(body) / .seconds(1)) }
        return best
    }
}
