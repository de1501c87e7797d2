import DPBase
import DPCPU
import DPGraph
import DPNetworks
import ReferenceBackend
import Testing

/// A U-Net that denoises one or two sequences: skinny GEMMs, computed as one list of calls.
@Suite("U-Net with skinny GEMM")
struct SkinnyGEMMTests {
    static let network = ConditionalUNet1D.Configuration(
        inputDimension: 3, globalConditioningDimension: 11, stepEmbeddingDimension: 18, downDimensions: [24, 64, 72])

    private let table: ParameterTable
    private let weights: [Float]
    private let graphs: [Int: Graph]

    init() throws {
        let network = try ConditionalUNet1D(Self.network)
        table = ParameterTable(network.parameters)
        weights = table.initialValues(key: RandomKey(seed: 5))
        graphs = Dictionary(
            uniqueKeysWithValues: [1, 2, 5].map { batch in
                let builder = GraphBuilder(parameters: ParameterTable(network.parameters))
                let sample = builder.input("sample", [batch, 8, 3])
                let global = builder.input("global", [batch, 11])
                let output = network(sample, steps: builder.input("steps", [batch]), global: global)
                return (batch, builder.graph(outputs: [("output", output)]))
            })
    }

    private func output(
        _ batch: Int, of graph: Graph? = nil, weights: [Float]? = nil, on backend: any Backend
    ) throws -> [Float] {
        let buffer = try backend.makeBuffer(count: table.count)
        buffer.write(weights ?? self.weights)
        guard let graph = graph ?? graphs[batch] else { return [] }
        let executable = try backend.compile(graph, parameters: buffer, gradients: nil)
        executable.write("sample", (0..<batch * 24).map { Float(($0 * 37) % 23) / 11 - 1 })
        executable.write("steps", (0..<batch).map { Float(17 + 19 * $0) })
        executable.write("global", (0..<batch * 11).map { Float(($0 * 29) % 19) / 9 - 1 })
        // Two runs, to detect state left over from the first one.
        try executable.run(.iteration)
        try executable.run(.iteration)
        return executable.read("output", count: batch * 24)
    }

    private func distance(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).map { abs($0 - $1) }.reduce(0, max) / b.map(abs).reduce(0, max)
    }

    @Test("matches the reference in float32 for any number of threads", arguments: [1, 2], [1, 2, 5])
    func float32(batch: Int, threads: Int) throws {
        let expected = try output(batch, on: ReferenceMachine())
        let found = try output(batch, on: CPUBackend(threads: threads, precision: .float32))
        #expect(distance(found, expected) < 2e-5)
        #expect(try found == output(batch, on: CPUBackend(threads: 1, precision: .float32)))
    }

    @Test(
        "matches a rounded reference in bfloat16",
        .enabled(if: try InstructionSet.inUse().multipliesBFloat16, "needs bfloat16 products"),
        arguments: [1, 2], [1, 2, 5])
    func bfloat16(batch: Int, threads: Int) throws {
        let exact = try output(batch, on: ReferenceMachine())
        let rounded = try output(
            batch, of: graphs[batch]?.withProducts(in: .bfloat16), on: ReferenceMachine())
        let found = try output(batch, on: CPUBackend(threads: threads, precision: .bfloat16))
        // A different summation order may round to the other neighbor, but the rounded reference is still closer.
        #expect(distance(found, rounded) < 0.01)
        #expect(distance(found, exact) < 0.02)
    }

    /// Covers blocked GEMM too: 5 sequences are 40 rows on the topmost level.
    @Test("matches weights rounded to 8 bits", arguments: [1, 2, 5], [1, 2])
    func int8(batch: Int, threads: Int) throws {
        let expected = try output(batch, weights: roundedTo8Bits(), on: ReferenceMachine())
        let found = try output(
            batch, on: CPUBackend(threads: threads, precision: .float32, weights: .int8))
        #expect(distance(found, expected) < 2e-5)
        #expect(try distance(found, output(batch, on: ReferenceMachine())) > 1e-4)
    }

    /// Returns each weight rounded to the nearest multiple of the largest weight of its output divided by 127.
    private func roundedTo8Bits() -> [Float] {
        var weights = weights
        for range in table.ranges where range.shape.rank > 1 {
            // Outputs are the first dimension, but the second in a transposed convolution.
            let isTransposed = range.name.hasPrefix("up_modules") && range.name.hasSuffix("2.conv.weight")
            let shape = range.shape.dimensions
            let inner = shape.dropFirst(2).reduce(1, *)
            let (outputs, inputs) = isTransposed ? (shape[1], shape[0]) : (shape[0], shape[1])
            for output in 0..<outputs {
                let own = (0..<inputs).flatMap { input in
                    let row = isTransposed ? input * outputs + output : output * inputs + input
                    return (row * inner..<(row + 1) * inner).map { range.offset + $0 }
                }
                let scale = own.map { abs(weights[$0]) }.reduce(0, max) / 127
                for index in own { weights[index] = (weights[index] / scale).rounded() * scale }
            }
        }
        return weights
    }
}
