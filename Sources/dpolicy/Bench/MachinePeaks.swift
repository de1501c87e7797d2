import CPUBackend
import TensorGraph

/// What this machine can do at most, measured: the floor under any computation.
struct MachinePeaks: Codable {
    /// Floating-point operations a second, of the fastest of some large products in the machine's precision.
    let operationsPerSecond: Double
    /// Bytes a second that are read from memory in order: weights of a product, or numbers that are summed, whichever is faster.
    let bytesPerSecond: Double
    /// Bytes a second that an update of the weights reads and writes: five vectors come and four of them go back.
    let updateBytesPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case operationsPerSecond = "flops_per_second"
        case bytesPerSecond = "bytes_per_second"
        case updateBytesPerSecond = "update_bytes_per_second"
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
        let weights =
            try Double(size * read.inputs * read.outputs)
            / Self.seconds(rows: 1, inputs: read.inputs, outputs: read.outputs, on: machine)
        // Vectors that no cache holds.
        let table = ParameterTable([Parameter("vector", [4096, 4096], .uniform(bound: 1))])
        let state = try TrainingState(on: machine, table: table)
        let bytes = Double(4 * table.count)
        let sums = bytes / Self.best(of: 10) { _ = machine.sumOfSquares(of: state.gradients) }
        bytesPerSecond = max(weights, sums)
        updateBytesPerSecond =
            Double(Self.updateStreams) * bytes
            / Self.best(of: 10) { machine.update(state, table: table, with: Self.update) }
    }

    /// How often an update moves a vector of the weights' length: it reads weights, gradients, both moments and the average, and writes all of them
    /// but the gradients.
    static let updateStreams = 9

    /// An update that changes as good as nothing.
    static let update = AdamWUpdate(
        step: 1, learningRate: 1e-6, beta1: 0.95, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-6, gradientScale: 1,
        averageDecay: 0.99)

    /// What bytes are moved for, which decides how fast they can be.
    enum Stream {
        /// They are read, as most are.
        case read
        /// They are those of an update of the weights.
        case update
    }

    /// The seconds that arithmetic and bytes take at least, each by itself.
    func floor(operations: Int, bytes: Int, _ stream: Stream = .read) -> CostProfile.Floor {
        CostProfile.Floor(
            arithmetic: Double(operations) / operationsPerSecond,
            memory: Double(bytes) / (stream == .read ? bytesPerSecond : updateBytesPerSecond))
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
