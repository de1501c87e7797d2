import CPUBackend
import TensorGraph

/// What this machine can do at most, measured: the floor under any computation.
struct MachinePeaks: Codable {
    /// Floating-point operations a second, of a large product in the machine's precision.
    let operationsPerSecond: Double
    /// Bytes a second, read from memory in order.
    let bytesPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case operationsPerSecond = "flops_per_second"
        case bytesPerSecond = "bytes_per_second"
    }

    /// Takes the best of a few repetitions, as others may use the machine.
    init(of machine: CPUMachine) throws {
        operationsPerSecond = try Self.product(on: machine)
        // Larger than any cache, and written, since memory that never was may all be one page of zeros.
        let vector = try machine.makeBuffer(count: 96 << 20)
        let part = [Float](repeating: 1, count: 1 << 20)
        for offset in stride(from: 0, to: vector.count, by: part.count) { vector.write(part, offset: offset) }
        let seconds = Self.best(of: 10) { _ = machine.sumOfSquares(of: vector) }
        bytesPerSecond = Double(4 * vector.count) / seconds
    }

    /// The seconds that a product of these operations or a pass over these bytes takes at least.
    func floor(operations: Int, bytes: Int) -> Double {
        max(Double(operations) / operationsPerSecond, Double(bytes) / bytesPerSecond)
    }

    /// Long sums, so that reading and writing what is multiplied hardly counts.
    private static func product(on machine: CPUMachine) throws -> Double {
        let (rows, inputs, outputs) = (2048, 4096, 2048)
        let weight = Parameter("weight", [outputs, inputs], .uniform(bound: 1))
        let table = ParameterTable([weight])
        let builder = GraphBuilder(parameters: table)
        let product = builder.input("x", [rows, inputs]).linear(builder.parameter(weight))
        let executable = try machine.compile(
            builder.graph(outputs: [("y", product)]), parameters: machine.makeBuffer(count: table.count),
            gradients: nil)
        executable.write("x", [Float](repeating: 1, count: rows * inputs))
        let seconds = try best(of: 10) { try executable.run(.step) }
        return 2 * Double(rows * inputs * outputs) / seconds
    }

    private static func best(of repetitions: Int, _ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<repetitions { best = min(best, try ContinuousClock().measure(body) / .seconds(1)) }
        return best
    }
}
