import DPCPU
import DPGraph
import DPNetworks
import ReferenceBackend
import TestSupport
import Testing

/// A whole transformer with products in bfloat16, on the CPU backend and as rounded in the graph.
@Suite("Transformer in bfloat16")
struct TransformerPrecisionTests {
    /// The output and the gradient of each parameter, by name.
    private func results(
        conditionLayers: Int, precision: Precision, on backend: any Backend
    ) throws -> [(name: String, values: [Float])] {
        var configuration = TransformerForDiffusionTests.tiny
        configuration.conditionLayers = conditionLayers
        let table = ParameterTable(try TransformerForDiffusion(configuration).parameters)
        let machine = try TransformerMachine(
            configuration, batch: 2, weights: table.filled, gradients: true, drops: true, precision: precision,
            on: backend)
        machine.write("sample", fill("sample", count: 20))
        machine.write("observation", fill("observation", count: 12))
        machine.write("target", fill("target", count: 20))
        machine.write("steps", [3, 70])
        machine.write("dropout_key", DropoutMask.pieces(of: 77))
        try machine.run()
        let gradients = machine.gradients
        return [("prediction", machine.read("prediction", count: 20))]
            + table.ranges.map { ($0.name, Array(gradients[$0.elements])) }
    }

    @Test(
        "the CPU backend rounds where the graph does, including dropout",
        .enabled(if: CPUBackend().precision == .bfloat16, "needs bfloat16 instructions"), arguments: [0, 1])
    func agreement(conditionLayers: Int) throws {
        let expected = try results(conditionLayers: conditionLayers, precision: .bfloat16, on: ReferenceMachine())
        // This machine rounds the operands itself.
        let machine = CPUBackend(precision: .bfloat16)
        let found = try results(conditionLayers: conditionLayers, precision: .float32, on: machine)
        for (expected, found) in zip(expected, found) {
            let largest = expected.values.map(abs).max() ?? 0
            let difference = zip(expected.values, found.values).map { abs($0 - $1) }
            // A different summation order occasionally changes the direction of a rounding.
            #expect(
                largest > 0 && difference.allSatisfy { $0 <= 0x1p-7 * largest },
                "\(expected.name): off by \(difference.max() ?? 0) of \(largest)")
        }
    }
}
