import NeuralNetworks
public import NoiseSchedules
import PolicyInterface
import PolicyNetworks
public import TensorGraph

/// The mathematics of a policy without its numbers: it builds the graphs that train the network and that denoise with it.
///
/// Everything here is normalised. Letters in shapes: `b` the batch, `To` and `Tp` the horizons, `D` and `A` the components of an observation's vector
/// and of an action, `C` those of what is denoised: `A`, or `A + D` when the observations are inpainted; `S` those of an observation with the features
/// of its images behind the vector, `D` where there are no images.
public struct DiffusionModel: Sendable {
    /// What the model was built for.
    public let configuration: PolicyConfiguration
    /// The parameters of the network, under the names that PyTorch gives them.
    public let table: ParameterTable
    /// The components `D` of an observation.
    public let observationDimension: Int
    /// The components `C` of what is denoised; actions come first.
    public let sampleDimension: Int
    /// How the diffusion mixes samples and noise.
    let schedule: NoiseSchedule
    let denoiser: any Denoiser
    /// What makes features of each image, in the order of the configuration; encoders that share weights share their names.
    let encoders: [RGBEncoder]
    /// The components `S` of an observation with its images' features.
    private let seenDimension: Int

    /// The model of a configuration.
    /// - Parameter learningRateFactors: what the learning rate of a part of the network is multiplied by, by what the part's parameters begin with,
    ///   such as `rgb_encoder`; of several that fit, the longest counts. 0 freezes the part; 1 is the factor of all others.
    /// - Throws: `InvalidSetting` or another error of `PolicyConfiguration.validate()`.
    public init(_ configuration: PolicyConfiguration, learningRateFactors: [String: Double] = [:]) throws {
        try configuration.validate()
        self.configuration = configuration
        schedule = try configuration.diffusion.schedule()
        let actions = configuration.action.dimension
        let observations = try configuration.observationDimension()
        observationDimension = observations
        sampleDimension = configuration.conditioning == .inpainting ? actions + observations : actions
        let encoder = configuration.imageEncoder ?? ImageEncoderConfiguration()
        encoders = try encoder.encoders(of: configuration.observations.images)
        let seen = observations + encoders.count * encoder.features
        seenDimension = seen
        denoiser = try configuration.denoiser.denoiser(
            for: DenoiserNeed(
                channels: sampleDimension, horizon: configuration.horizon,
                global: configuration.conditioning == .global ? seen : nil,
                local: configuration.conditioning == .local ? seen : nil))
        let distinct = encoder.isShared ? Array(encoders.prefix(1)) : encoders
        var table = ParameterTable(denoiser.parameters + distinct.flatMap(\.parameters))
        try table.setTraining(learningRateFactors)
        self.table = table
    }

    /// Names that files of weights may hold beside the parameters; see `Layer.buffers`.
    var buffers: Set<String> { Set(denoiser.buffers + encoders.flatMap(\.buffers)) }

    /// The input that holds the images of each camera, in order, and its shape: `image.NAME`, `[b, To, height, width, 3]`.
    public func imageInputs(batch: Int) -> [(name: String, shape: Shape)] {
        zip(configuration.observations.images, encoders).map { image, encoder in
            (
                "image.\(image.name)",
                [
                    batch, configuration.horizon.observation, encoder.configuration.height, encoder.configuration.width,
                    3,
                ]
            )
        }
    }

    /// How many observations of a window training needs: `Tp` when they are part of what is denoised, else `To`.
    public var trainingObservations: Int {
        configuration.conditioning == .inpainting ? configuration.horizon.prediction : configuration.horizon.observation
    }
}

// MARK: - Learning

extension DiffusionModel {
    /// The loss of a batch and its gradients.
    ///
    /// A window's sample x₀ is mixed with noise ε at a step t of the diffusion: `x_t = √ᾱ_t · x₀ + √(1 − ᾱ_t) · ε`, ᾱ_t being the
    /// product of `1 − β` over the steps up to t. From x_t, t and the observations the network is to tell ε (or x₀, or the velocity
    /// `√ᾱ_t · ε − √(1 − ᾱ_t) · x₀`, as the configuration says); the loss is the mean of the squared differences over all components.
    ///
    /// Inputs, all normalised:
    /// - `observation` `[b, trainingObservations, D]` and `action` `[b, Tp, A]`: a window of a demonstration,
    /// - `image.NAME` `[b, To, height, width, 3]` for each camera,
    /// - `noise` `[n · b, Tp, C]`: from the standard normal distribution, `n` noise samples for each window, one after another,
    /// - `steps` `[n · b]`: steps of the diffusion, each uniform in `0 ..< diffusion.steps`,
    /// - `loss_scale` `[]`: a factor of every gradient, the share of this batch in the whole one when gradients accumulate,
    /// - `in_episode` `[b, Tp]`: 1 for steps that count and 0 for others, only if `masksPadding` says so,
    /// - `dropout_key` `[4]`: the key of this run's dropout (see `DropoutMask`), only if the network has dropout.
    ///
    /// The output is `loss` `[]`, not scaled. Sampling the step and comparing with plain squared error is algorithm 1 of Ho et al. 2020; several
    /// noise samples for what was encoded once are the two-level batches of Hu et al. 2025 (Mini Diffuser, arXiv 2505.09430).
    /// - Parameters:
    ///   - batch: how many windows.
    ///   - noiseSamples: how often each is diffused.
    ///   - masksPadding: whether steps outside of episodes are left out of the loss, which remains a mean over all of them.
    public func trainingGraph(batch: Int, noiseSamples: Int = 1, masksPadding: Bool = false) -> Graph {
        let builder = GraphBuilder(parameters: table)
        let loss = loss(
            in: builder, batch: batch, noiseSamples: noiseSamples, masksPadding: masksPadding,
            dropoutKey: builder.input("dropout_key", DropoutMask.keyShape))
        let gradients = builder.gradients(of: loss, scaledBy: builder.input("loss_scale", []))
        return builder.graph(outputs: [("loss", loss)], gradients: gradients)
    }

    /// The loss of a batch alone, for validation: the inputs and the output of `trainingGraph(batch:noiseSamples:)` but for `loss_scale` and
    /// `dropout_key`, for nothing is dropped; with one noise sample for each window.
    public func lossGraph(batch: Int, masksPadding: Bool = false) -> Graph {
        let builder = GraphBuilder(parameters: table)
        let loss = loss(in: builder, batch: batch, noiseSamples: 1, masksPadding: masksPadding, dropoutKey: nil)
        return builder.graph(outputs: [("loss", loss)])
    }

    private func loss(
        in builder: GraphBuilder, batch: Int, noiseSamples: Int, masksPadding: Bool, dropoutKey: Tensor?
    ) -> Tensor {
        let horizon = configuration.horizon
        let actions = builder.input("action", [batch, horizon.prediction, configuration.action.dimension])
        let observations = vectors(in: builder, [batch, trainingObservations], rate: .step)
        let noise = builder.input("noise", [noiseSamples * batch, horizon.prediction, sampleDimension])
        let steps = builder.input("steps", [noiseSamples * batch])

        let inpainted = configuration.conditioning == .inpainting ? observations : []
        let sample = Tensor.concatenate([actions] + inpainted, axis: 2).repeatingItems(noiseSamples)
        let known = seen(observations.map { $0.slice(axis: 1, 0..<horizon.observation) }, batch: batch, in: builder)
            .repeatingItems(noiseSamples)
        let numbers = Coefficients(
            in: builder, at: steps,
            rows: (0..<schedule.steps).map { step in
                let target = configuration.diffusion.prediction.target(at: step, of: schedule)
                return [schedule.sampleScales[step], schedule.noiseScales[step], target.sample, target.noise]
            })
        let diffused = holdingKnown(numbers[0] * sample + numbers[1] * noise, observation: known)
        let prediction = output(diffused, steps: steps, observation: known, dropoutKey: dropoutKey)
        let target = numbers[2] * sample + numbers[3] * noise
        guard masksPadding else { return unknownPart(of: prediction).meanSquaredError(to: unknownPart(of: target)) }
        let counts = builder.input("in_episode", [batch, horizon.prediction])
            .reshaped(to: [batch, horizon.prediction, 1]).repeatingItems(noiseSamples)
        return (counts * unknownPart(of: prediction)).meanSquaredError(to: counts * unknownPart(of: target))
    }

    /// Zero where a sample is known beforehand, so that it has no part in the loss; the mean still counts it, as the reference does.
    private func unknownPart(of sample: Tensor) -> Tensor {
        guard configuration.conditioning == .inpainting else { return sample }
        let zeros = sample.graph.constant([0], [1, 1, 1])
            .broadcast(to: [sample.shape[0], configuration.horizon.observation, observationDimension])
        return holdingKnown(sample, observation: zeros)
    }
}

// MARK: - Denoising

extension DiffusionModel {
    /// One step of a sampler, network included: from x_t to the less noisy x of the sampler's next step.
    ///
    /// With the six numbers that the sampler's table (`SamplingStep`) has for the step,
    ///
    /// ```
    /// clean    = clamp(a · x_t + b · output)
    /// previous = c · clean + d · x_t + e · output + σ · noise
    /// ```
    ///
    /// where `a · x_t + b · output` is the x₀ that follows from the network's answer, clamped to ± `diffusion.clip` if there is one. The last step's σ is
    /// 0.
    ///
    /// DDPM visits every step (Ho et al. 2020): `c · clean + d · x_t` is the mean of `q(x_{t−1} | x_t, x₀)`, e is 0 and σ its deviation. DDIM
    /// visits few, evenly spaced steps (Song et al. 2021): with t′ the next of them, `previous = √ᾱ_t′ · clean + √(1 − ᾱ_t′ − σ²) · ε̂`, where ε̂ is
    /// the noise that follows from x_t and the answer before clamping, which d and e hold; σ is 0 unless its eta says otherwise.
    ///
    /// Inputs, all normalised:
    /// - `observation` `[b, To, D]` and `image.NAME` `[b, To, height, width, 3]` for each camera, once a chunk,
    /// - `sample` `[b, Tp, C]`: the diffused sample,
    /// - `step` `[b]`: positions in the sampler's table, 0 the noisiest,
    /// - `noise` `[b, Tp, C]`: fresh noise, only if the sampler is stochastic.
    ///
    /// The output is `previous` `[b, Tp, C]`, the less noisy sample. What is known is put into its place before the network sees the
    /// sample, so that a last step leaves the action right but not the inpainted observations.
    /// - Throws: `InvalidSetting` when the diffusion lacks the sampler's steps.
    public func stepGraph(batch: Int, sampler: Sampler) throws -> Graph {
        let steps = try sampler.table(for: configuration.diffusion.prediction, schedule: schedule)
        let builder = GraphBuilder(parameters: table)
        let shape: Shape = [batch, configuration.horizon.prediction, sampleDimension]
        let observation = seen(
            vectors(in: builder, [batch, configuration.horizon.observation], rate: .chunk), batch: batch, in: builder,
            rate: .chunk)
        let sample = builder.input("sample", shape)
        let numbers = Coefficients(
            in: builder, at: builder.input("step", [batch]),
            rows: steps.map { step in
                [
                    Double(step.timestep), step.sampleFromCurrent, step.sampleFromOutput, step.previousFromSample,
                    step.previousFromCurrent, step.previousFromOutput, step.noiseScale,
                ]
            })

        let current = holdingKnown(sample, observation: observation)
        let output = output(current, steps: numbers.vector(0), observation: observation)
        var clean = numbers[1] * current + numbers[2] * output
        if let clip = configuration.diffusion.clip.map(Float.init) { clean = clean.clamped(to: -clip...clip) }
        var previous = numbers[3] * clean + numbers[4] * current + numbers[5] * output
        if sampler.isStochastic { previous = previous + numbers[6] * builder.input("noise", shape) }
        return builder.graph(outputs: [("previous", previous)])
    }
}

// MARK: - The network alone

extension DiffusionModel {
    /// One evaluation of the network and nothing around it, for measurements and comparisons.
    ///
    /// Every input may change from run to run, so that a run computes all of the network, also what a denoising loop would compute once
    /// for a chunk of actions or once for a model.
    ///
    /// Inputs, all normalised and all at the rate of steps:
    /// - `observation` `[b, To, D]` and `image.NAME` `[b, To, height, width, 3]` for each camera,
    /// - `sample` `[b, Tp, C]`: the diffused sample; what is known is put into its place,
    /// - `steps` `[b]`: steps of the diffusion, as numbers.
    ///
    /// The output is `output` `[b, Tp, C]`, the network's answer.
    public func networkGraph(batch: Int) -> Graph {
        let builder = GraphBuilder(parameters: table)
        let horizon = configuration.horizon
        let observation = seen(
            vectors(in: builder, [batch, horizon.observation], rate: .step), batch: batch, in: builder)
        let sample = builder.input("sample", [batch, horizon.prediction, sampleDimension])
        let output = output(
            holdingKnown(sample, observation: observation), steps: builder.input("steps", [batch]),
            observation: observation)
        return builder.graph(outputs: [("output", output)])
    }
}

extension DiffusionModel {
    /// The features of images and nothing else, for measurements and comparisons.
    ///
    /// Inputs: `image.NAME` `[b, To, height, width, 3]` for each camera. The output is `features` `[b, To, F]`, those of each camera in order.
    /// - Precondition: the policy sees images.
    public func featureGraph(batch: Int) -> Graph {
        precondition(!encoders.isEmpty, "features of a policy that sees no images")
        let builder = GraphBuilder(parameters: table)
        return builder.graph(outputs: [("features", seen([], batch: batch, in: builder))])
    }

    /// The features `F` of all images of an observation.
    var featureDimension: Int { seenDimension - observationDimension }
}

// MARK: - Conditioning

extension DiffusionModel {
    /// The input of the observations' vectors, `[b, rows, D]`; none for a policy that sees only images.
    private func vectors(in builder: GraphBuilder, _ rows: [Int], rate: Rate) -> [Tensor] {
        observationDimension == 0
            ? [] : [builder.input("observation", Shape(rows + [observationDimension]), rate: rate)]
    }

    /// What the network gets of `To` observations: their vectors `[b, To, D]` with the features of each image behind them, `[b, To, S]`.
    private func seen(_ vectors: [Tensor], batch: Int, in builder: GraphBuilder, rate: Rate = .step) -> Tensor {
        let features = zip(imageInputs(batch: batch), encoders).map { input, encoder in
            let images = builder.input(input.name, input.shape, rate: rate)
            let features = encoder(images.reshaped(to: Shape([batch * input.shape[1]] + input.shape.dimensions[2...])))
            return features.reshaped(to: [batch, input.shape[1], features.shape[1]])
        }
        return Tensor.concatenate(vectors + features, axis: 2)
    }

    /// The network's answer to a diffused sample `[b, Tp, C]` at steps `[b]`, given observations `[b, To, S]`.
    /// - Parameter dropoutKey: the key of a training run; nil while acting.
    func output(_ sample: Tensor, steps: Tensor, observation: Tensor, dropoutKey: Tensor? = nil) -> Tensor {
        denoiser(
            sample, steps: steps, global: configuration.conditioning == .global ? observation : nil,
            local: configuration.conditioning == .local ? paddedWithZeros(observation) : nil, dropoutKey: dropoutKey)
    }

    /// A sample `[b, Tp, C]` in which what is known is put in its place: the first `To` observations when they are inpainted.
    func holdingKnown(_ sample: Tensor, observation: Tensor) -> Tensor {
        guard configuration.conditioning == .inpainting else { return sample }
        let (horizon, actions) = (configuration.horizon, configuration.action.dimension)
        let unknown = sample.slice(axis: 2, actions..<sampleDimension)
        let held =
            horizon.observation == horizon.prediction
            ? observation
            : Tensor.concatenate(
                [observation, unknown.slice(axis: 1, horizon.observation..<horizon.prediction)], axis: 1)
        return Tensor.concatenate([sample.slice(axis: 2, 0..<actions), held], axis: 2)
    }

    /// Observations `[b, To, S]` followed by zeros: `[b, Tp, S]`.
    private func paddedWithZeros(_ observation: Tensor) -> Tensor {
        let missing = configuration.horizon.prediction - configuration.horizon.observation
        guard missing > 0 else { return observation }
        let shape: Shape = [observation.shape[0], missing, seenDimension]
        let zeros = observation.graph.constant([0], [1, 1, 1]).broadcast(to: shape)
        return Tensor.concatenate([observation, zeros], axis: 1)
    }
}

extension Tensor {
    /// Each item `count` times, one after another: `[b, …]` → `[count · b, …]`.
    fileprivate func repeatingItems(_ count: Int) -> Tensor {
        guard count > 1 else { return self }
        let (batch, item) = (shape[0], Array(shape.dimensions[1...]))
        return reshaped(to: Shape([batch, 1] + item)).broadcast(to: Shape([batch, count] + item))
            .reshaped(to: Shape([batch * count] + item))
    }
}
