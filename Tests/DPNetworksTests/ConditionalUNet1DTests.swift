import DPGraph
import DPNetworks
import Testing

@Suite("U-Net")
struct ConditionalUNet1DTests {
    /// The network of the Push-T recipe with keypoints.
    static let pushT = ConditionalUNet1D.Configuration(inputDimension: 2, globalConditioningDimension: 40)

    @Test("the Push-T network has 5,412,162 parameters")
    func parameterCount() throws {
        let network = try ConditionalUNet1D(Self.pushT)
        #expect(network.parameters.reduce(0) { $0 + $1.shape.count } == 5_412_162)
        #expect(network.parameters.allSatisfy { $0.decays })
    }

    @Test("parameters are in the order of the reference")
    func order() throws {
        var configuration = Self.pushT
        configuration.localConditioningDimension = 3
        var parts: [Substring] = []
        for parameter in try ConditionalUNet1D(configuration).parameters {
            let part = parameter.name.prefix { $0 != "." }
            if parts.last != part { parts.append(part) }
        }
        #expect(
            parts == [
                "mid_modules", "diffusion_step_encoder", "local_cond_encoder", "up_modules", "down_modules",
                "final_conv",
            ])
    }

    @Test("the trace has one projection per block and one Mish of the condition for all blocks")
    func trace() throws {
        let graph = UNetMachine.trace(try ConditionalUNet1D(Self.pushT), batch: 4, horizon: 16, gradients: false)
        // 6 blocks down, 2 in the middle, and 4 up; a step encoder with two projections.
        #expect(graph.count { if case .film = $0 { true } else { false } } == 12)
        #expect(graph.count { if case .linear = $0 { true } else { false } } == 14)
        // Two per block, one in the step encoder, one in the last block, and one of the condition for all blocks.
        #expect(graph.count { if case .mish = $0 { true } else { false } } == 24 + 3)
        #expect(graph.count { if case .groupNorm = $0 { true } else { false } } == 25)
        // Two per block, 5 shortcuts, 2 downsamplings, the last block, and the last projection.
        #expect(graph.count { if case .convolution1D = $0 { true } else { false } } == 24 + 5 + 2 + 2)
        #expect(graph.count { if case .transposedConvolution1D = $0 { true } else { false } } == 2)
    }

    @Test("only the parameters of the second local encoder have no effect")
    func unusedParameters() throws {
        var configuration = Self.pushT
        configuration.localConditioningDimension = 3
        let network = try ConditionalUNet1D(configuration)
        let graph = UNetMachine.trace(network, batch: 2, horizon: 16, gradients: true)
        let used = Set(graph.gradients.map { graph.parameters.ranges[$0.parameter].name })
        let unused = network.parameters.map(\.name).filter { !used.contains($0) }
        #expect(unused.count == 12)
        #expect(unused.allSatisfy { $0.hasPrefix("local_cond_encoder.1.") })
    }

    @Test(
        "every combination of options can be traced and differentiated",
        arguments: [[8], [16, 8], [8, 16, 24], [8, 8, 8, 8, 8]], [nil, 5] as [Int?])
    func options(widths: [Int], conditioning: Int?) throws {
        for local in [nil, 3] as [Int?] {
            for kernelSize in [1, 3, 7] {
                for groups in [1, 4, 8] {
                    for condPredictScale in [false, true] {
                        let network = try ConditionalUNet1D(
                            ConditionalUNet1D.Configuration(
                                inputDimension: 2, localConditioningDimension: local,
                                globalConditioningDimension: conditioning, stepEmbeddingDimension: 4,
                                downDimensions: widths, kernelSize: kernelSize, groups: groups,
                                condPredictScale: condPredictScale))
                        let horizon = 3 * network.configuration.horizonMultiple
                        let graph = UNetMachine.trace(network, batch: 2, horizon: horizon, gradients: true)
                        #expect(graph.type(of: graph.outputs[0].value).shape == [2, horizon, 2])
                        #expect(graph.gradients.count == network.parameters.count - (local == nil ? 0 : 12))
                    }
                }
            }
        }
    }

    @Test("one diffusion step for all items works like one per item", arguments: [[], [1], [3]] as [Shape])
    func stepShapes(steps: Shape) throws {
        let graph = UNetMachine.trace(
            try ConditionalUNet1D(Self.pushT), batch: 3, horizon: 16, steps: steps, gradients: false)
        #expect(graph.type(of: graph.outputs[0].value).shape == [3, 16, 2])
    }
}

extension Graph {
    fileprivate func count(where condition: (TensorOperation) -> Bool) -> Int {
        nodes.count { condition($0.operation) }
    }
}
