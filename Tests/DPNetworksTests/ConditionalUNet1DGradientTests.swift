import DPBase
import DPGraph
import DPNetworks
import Testing

@Suite("U-Net gradients")
struct ConditionalUNet1DGradientTests {
    @Test(
        "gradients match finite differences along random directions", arguments: [false, true], TestedBackend.allCases)
    func finiteDifferences(condPredictScale: Bool, tested: TestedBackend) throws {
        let configuration = ConditionalUNet1D.Configuration(
            inputDimension: 2, localConditioningDimension: 3, globalConditioningDimension: 5, stepEmbeddingDimension: 8,
            downDimensions: [8, 16], kernelSize: 3, groups: 4, condPredictScale: condPredictScale)
        let table = ParameterTable(try ConditionalUNet1D(configuration).parameters)
        let key = RandomKey(seed: 3)
        let weights = table.initialValues(key: key)
        let machine = try UNetMachine(
            configuration, batch: 2, horizon: 4, weights: weights, gradients: true, on: tested.makeBackend())
        for (name, count) in [("sample", 16), ("target", 16), ("global", 10), ("local", 24)] {
            machine.write(name, normal(key.folding(name), count: count))
        }
        machine.write("steps", [3, 70])

        func loss(_ values: [Float]) throws -> Double {
            machine.writeWeights(values)
            try machine.run()
            return Double(machine.read("loss", count: 1)[0])
        }

        _ = try loss(weights)
        let gradients = machine.gradients
        for part in ["mid_modules.", "diffusion_step_encoder.", "local_cond_encoder.0.", "up_", "down_", "final_"] {
            // A random direction within one part of the network, scaled to length 1.
            var direction = [Float](repeating: 0, count: table.count)
            for range in table.ranges where range.name.hasPrefix(part) {
                direction.replaceSubrange(
                    range.elements, with: normal(key.folding(range.name), count: range.shape.count))
            }
            let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for index in direction.indices { direction[index] /= length }

            let distance: Float = 1e-2
            let ahead = try loss(zip(weights, direction).map { $0 + distance * $1 })
            let behind = try loss(zip(weights, direction).map { $0 - distance * $1 })
            let measured = (ahead - behind) / Double(2 * distance)
            let expected = zip(gradients, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            #expect(
                abs(measured - expected) <= 0.02 * abs(expected) + 2e-4,
                "\(part): measured \(measured), expected \(expected)")
        }
    }

    private func normal(_ key: RandomKey, count: Int) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        key.fillNormal(&values)
        return values
    }
}
