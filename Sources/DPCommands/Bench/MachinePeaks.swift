import DPCPU
import DPGraph

/// The measured peak performance of this machine, which sets the floor of every computation.
struct MachinePeaks: Codable {
    /// Floating-point operations per second: the fastest of several large matrix products in the machine's precision.
    let operationsPerSecond: Double
    /// Bytes per second of sequential reads from memory: the weights of a product or the terms of a sum, whichever
    /// is faster.
    let bytesPerSecond: Double
    /// Bytes per second that an update of the weights reads and writes: five vectors are read and four of them written.
    let updateBytesPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case operationsPerSecond = "flops_per_second"
        case bytesPerSecond = "bytes_per_second"
        case updateBytesPerSecond = "update_bytes_per_second"
    }

    /// Measures the best of several repetitions, because other processes may use the machine.
    init(of machine: CPUBackend) throws {
        // The fastest shape differs between machines and precisions.
        let products = [
            (rows: 2048, inputs: 4096, outputs: 2048), (2048, 1024, 1024), (4096, 512, 512), (1024, 1280, 256),
        ]
        operationsPerSecond =
            try products.map { rows, inputs, outputs in
                try 2 * Double(rows * inputs * outputs)
                    / Self.seconds(rows: rows, inputs: inputs, outputs: outputs, on: machine)
            }.max() ?? 0
        // One row reads each weight once, and the weights are far larger than any cache.
        let read = (inputs: 4096, outputs: 32768)
        let size = machine.precision == .bfloat16 ? 2 : 4
        let weights =
            try Double(size * read.inputs * read.outputs)
            / Self.seconds(rows: 1, inputs: read.inputs, outputs: read.outputs, on: machine)
        // Vectors larger than any cache.
        let table = ParameterTable([Parameter("vector", [4096, 4096], .uniform(bound: 1))])
        let state = try TrainingState(on: machine, table: table)
        let bytes = Double(4 * table.count)
        let sums = bytes / Self.best(of: 10) { _ = machine.sumOfSquares(of: state.gradients) }
        bytesPerSecond = max(weights, sums)
        updateBytesPerSecond =
            Double(Self.updateStreams) * bytes
            / Self.best(of: 10) { machine.update(state, table: table, with: Self.update) }
    }

    /// The number of weight-sized vectors that an update moves: it reads weights, gradients, both moments and the
    /// EMA, and writes all of them except the gradients.
    static let updateStreams = 9

    /// An update that changes almost nothing.
    static let update = AdamWUpdate(
        step: 1, learningRate: 1e-6, beta1: 0.95, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-6, gradientScale: 1,
        averageDecay: 0.99)

    /// The kind of memory traffic, which determines its peak speed.
    enum Stream {
        /// Reads, as in most operations.
        case read
        /// Reads and writes of an update of the weights.
        case update
    }

    /// Returns the minimum seconds of arithmetic and of memory traffic, each by itself.
    func floor(operations: Int, bytes: Int, _ stream: Stream = .read) -> CostProfile.Floor {
        CostProfile.Floor(
            arithmetic: Double(operations) / operationsPerSecond,
            memory: Double(bytes) / (stream == .read ? bytesPerSecond : updateBytesPerSecond))
    }

    /// Returns the minimum seconds of a linear layer.
    private static func seconds(rows: Int, inputs: Int, outputs: Int, on machine: CPUBackend) throws -> Double {
        let weight = Parameter("weight", [outputs, inputs], .uniform(bound: 1))
        let table = ParameterTable([weight])
        let builder = GraphBuilder(parameters: table)
        let product = builder.input("x", [rows, inputs]).linear(builder.parameter(weight))
        let executable = try machine.compile(
            builder.graph(outputs: [("y", product)]), parameters: machine.makeBuffer(count: table.count),
            gradients: nil)
        executable.write("x", [Float](repeating: 1, count: rows * inputs))
        return try best(of: 30) { try executable.run(.iteration) }
    }

    private static func best(of repetitions: Int, _ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<repetitions { best = min(best, try ContinuousClock().measure(body) / .seconds(1)) }
        return best
    }
}
