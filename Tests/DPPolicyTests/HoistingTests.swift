import DPGraph
import ReferenceBackend
import TestSupport
import Testing

@testable import DPPolicy

/// The graphs of a policy after hoisting.
@Suite("Hoisting of a policy's graphs")
struct HoistingTests {
    private let sampler = Sampler.ddim(steps: 3, eta: 0.5)

    /// Returns the outputs of a graph for a batch whose items are at different steps.
    private func previous(
        _ graph: Graph, of tiny: TinyPolicy, batch: Int, observation: [Float]? = nil, on backend: any Backend
    ) throws -> [[Float]] {
        let parameters = try backend.makeBuffer(count: tiny.weights.count)
        let executable = try backend.compile(graph, parameters: parameters, gradients: nil)
        parameters.write(tiny.weights)
        let count = batch * 4 * tiny.model.sampleDimension
        executable.write("observation", observation ?? fill("observation", count: batch * 6))
        try executable.run(.conditioning)
        return try (0..<3).map { step in
            executable.write("sample", fill("sample \(step)", count: count))
            executable.write("noise", fill("noise \(step)", count: count))
            executable.write("step", (0..<batch).map { Float(($0 + step) % 3) })
            try executable.run(.iteration)
            return executable.read("previous", count: count)
        }
    }

    @Test("a hoisted step matches the original step", arguments: Conditioning.allCases, [1, 3])
    func step(conditioning: Conditioning, batch: Int) throws {
        let tiny = try TinyPolicy(conditioning: conditioning)
        let graph = try tiny.model.stepGraph(batch: batch, sampler: sampler)
        let expected = try previous(graph, of: tiny, batch: batch, on: ReferenceMachine())
        let hoisted = try previous(graph.hoisted(), of: tiny, batch: batch, on: ReferenceMachine())
        #expect(zip(hoisted, expected).allSatisfy { isClose($0, $1, within: 1e-5) })
        for tested in TestedBackend.allCases {
            let found = try previous(graph, of: tiny, batch: batch, on: tested.makeBackend())
            #expect(zip(found, expected).allSatisfy { isClose($0, $1) }, "\(tested)")
        }
    }

    @Test("a hoisted step keeps only index selects and at most one conditioning sum", arguments: Conditioning.allCases)
    func remainder(conditioning: Conditioning) throws {
        let tiny = try TinyPolicy(conditioning: conditioning)
        let graph = try tiny.model.stepGraph(batch: 2, sampler: sampler).hoisted()
        let left = graph.nodes.filter { $0.rate == .iteration }
        #expect(!left.contains { $0.operation == .linear })
        #expect(left.count { $0.operation == .indexSelect } == (conditioning == .global ? 2 : 1))
        #expect(
            left.count { $0.operation == .add && $0.results[0].shape.rank == 2 } == (conditioning == .global ? 1 : 0))
        #expect(!left.contains { $0.operation == .mish && $0.results[0].shape.rank == 2 })
    }

    static let transformers: [(Conditioning, DenoiserConfiguration.Transformer)] = [
        (.global, .init(layers: 2, heads: 2, width: 8)),
        (.global, .init(layers: 1, heads: 1, width: 8, conditionLayers: 1)),
        (.inpainting, .init(layers: 2, heads: 2, width: 8)),
        (.inpainting, .init(layers: 1, heads: 1, width: 8, conditionLayers: 1)),
        (.inpainting, .init(layers: 2, heads: 2, width: 8, step: .token)),
    ]

    @Test("a hoisted transformer step matches the original step", arguments: transformers)
    func transformerStep(conditioning: Conditioning, settings: DenoiserConfiguration.Transformer) throws {
        let tiny = try TinyPolicy(conditioning: conditioning, denoiser: .transformer(settings))
        let graph = try tiny.model.stepGraph(batch: 3, sampler: sampler)
        let expected = try previous(graph, of: tiny, batch: 3, on: ReferenceMachine())
        let hoisted = try previous(graph.hoisted(), of: tiny, batch: 3, on: ReferenceMachine())
        #expect(zip(hoisted, expected).allSatisfy { isClose($0, $1, within: 1e-5) })
        for tested in TestedBackend.allCases {
            let found = try previous(graph, of: tiny, batch: 3, on: tested.makeBackend())
            #expect(zip(found, expected).allSatisfy { isClose($0, $1) }, "\(tested)")
        }
        let shared = try previous(graph, of: tiny, batch: 3, on: TestedBackend.team)
        #expect(zip(shared, expected).allSatisfy { isClose($0, $1) }, "two threads")
    }

    @Test("the last action of a transformer's step depends on the observations", arguments: transformers)
    func attention(conditioning: Conditioning, settings: DenoiserConfiguration.Transformer) throws {
        let tiny = try TinyPolicy(conditioning: conditioning, denoiser: .transformer(settings))
        let graph = try tiny.model.stepGraph(batch: 3, sampler: sampler)
        func lastActions(_ observation: String) throws -> [Float] {
            let samples = try previous(
                graph, of: tiny, batch: 3, observation: fill(observation, count: 18, scale: 3), on: ReferenceMachine())
            return samples.flatMap { sample in
                (0..<3).flatMap { item -> ArraySlice<Float> in
                    let start = (4 * item + 3) * tiny.model.sampleDimension
                    return sample[start..<start + 2]
                }
            }
        }
        let (first, second) = try (lastActions("observation"), lastActions("another observation"))
        #expect(zip(first, second).contains { abs($0 - $1) > 1e-2 })
    }

    @Test("keys and values of observations are computed once per chunk, those of steps once per model")
    func memory() throws {
        let tiny = try TinyPolicy(denoiser: TinyPolicy.transformer)
        let graph = try tiny.model.stepGraph(batch: 1, sampler: sampler).hoisted()
        func linears(_ rate: Rate) -> Int { graph.nodes.count { $0.rate == rate && $0.operation == .linear } }
        // Two in the encoder for the table of steps, plus the keys and values of both layers.
        #expect(linears(.weights) == 4)
        // The same, plus the embedding of the observations.
        #expect(linears(.conditioning) == 5)
        // The linear layers that depend on the actions: six per layer, the embedding, and the head.
        #expect(linears(.iteration) == 14)
        let left = graph.nodes.filter { $0.rate == .iteration }
        #expect(!left.contains { $0.operation == .mish })
        #expect(left.count { $0.operation == .concatenate(axis: 1) } == 2)
        #expect(left.count { $0.operation == .indexSelect } == 1)
    }

    @Test("layers that encode the memory run once per step, without repeated work")
    func encodedMemory() throws {
        let settings = DenoiserConfiguration.Transformer(layers: 2, heads: 2, width: 8, conditionLayers: 1)
        let tiny = try TinyPolicy(denoiser: .transformer(settings))
        let graph = try tiny.model.stepGraph(batch: 1, sampler: sampler).hoisted()
        // Four in the encoder layer, the first of which is split by rate, and seven in each decoder layer,
        // including keys and values.
        #expect(graph.nodes.count { $0.rate == .iteration && $0.operation == .linear } == 3 + 2 * 7 + 2)
    }

    @Test("a step token is a row of a table and passes through the layers with the actions")
    func stepToken() throws {
        let settings = DenoiserConfiguration.Transformer(layers: 2, heads: 2, width: 8, step: .token)
        let tiny = try TinyPolicy(conditioning: .inpainting, denoiser: .transformer(settings))
        let graph = try tiny.model.stepGraph(batch: 1, sampler: sampler).hoisted()
        let left = graph.nodes.filter { $0.rate == .iteration }
        // Nothing is computed for the step alone; its position embedding is in the table.
        for node in left where node.results[0].shape.rank == 3 && node.results[0].shape[1] == 1 {
            #expect(node.operation.isMovement, "\(node.operation)")
        }
        // Over all five tokens, only the residual streams are added, twice per layer.
        #expect(left.count { $0.operation == .add && $0.results[0].shape == [1, 5, 8] } == 4)
        #expect(!left.contains { $0.operation == .sinusoidalEmbedding(dimension: 8) })
    }

    @Test("hoisting leaves training graphs unchanged", arguments: Conditioning.allCases)
    func training(conditioning: Conditioning) throws {
        let graph = try TinyPolicy(conditioning: conditioning).model.trainingGraph(batch: 2)
        #expect(graph.hoisted().nodes == graph.nodes)
        #expect(graph.hoisted().gradients.map(\.value) == graph.gradients.map(\.value))
    }
}
