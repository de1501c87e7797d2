import DPBase
import DPGraph
import DPInterface
import DPNetworks
import ReferenceBackend
import TestSupport

@testable import DPPolicy

/// A policy that is small enough for the slow backend.
struct TinyPolicy {
    var configuration: PolicyConfiguration
    let model: DiffusionModel
    let normalizer: Normalizer
    /// Small networks of each kind.
    static let unet = DenoiserConfiguration.unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8))
    static let transformer = DenoiserConfiguration.transformer(
        .init(layers: 2, heads: 2, width: 8, embeddingDropout: 0.2, attentionDropout: 0.3))

    var weights: [Float]

    init(
        conditioning: Conditioning = .global, prediction: Prediction = .noise, clip: Double? = 1,
        sampler: Sampler = .ddim(steps: 3, spacing: .leading), limits: ActionConfiguration.Limits? = nil,
        denoiser: DenoiserConfiguration = TinyPolicy.unet
    ) throws {
        configuration = PolicyConfiguration(
            observations: ObservationSchema([
                FeatureSelection("joints", size: 2), FeatureSelection("goal", slice: 1..<2, size: 2),
            ]),
            action: ActionConfiguration(dimension: 2, limits: limits),
            horizon: Horizon(observation: 2, prediction: 4, action: 2), conditioning: conditioning,
            denoiser: denoiser,
            diffusion: DiffusionConfiguration(steps: 10, prediction: prediction, clip: clip), sampler: sampler)
        model = try DiffusionModel(configuration)
        normalizer = Normalizer(
            observation: ElementwiseAffine(scale: [0.5, 2, 1], offset: [0, -1, 0.25]),
            action: ElementwiseAffine(scale: [0.01, 0.02], offset: [-1, -0.5]))
        weights = model.table.initialValues(key: RandomKey(seed: 7))
        // A freshly initialized transformer hardly attends to anything.
        if case .transformer = denoiser {
            for range in model.table.ranges {
                weights.replaceSubrange(range.elements, with: fillParameter(range.name, shape: range.shape.dimensions))
            }
        }
    }

    var stored: StoredPolicy {
        StoredPolicy(
            configuration: configuration, normalizer: normalizer, weights: weights, origin: ["recipe": "tiny"])
    }

    func policy(sampler: Sampler? = nil, on tested: TestedBackend = .reference) throws -> DiffusionPolicy {
        let backend = tested.makeBackend()
        let parameters = try backend.makeBuffer(count: model.table.count)
        parameters.write(weights)
        return try DiffusionPolicy(
            model, parameters: parameters, normalizer: normalizer, sampler: sampler, backend: backend)
    }

    /// Returns raw observations of some items, `[count, To, D]`.
    func observations(_ count: Int) -> [Float] { fill("observation", count: count * 2 * 3) }

    /// Returns the output of the network alone, on the slow backend, for a sample `[1, Tp, C]` that is manually
    /// conditioned on normalized observations `[To, D]`.
    func output(_ sample: [Float], step: Int, observation: [Float]) throws -> [Float] {
        let builder = GraphBuilder(parameters: model.table)
        let global = configuration.conditioning == .global ? builder.input("global", [1, 2, 3]) : nil
        let local = configuration.conditioning == .local ? builder.input("local", [1, 4, 3]) : nil
        let result = model.denoiser(
            builder.input("sample", [1, 4, model.sampleDimension]), steps: builder.input("steps", [1]),
            global: global, local: local, dropoutKey: nil)
        let backend = ReferenceMachine()
        let parameters = backend.makeBuffer(count: model.table.count)
        parameters.write(weights)
        let executable = backend.compile(
            builder.graph(outputs: [("output", result)]), parameters: parameters, gradients: nil)
        executable.write("sample", sample)
        executable.write("steps", [Float(step)])
        if global != nil { executable.write("global", observation) }
        if local != nil { executable.write("local", observation + [Float](repeating: 0, count: 6)) }
        try executable.run(.iteration)
        return executable.read("output", count: sample.count)
    }

    /// Returns the raw actions `[1, Tp, A]` that the sampler's steps compute from a sample `[1, Tp, C]`, one step
    /// at a time.
    /// - Parameters:
    ///   - first: the index of the first step.
    ///   - observation: normalized, `[To, D]`.
    func actions(
        denoising sample: [Float], with sampler: Sampler, from first: Int = 0, key: RandomKey, observation: [Float]
    ) throws -> [Float] {
        let table = try sampler.table(
            for: configuration.diffusion.prediction, schedule: configuration.diffusion.schedule())
        var sample = sample
        var noise = sample
        for index in first..<table.count {
            let held = holding(sample, observation: observation)
            let output = try output(held, step: table[index].timestep, observation: observation)
            key.folding(1 + index).fillNormal(&noise)
            sample = held.indices.map {
                Float(
                    table[index].previous(
                        current: Double(held[$0]), output: Double(output[$0]), noise: Double(noise[$0]), clip: 1))
            }
        }
        var actions = (0..<4).flatMap { sample[$0 * model.sampleDimension..<$0 * model.sampleDimension + 2] }
        normalizer.action.invert(&actions)
        return actions
    }

    /// Returns a sample `[1, Tp, C]` with the first observations inserted when they are inpainted.
    func holding(_ sample: [Float], observation: [Float]) -> [Float] {
        guard configuration.conditioning == .inpainting else { return sample }
        var sample = sample
        for time in 0..<2 {
            for component in 0..<3 { sample[time * 5 + 2 + component] = observation[time * 3 + component] }
        }
        return sample
    }
}

/// Returns whether two arrays agree element by element.
func isClose(_ left: [Float], _ right: [Float], within tolerance: Float = 1e-4) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
}
