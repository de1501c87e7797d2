import DPGraph
import DPNetworks
import TestSupport
import Testing

@Suite("Transformer against the reference implementation")
struct TransformerGoldenTests {
    @Test("number, names, and shapes of parameters match the reference", arguments: try TransformerGolden.cases())
    func parameters(golden: TransformerGolden) throws {
        let parameters = try TransformerForDiffusion(golden.configuration).parameters
        #expect(parameters.reduce(0) { $0 + $1.shape.count } == golden.parameters)
        let shapes = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape.dimensions) })
        for (name, gradient) in golden.gradients ?? [:] { #expect(shapes[name] == gradient.shape, "\(name)") }
    }

    @Test(
        "the decaying parameters match the reference",
        arguments: try TransformerGolden.cases().filter { $0.weightDecayParameters != nil })
    func decay(golden: TransformerGolden) throws {
        let expected = try #require(golden.weightDecayParameters)
        let decaying = try TransformerForDiffusion(golden.configuration).parameters.filter(\.decays).map(\.name)
        #expect(Set(decaying) == Set(expected))
    }

    @Test("output, loss, and gradients", arguments: try TransformerGolden.cases(), TestedBackend.allCases)
    func numbers(golden: TransformerGolden, tested: TestedBackend) throws {
        let configuration = golden.configuration
        let table = ParameterTable(try TransformerForDiffusion(configuration).parameters)
        let machine = try TransformerMachine(
            configuration, batch: golden.batch, weights: table.filled, gradients: golden.gradients != nil,
            on: tested.makeBackend())
        let rows = golden.batch * golden.config.horizon
        machine.write("sample", fill("input.sample", count: rows * golden.config.inputDim))
        machine.write("target", fill("input.target", count: rows * golden.config.outputDim))
        machine.write("steps", golden.timesteps.map(Float.init))
        if let dimension = configuration.observationDimension {
            let count = golden.batch * configuration.observationSteps * dimension
            machine.write("observation", fill("input.cond", count: count))
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
        guard let expected = golden.gradients else { return }
        let gradients = machine.gradients
        #expect(Set(machine.graph.gradients.map { table.ranges[$0.parameter].name }) == Set(expected.keys))
        for range in table.ranges {
            let difference = expected[range.name]?.difference(from: Array(gradients[range.elements]))
            #expect(difference == nil, "\(range.name): \(difference ?? "")")
        }
    }
}
