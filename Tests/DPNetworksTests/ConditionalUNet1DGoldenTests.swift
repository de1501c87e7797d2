import DPGraph
import DPNetworks
import TestSupport
import Testing

@Suite("U-Net against the reference implementation")
struct ConditionalUNet1DGoldenTests {
    @Test("number, names, and shapes of parameters match the reference", arguments: try UNetGolden.cases())
    func parameters(golden: UNetGolden) throws {
        let parameters = try ConditionalUNet1D(golden.configuration).parameters
        #expect(parameters.reduce(0) { $0 + $1.shape.count } == golden.parameters)
        let shapes = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape.dimensions) })
        if let expected = golden.parameterShapes { #expect(shapes == expected) }
        for (name, gradient) in golden.gradients ?? [:] {
            #expect(shapes[name] == gradient.shape, "\(name)")
        }
    }

    @Test("output, loss, and gradients", arguments: try TestedBackend.allCases.flatMap { try $0.goldens() })
    func numbers(golden: UNetGolden, tested: TestedBackend) throws {
        let network = try ConditionalUNet1D(golden.configuration)
        let machine = try UNetMachine(
            golden.configuration, batch: golden.batch, horizon: golden.horizon,
            weights: goldenWeights(ParameterTable(network.parameters)), gradients: golden.gradients != nil,
            on: tested.makeBackend())
        let count = golden.batch * golden.horizon
        machine.write("sample", fill("input.sample", count: count * golden.config.inputDim))
        machine.write("target", fill("input.target", count: count * golden.config.inputDim))
        machine.write("steps", golden.timesteps.map(Float.init))
        if let dimension = golden.config.globalCondDim {
            machine.write("global", fill("input.global_cond", count: golden.batch * dimension))
        }
        if let dimension = golden.config.localCondDim {
            machine.write("local", fill("input.local_cond", count: count * dimension))
        }
        try machine.run()

        let output = machine.read("prediction", count: golden.output.count)
        let largest = golden.output.reduce(0) { max($0, abs($1)) }
        let difference = zip(output, golden.output).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(difference <= 2e-4 * largest, "largest difference \(difference) of \(largest)")
        #expect(output.allSatisfy { $0.isFinite })
        if let loss = golden.loss {
            #expect(abs(machine.read("loss", count: 1)[0] - loss) <= 2e-4 * loss)
        }
        if let expected = golden.gradients { compare(machine, with: expected) }
    }

    /// Compares every gradient; a parameter without a gradient in the reference must have none here either.
    private func compare(_ machine: UNetMachine, with expected: [String: GradientGolden]) {
        let gradients = machine.gradients
        let table = machine.table
        #expect(Set(machine.graph.gradients.map { table.ranges[$0.parameter].name }) == Set(expected.keys))
        for range in table.ranges {
            let gradient = Array(gradients[range.elements])
            if let expected = expected[range.name] {
                let difference = expected.difference(from: gradient)
                #expect(difference == nil, "\(range.name): \(difference ?? "")")
            } else {
                #expect(gradient.allSatisfy { $0 == 0 }, "\(range.name) has a gradient")
            }
        }
    }

    private func goldenWeights(_ table: ParameterTable) -> [Float] {
        var weights = [Float](repeating: 0, count: table.count)
        for range in table.ranges {
            weights.replaceSubrange(range.elements, with: fillParameter(range.name, shape: range.shape.dimensions))
        }
        return weights
    }
}
