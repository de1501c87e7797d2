import NoiseSchedules
import ReferenceBackend
import TensorGraph
import TestSupport
import Testing

@testable import Policies

/// The graphs of a policy after hoisting.
@Suite("Hoisting of a policy's graphs")
struct HoistingTests {
    private let sampler = Sampler.ddim(steps: 3, eta: 0.5)

    /// What a graph makes of a batch whose items are at different steps.
    private func previous(
        _ graph: Graph, of tiny: TinyPolicy, batch: Int, observation: [Float]? = nil, on backend: any Backend
    ) throws -> [[Float]] {
        let parameters = try backend.makeBuffer(count: tiny.weights.count)
        let executable = try backend.compile(graph, parameters: parameters, gradients: nil)
        parameters.write(tiny.weights)
        let count = batch * 4 * tiny.model.sampleDimension
        executable.write("observation", observation ?? fill("observation", count: batch * 6))
        try executable.run(.chunk)
        return try (0..<3).map { step in
            executable.write("sample", fill("sample \(step)", count: count))
            executable.write("noise", fill("noise \(step)", count: count))
            executable.write("step", (0..<batch).map { Float(($0 + step) % 3) })
            try executable.run(.step)
            return executable.read("previous", count: count)
        }
    }

    @Test("a hoisted step is the step", arguments: Conditioning.allCases, [1, 3])
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

    @Test("of the conditioning a step is left look-ups and at most one sum", arguments: Conditioning.allCases)
    func remainder(conditioning: Conditioning) throws {
        let tiny = try TinyPolicy(conditioning: conditioning)
        let graph = try tiny.model.stepGraph(batch: 2, sampler: sampler).hoisted()
        let left = graph.nodes.filter { $0.rate == .step }
        #expect(!left.contains { $0.operation == .linear })
        #expect(left.count { $0.operation == .lookUp } == (conditioning == .global ? 2 : 1))
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

    @Test("a hoisted step of a transformer is the step", arguments: transformers)
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

    @Test("keys and values of observations are made once a chunk, those of steps once for a model")
    func memory() throws {
        let tiny = try TinyPolicy(denoiser: TinyPolicy.transformer)
        let graph = try tiny.model.stepGraph(batch: 1, sampler: sampler).hoisted()
        func linears(_ rate: Rate) -> Int { graph.nodes.count { $0.rate == rate && $0.operation == .linear } }
        // The encoder's two for the table of steps, and the keys and values of both layers.
        #expect(linears(.model) == 4)
        // The embedding of the observations too.
        #expect(linears(.chunk) == 5)
        // What depends on the actions: six a layer, their embedding and the head.
        #expect(linears(.step) == 14)
        let left = graph.nodes.filter { $0.rate == .step }
        #expect(!left.contains { $0.operation == .mish })
        #expect(left.count { $0.operation == .concatenate(axis: 1) } == 2)
        #expect(left.count { $0.operation == .lookUp } == 1)
    }

    @Test("layers that encode the memory run once a step, and nothing of them twice")
    func encodedMemory() throws {
        let settings = DenoiserConfiguration.Transformer(layers: 2, heads: 2, width: 8, conditionLayers: 1)
        let tiny = try TinyPolicy(denoiser: .transformer(settings))
        let graph = try tiny.model.stepGraph(batch: 1, sampler: sampler).hoisted()
        // Four in the encoder's layer, of which the first is parted by the rates, and seven in each layer, with keys and values.
        #expect(graph.nodes.count { $0.rate == .step && $0.operation == .linear } == 3 + 2 * 7 + 2)
    }

    @Test("a step among the tokens is a row of a table, and goes through the layers with the actions")
    func stepToken() throws {
        let settings = DenoiserConfiguration.Transformer(layers: 2, heads: 2, width: 8, step: .token)
        let tiny = try TinyPolicy(conditioning: .inpainting, denoiser: .transformer(settings))
        let graph = try tiny.model.stepGraph(batch: 1, sampler: sampler).hoisted()
        let left = graph.nodes.filter { $0.rate == .step }
        // Of the step alone, nothing is computed any more; its place is in the table.
        for node in left where node.results[0].shape.rank == 3 && node.results[0].shape[1] == 1 {
            #expect(node.operation.isMovement, "\(node.operation)")
        }
        // Of all five tokens, only the residual streams are added up: twice a layer.
        #expect(left.count { $0.operation == .add && $0.results[0].shape == [1, 5, 8] } == 4)
        #expect(!left.contains { $0.operation == .sinusoidalEmbedding(dimension: 8) })
    }

    @Test("training is computed as it is written", arguments: Conditioning.allCases)
    func training(conditioning: Conditioning) throws {
        let graph = try TinyPolicy(conditioning: conditioning).model.trainingGraph(batch: 2)
        #expect(graph.hoisted().nodes == graph.nodes)
        #expect(graph.hoisted().gradients.map(\.value) == graph.gradients.map(\.value))
    }
}
