import DPBase
import DPGraph
import DPNetworks
import ReferenceBackend
import TestSupport
import Testing

@Suite("Transformer")
struct TransformerForDiffusionTests {
    typealias Configuration = TransformerForDiffusion.Configuration

    /// The network of the Push-T recipe with keypoints.
    static let pushT = Configuration(inputDimension: 2, horizon: 16, observationDimension: 20)
    /// A network that is small enough for the slow backend.
    static let tiny = Configuration(
        inputDimension: 2, horizon: 5, observationDimension: 3, layers: 2, heads: 2, width: 8, embeddingDropout: 0.2,
        attentionDropout: 0.3)

    @Test("the Push-T network has 8,965,122 parameters")
    func parameterCount() throws {
        let network = try TransformerForDiffusion(Self.pushT)
        #expect(network.parameters.reduce(0) { $0 + $1.shape.count } == 8_965_122)
    }

    @Test("parameters are in the order of the reference")
    func order() throws {
        var parts: [Substring] = []
        for parameter in try TransformerForDiffusion(Self.pushT).parameters {
            let part = parameter.name.prefix { $0 != "." }
            if parts.last != part { parts.append(part) }
        }
        #expect(
            parts == [
                "pos_emb", "cond_pos_emb", "input_emb", "cond_obs_emb", "encoder", "decoder", "ln_f", "head",
            ])
    }

    @Test("weights and position embeddings start normal with deviation 0.02, biases at 0, gains at 1")
    func initialization() throws {
        let parameters = try TransformerForDiffusion(Self.pushT).parameters
        for parameter in parameters {
            let expected: Parameter.Initialization =
                parameter.shape.rank > 1
                ? .normal(standardDeviation: 0.02) : .constant(parameter.name.hasSuffix("bias") ? 0 : 1)
            #expect(parameter.initialization == expected, "\(parameter.name)")
        }
        // The reference initializes the position embedding of a lone step to zero.
        let alone = try TransformerForDiffusion(Configuration(inputDimension: 2, horizon: 16)).parameters
        #expect(alone.first { $0.name == "cond_pos_emb" }?.initialization == .constant(0))
    }

    @Test(
        "an invalid setting is rejected with its name, the valid values, and the found value",
        arguments: [
            (Configuration(inputDimension: 0, horizon: 4), "inputDimension: expected 1 to 65536, found 0"),
            (Configuration(inputDimension: 2, horizon: 0), "horizon: expected 1 to 65536, found 0"),
            (Configuration(inputDimension: 2, horizon: 4, layers: 0), "layers: expected 1 to 1024, found 0"),
            (
                Configuration(inputDimension: 2, horizon: 4, heads: 3),
                "width: expected a multiple of the 3 heads, found 256"
            ),
            (
                Configuration(inputDimension: 2, horizon: 4, heads: 1, width: 9),
                """
                width: expected an even number, since half of the step's embedding is sines and half cosines, found 9
                """
            ),
            (
                Configuration(inputDimension: 2, horizon: 4, attentionDropout: 1),
                "attentionDropout: expected a probability from 0 to below 1, found 1.0"
            ),
            (
                Configuration(inputDimension: 2, horizon: 4, observationDimension: 3, step: .token),
                """
                step: expected condition, since observations condition the network (a step among the tokens leaves it \
                no memory to attend to), found token
                """
            ),
            (
                Configuration(inputDimension: 2, horizon: 4, step: .token, conditionLayers: 1),
                "conditionLayers: expected 0, since a network with the step among its tokens has no memory, found 1"
            ),
        ])
    func refusals(configuration: Configuration, message: String) {
        let error = #expect(throws: InputError.self) { try TransformerForDiffusion(configuration) }
        #expect(error?.description == message)
    }

    @Test("every valid combination of options can be traced and differentiated", arguments: [false, true], [0, 2])
    func options(isCausal: Bool, conditionLayers: Int) throws {
        for observation in [nil, 3] as [Int?] {
            for step in Configuration.StepPlacement.allCases {
                var configuration = Self.tiny
                configuration.isCausal = isCausal
                configuration.observationDimension = observation
                configuration.step = step
                configuration.conditionLayers = conditionLayers
                guard step == .condition || (observation == nil && conditionLayers == 0) else {
                    #expect(throws: InputError.self) { try TransformerForDiffusion(configuration) }
                    continue
                }
                let network = try TransformerForDiffusion(configuration)
                for drops in [false, true] {
                    let graph = TransformerMachine.trace(network, batch: 3, steps: [1], gradients: true, drops: drops)
                    #expect(graph.type(of: graph.outputs[0].value).shape == [3, 5, 2])
                    #expect(graph.gradients.count == network.parameters.count)
                    #expect(graph.hasInput("dropout_key") == drops)
                }
            }
        }
    }

    @Test("a causal action depends on itself, earlier actions, and observations up to its time")
    func causality() throws {
        var configuration = Self.tiny
        configuration.observationSteps = 4
        let weights = ParameterTable(try TransformerForDiffusion(configuration).parameters).filled
        func answer(_ change: (inout [Float], inout [Float]) -> Void) throws -> [[Float]] {
            let machine = try TransformerMachine(
                configuration, batch: 1, weights: weights, gradients: false, on: ReferenceMachine())
            var (sample, observation) = (fill("sample", count: 10), fill("observation", count: 12))
            change(&sample, &observation)
            machine.write("sample", sample)
            machine.write("observation", observation)
            machine.write("steps", [3])
            machine.write("target", [Float](repeating: 0, count: 10))
            try machine.run()
            let values = machine.read("prediction", count: 10)
            return (0..<5).map { Array(values[2 * $0..<2 * $0 + 2]) }
        }
        let plain = try answer { _, _ in }
        for time in 0..<5 {
            let changed = try answer { sample, _ in sample[2 * time] += 1 }
            for other in 0..<5 { #expect((changed[other] != plain[other]) == (other >= time), "\(time), \(other)") }
        }
        for time in 0..<4 {
            let changed = try answer { _, observation in observation[3 * time] += 1 }
            for other in 0..<5 { #expect((changed[other] != plain[other]) == (other >= time), "\(time), \(other)") }
        }
    }

    @Test(
        "gradients match finite differences along random directions, including dropout", arguments: [0, 1],
        TestedBackend.allCases)
    func finiteDifferences(conditionLayers: Int, tested: TestedBackend) throws {
        var configuration = Self.tiny
        configuration.conditionLayers = conditionLayers
        let table = ParameterTable(try TransformerForDiffusion(configuration).parameters)
        let weights = table.filled
        let machine = try TransformerMachine(
            configuration, batch: 2, weights: weights, gradients: true, drops: true, on: tested.makeBackend())
        machine.write("sample", fill("sample", count: 20))
        machine.write("observation", fill("observation", count: 12))
        machine.write("target", fill("target", count: 20))
        machine.write("steps", [3, 70])
        machine.write("dropout_key", DropoutMask.pieces(of: 77))

        func loss(_ values: [Float]) throws -> Double {
            machine.writeWeights(values)
            try machine.run()
            return Double(machine.read("loss", count: 1)[0])
        }
        _ = try loss(weights)
        let gradients = machine.gradients
        for part in [
            "pos_emb", "cond_", "input_emb", "encoder", "decoder.layers.0", "decoder.layers.1", "ln_f", "head",
        ] {
            var direction = [Float](repeating: 0, count: table.count)
            for range in table.ranges where range.name.hasPrefix(part) {
                direction.replaceSubrange(
                    range.elements, with: fill("direction.\(range.name)", count: range.shape.count))
            }
            let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let distance: Float = 1e-2
            for index in direction.indices { direction[index] *= distance / length }
            let ahead = try loss(zip(weights, direction).map { $0 + $1 })
            let behind = try loss(zip(weights, direction).map { $0 - $1 })
            let measured = (ahead - behind) / Double(2)
            let expected = zip(gradients, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            #expect(
                abs(measured - expected) <= 0.01 * abs(expected) + 2e-6,
                "\(part): measured \(measured), expected \(expected)")
        }
    }
}
