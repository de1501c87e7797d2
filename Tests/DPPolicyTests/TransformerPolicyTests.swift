import DPBase
import DPGraph
import DPInterface
import Foundation
import ReferenceBackend
import TestSupport
import Testing

@testable import DPPolicy

@Suite("Policies with a transformer")
struct TransformerPolicyTests {
    private func message(_ configuration: PolicyConfiguration) -> String {
        do {
            try configuration.validate()
            return "valid"
        } catch { return "\(error)" }
    }

    @Test("settings survive coding, in one object with the network's name")
    func coding() throws {
        let denoiser = DenoiserConfiguration.transformer(
            .init(
                layers: 3, heads: 2, width: 16, conditionLayers: 1, isCausal: false, step: .token,
                embeddingDropout: 0.25, attentionDropout: 0.5))
        let data = try JSONEncoder().encode(denoiser)
        #expect(try JSONDecoder().decode(DenoiserConfiguration.self, from: data) == denoiser)
        let keys = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(
            Set(keys.keys) == [
                "name", "layers", "heads", "width", "condition_layers", "causal", "step", "embedding_dropout",
                "attention_dropout",
            ])
    }

    @Test("a wider network keeps its kind; heads keep their width")
    func width() {
        #expect(
            DenoiserConfiguration.transformer(.init(heads: 4, width: 256)).widened(by: 3)
                == .transformer(.init(heads: 12, width: 768)))
        #expect(
            DenoiserConfiguration.unet(.init(widths: [8, 16])).widened(by: 2) == .unet(.init(widths: [16, 32])))
    }

    @Test("errors name invalid settings by their recipe keys")
    func refusals() throws {
        var configuration = try TinyPolicy(denoiser: TinyPolicy.transformer).configuration
        func refusal(_ settings: DenoiserConfiguration.Transformer) -> String {
            configuration.denoiser = .transformer(settings)
            return message(configuration)
        }
        #expect(refusal(.init()) == "valid")
        #expect(refusal(.init(layers: 0)) == "denoiser.layers: expected 1 to 1024, found 0")
        #expect(refusal(.init(heads: 3)).hasPrefix("denoiser.width: expected a multiple of the 3 heads"))
        #expect(refusal(.init(heads: 1, width: 7)).hasPrefix("denoiser.width: expected an even number"))
        #expect(refusal(.init(attentionDropout: 1)).hasPrefix("denoiser.attention_dropout: expected a probability"))
        #expect(refusal(.init(embeddingDropout: .nan)).hasPrefix("denoiser.embedding_dropout"))
        #expect(
            refusal(.init(step: .token)).hasPrefix("denoiser.step: expected condition, since observations condition"))
        configuration.conditioning = .local
        #expect(refusal(.init()).hasPrefix("conditioning: expected global or inpainting"))
        configuration.conditioning = .inpainting
        #expect(refusal(.init(step: .token)) == "valid")
        #expect(refusal(.init(conditionLayers: 2, step: .token)).hasPrefix("denoiser.condition_layers: expected 0"))
        configuration.horizon.prediction = 7
        #expect(refusal(.init()) == "valid")
    }

    @Test("the policy predicts actions without dropout", arguments: [Conditioning.global, .inpainting])
    func acting(conditioning: Conditioning) throws {
        let tiny = try TinyPolicy(conditioning: conditioning, denoiser: TinyPolicy.transformer)
        let policy = try tiny.policy()
        let observations = tiny.observations(2)
        let keys = [RandomKey(seed: 1), RandomKey(seed: 2)]
        let actions = try policy.predict(observations: observations, keys: keys)
        #expect(actions.count == 2 * 4 * 2 && actions.allSatisfy { $0.isFinite })
        // Each item matches the item alone.
        let second = try policy.predict(observations: Array(observations[6...]), keys: [keys[1]])
        #expect(isClose(Array(actions[8...]), second))
        #expect(!tiny.model.lossGraph(batch: 2).hasInput("dropout_key"))
        #expect(try !tiny.model.stepGraph(batch: 1, sampler: .ddpm()).hasInput("dropout_key"))
    }

    @Test("training applies the dropout masks of the key, also to the gradients")
    func training() throws {
        let tiny = try TinyPolicy(denoiser: TinyPolicy.transformer)
        let backend = ReferenceMachine()
        let graph = tiny.model.trainingGraph(batch: 2)
        #expect(graph.hasInput("dropout_key"))
        #expect(try !TinyPolicy().model.trainingGraph(batch: 2).hasInput("dropout_key"))
        let (parameters, gradients) = (
            backend.makeBuffer(count: tiny.model.table.count), backend.makeBuffer(count: tiny.model.table.count)
        )
        let executable = backend.compile(graph, parameters: parameters, gradients: gradients)
        executable.write("action", fill("action", count: 2 * 4 * 2))
        executable.write("observation", fill("window", count: 2 * 2 * 3))
        executable.write("noise", fill("noise", count: 2 * 4 * 2))
        executable.write("steps", [2, 7])
        executable.write("loss_scale", [1])
        func loss(_ weights: [Float], key: UInt64) throws -> Float {
            parameters.write(weights)
            executable.write("dropout_key", DropoutMask.pieces(of: key))
            try executable.run(.iteration)
            return executable.read("loss", count: 1)[0]
        }
        let first = try loss(tiny.weights, key: 1)
        let found = gradients.values()
        #expect(try loss(tiny.weights, key: 2) != first)
        #expect(try loss(tiny.weights, key: 1) == first)

        let direction = fill("direction", count: tiny.weights.count, scale: 1e-3)
        let ahead = try loss(zip(tiny.weights, direction).map { $0 + $1 }, key: 1)
        let behind = try loss(zip(tiny.weights, direction).map { $0 - $1 }, key: 1)
        let expected = zip(found, direction).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs((ahead - behind) / 2 - expected) <= 0.01 * abs(expected) + 1e-6)
    }

    @Test("a policy directory stores a transformer")
    func directory() throws {
        let tiny = try TinyPolicy(denoiser: TinyPolicy.transformer)
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("transformer-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        try PolicyDirectory(url).write(tiny.stored)
        let stored = try PolicyDirectory(url).read()
        #expect(stored.configuration == tiny.configuration)
        #expect(stored.weights == tiny.weights)
        #expect(tiny.configuration.denoiser.summary == "transformer of 2 layers, 2 heads, width 8, causal")
    }

    @Test("tensors that the reference implementation adds to the weights are ignored")
    func masks() throws {
        let folder = try TemporaryFolder()
        let tiny = try TinyPolicy(denoiser: TinyPolicy.transformer)
        let directory = PolicyDirectory(folder("policy"))
        try directory.write(tiny.stored)
        let file = folder("policy").appendingPathComponent("model.safetensors")
        let metadata = try SafetensorsFile(contentsOf: file).metadata
        var tensors = tiny.model.table.ranges.map {
            SafetensorsTensor($0.name, shape: $0.shape.dimensions, .float32(Array(tiny.weights[$0.elements])))
        }
        // An action attends to itself and earlier actions, and, in a memory of the step and two observations, to
        // one more token.
        func mask(_ keys: Int, lead: Int) -> [Float] {
            (0..<4).flatMap { query in (0..<keys).map { $0 <= query + lead ? 0 : -.infinity } }
        }
        tensors.append(SafetensorsTensor("_dummy_variable", shape: [0], .float32([])))
        tensors.append(SafetensorsTensor("mask", shape: [4, 4], .float32(mask(4, lead: 0))))
        tensors.append(SafetensorsTensor("memory_mask", shape: [4, 3], .float32(mask(3, lead: 1))))
        try SafetensorsWriter.write(tensors, metadata: metadata, to: file)
        #expect(try directory.read() == tiny.stored)
    }
}
