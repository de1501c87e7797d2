import DPBase
import DPGraph
import Testing

@testable import DPCPU

/// Rounding to bfloat16 magnifies the smallest difference between two sums, but a robot's actions must not depend
/// on the batch size.
@Suite("Sums in bfloat16")
struct BatchRoundingTests {
    enum Product: CaseIterable {
        case linear, convolution, downsampling, upsampling

        /// The weight's shape.
        func weight(_ inputs: Int, _ outputs: Int) -> Shape {
            switch self {
            case .linear: [outputs, inputs]
            case .convolution: [outputs, inputs, 5]
            case .downsampling: [outputs, inputs, 3]
            case .upsampling: [inputs, outputs, 4]
            }
        }

        func apply(to x: Tensor, _ weight: Tensor) -> Tensor {
            switch self {
            case .linear: x.linear(weight)
            case .convolution: x.convolution1D(weight, Convolution1D(kernel: 5, padding: 2))
            case .downsampling: x.convolution1D(weight, Convolution1D(kernel: 3, stride: 2, padding: 1))
            case .upsampling: x.transposedConvolution1D(weight, Convolution1D(kernel: 4, stride: 2, padding: 1))
            }
        }
    }

    /// Even and odd numbers of inputs.
    @Test(
        "are bitwise identical in every batch",
        .enabled(if: try InstructionSet.inUse().multipliesBFloat16, "needs products of bfloat16"),
        arguments: Product.allCases, [(1, 296), (4, 296), (16, 296), (1, 297), (4, 297), (16, 7)])
    func batches(product: Product, size: (time: Int, inputs: Int)) throws {
        let ((time, inputs), outputs, most) = (size, 100, 40)
        let parameter = Parameter("weight", product.weight(inputs, outputs), .constant(0))
        let table = ParameterTable([parameter])
        let machine = CPUBackend(threads: 1, precision: .bfloat16)
        let weights = try machine.makeBuffer(count: table.count)
        weights.write(normal(table.count, seed: 1))
        let x = normal(most * time * inputs, seed: 2)
        func result(_ batch: Int) throws -> [Float] {
            let builder = GraphBuilder(parameters: table)
            let y = product.apply(to: builder.input("x", [batch, time, inputs]), builder.parameter(parameter))
            let executable = try machine.compile(
                builder.graph(outputs: [("y", y)]), parameters: weights, gradients: nil)
            executable.write("x", Array(x[..<(batch * time * inputs)]))
            try executable.run(.iteration)
            return executable.read("y", count: y.shape.count)
        }
        let together = try result(most)
        for batch in [1, 2, 3, 8] {
            let part = try result(batch)
            #expect(part == Array(together[..<part.count]), "batch \(batch)")
        }
    }

    private func normal(_ count: Int, seed: UInt64) -> [Float] {
        var numbers = [Float](repeating: 0, count: count)
        RandomKey(seed: seed).fillNormal(&numbers)
        return numbers
    }
}
