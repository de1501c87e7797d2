package import DPGraph
import DPInterface
import DPNetworks

/// The model of a policy without its weights: builds the graphs for training the network and for denoising.
///
/// All values are normalized. Letters in shapes: `b` is the batch; `To` and `Tp` are the horizons; `D` and `A` are
/// the components of an observation vector and of an action; `C` are the components of the denoised sample: `A`, or
/// `A + D` when the observations are inpainted; `S` are the components of an observation vector followed by the
/// features of its images, or `D` without images.
package struct DiffusionModel: Sendable {
    /// The configuration of the model.
    package let configuration: PolicyConfiguration
    /// The parameters of the network, under their PyTorch names.
    package let table: ParameterTable
    /// Number of components `D` of an observation vector.
    package let observationDimension: Int
    /// Number of components `C` of the denoised sample; actions come first.
    package let sampleDimension: Int
    /// The factors of samples and noise at each diffusion step.
    let schedule: NoiseSchedule
    let denoiser: any Denoiser
    /// The encoder of each image, in the order of the configuration; encoders that share weights share their names.
    let encoders: [RGBEncoder]
    /// Number of components `S` of an observation with its image features.
    private let seenDimension: Int

    /// Creates the model of a configuration.
    /// - Parameter learningRateMultipliers: factors of the learning rate by prefix of parameter names, such as
    ///   `rgb_encoder`; the longest matching prefix applies. 0 freezes the matching parameters; the factor of all
    ///   others is 1.
    /// - Throws: `InputError` or another error of `PolicyConfiguration.validate()`.
    package init(_ configuration: PolicyConfiguration, learningRateMultipliers: [String: Double] = [:]) throws {
        try configuration.validate()
        self.configuration = configuration
        schedule = try configuration.diffusion.schedule()
        let actions = try configuration.actionDimension()
        let observations = try configuration.observationDimension()
        observationDimension = observations
        sampleDimension = configuration.conditioning == .inpainting ? actions + observations : actions
        let encoder = configuration.imageEncoder ?? ImageEncoderConfiguration()
        encoders = try encoder.encoders(of: configuration.observations.images)
        let seen = observations + encoders.count * encoder.features
        seenDimension = seen
        denoiser = try configuration.denoiser.denoiser(
            for: DenoiserShape(
                channels: sampleDimension, horizon: configuration.horizon,
                global: configuration.conditioning == .global ? seen : nil,
                local: configuration.conditioning == .local ? seen : nil))
        let distinct = encoder.isShared ? Array(encoders.prefix(1)) : encoders
        var table = ParameterTable(denoiser.parameters + distinct.flatMap(\.parameters))
        try table.setTraining(learningRateMultipliers)
        self.table = table
    }

    /// Names of tensors that weight files may contain in addition to the parameters; see `Layer.buffers`.
    var buffers: Set<String> { Set(denoiser.buffers + encoders.flatMap(\.buffers)) }

    /// Returns the name and shape of each camera's image input, in order: `image.NAME`, `[b, To, height, width, 3]`.
    package func imageInputs(batch: Int) -> [(name: String, shape: Shape)] {
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

    /// Number of observations of a window that training needs: `Tp` when they are part of the denoised sample,
    /// otherwise `To`.
    package var trainingObservations: Int {
        configuration.conditioning == .inpainting ? configuration.horizon.prediction : configuration.horizon.observation
    }
}

// MARK: - Training

extension DiffusionModel {
    /// Returns the graph of the loss of a batch and its gradients.
    ///
    /// A window's sample x₀ is mixed with noise ε at a step t of the diffusion: `x_t = √ᾱ_t · x₀ + √(1 − ᾱ_t) · ε`,
    /// where ᾱ_t is the product of `1 − β` over the steps up to t. From x_t, t, and the observations, the network
    /// predicts ε (or x₀, or the velocity `√ᾱ_t · ε − √(1 − ᾱ_t) · x₀`, depending on the configuration); the loss
    /// is the mean of the squared differences over all components.
    ///
    /// Inputs, all normalized:
    /// - `observation` `[b, trainingObservations, D]` and `action` `[b, Tp, A]`: a window of an episode,
    /// - `image.NAME` `[b, To, height, width, 3]` for each camera,
    /// - `noise` `[n · b, Tp, C]`: standard normal noise, `n` consecutive samples for each window,
    /// - `steps` `[n · b]`: diffusion steps, each uniform in `0 ..< diffusion.steps`,
    /// - `loss_scale` `[]`: a factor of every gradient, the fraction of this batch in the whole batch when
    ///   gradients accumulate,
    /// - `in_episode` `[b, Tp]`: 1 for time steps that count and 0 for others, only with `masksPadding`,
    /// - `dropout_key` `[4]`: the dropout key of this training step (see `DropoutMask`), only if the network has
    ///   dropout.
    ///
    /// The output is `loss` `[]`, not scaled. Sampling the step and using the plain squared error is algorithm 1 of
    /// Ho et al. 2020; several noise samples per encoded observation are the two-level batches of Hu et al. 2025
    /// (Mini Diffuser, arXiv 2505.09430).
    /// - Parameters:
    ///   - batch: the number of windows.
    ///   - noiseSamples: the number of noise samples for each window.
    ///   - masksPadding: whether time steps outside of episodes are excluded from the loss, which remains a mean
    ///     over all time steps.
    package func trainingGraph(batch: Int, noiseSamples: Int = 1, masksPadding: Bool = false) -> Graph {
        let builder = GraphBuilder(parameters: table)
        let loss = loss(
            in: builder, batch: batch, noiseSamples: noiseSamples, masksPadding: masksPadding,
            dropoutKey: builder.input("dropout_key", DropoutMask.keyShape))
        let gradients = builder.gradients(of: loss, scaledBy: builder.input("loss_scale", []))
        return builder.graph(outputs: [("loss", loss)], gradients: gradients)
    }

    /// Returns the graph of the loss alone, for validation, without dropout and with one noise sample for each window.
    ///
    /// Its inputs and output are those of `trainingGraph(batch:noiseSamples:masksPadding:)` without `loss_scale`
    /// and `dropout_key`.
    package func lossGraph(batch: Int, masksPadding: Bool = false) -> Graph {
        let builder = GraphBuilder(parameters: table)
        let loss = loss(in: builder, batch: batch, noiseSamples: 1, masksPadding: masksPadding, dropoutKey: nil)
        return builder.graph(outputs: [("loss", loss)])
    }

    private func loss(
        in builder: GraphBuilder, batch: Int, noiseSamples: Int, masksPadding: Bool, dropoutKey: Tensor?
    ) -> Tensor {
        let horizon = configuration.horizon
        let actions = builder.input("action", [batch, horizon.prediction, configuration.action.dimension])
        let observations = vectors(in: builder, [batch, trainingObservations], rate: .iteration)
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
                return [
                    schedule.sampleScales[step], schedule.noiseScales[step], target.sampleFactor, target.noiseFactor,
                ]
            })
        let diffused = holdingKnown(numbers[0] * sample + numbers[1] * noise, observation: known)
        let prediction = output(diffused, steps: steps, observation: known, dropoutKey: dropoutKey)
        let target = numbers[2] * sample + numbers[3] * noise
        guard masksPadding else { return unknownPart(of: prediction).meanSquaredError(to: unknownPart(of: target)) }
        let counts = builder.input("in_episode", [batch, horizon.prediction])
            .reshaped(to: [batch, horizon.prediction, 1]).repeatingItems(noiseSamples)
        return (counts * unknownPart(of: prediction)).meanSquaredError(to: counts * unknownPart(of: target))
    }

    /// Returns the sample with its known components set to zero, so that they do not contribute to the loss; the
    /// mean still counts them, as in the reference.
    private func unknownPart(of sample: Tensor) -> Tensor {
        guard configuration.conditioning == .inpainting else { return sample }
        let zeros = sample.graph.constant([0], [1, 1, 1])
            .broadcast(to: [sample.shape[0], configuration.horizon.observation, observationDimension])
        return holdingKnown(sample, observation: zeros)
    }
}

// MARK: - Denoising

extension DiffusionModel {
    /// Returns the graph of one sampler step, network included: from x_t to the less noisy x of the sampler's next
    /// step.
    ///
    /// With the six coefficients of the step in the sampler's table (`SamplingStep`),
    ///
    /// ```
    /// clean    = clamp(a · x_t + b · output)
    /// previous = c · clean + d · x_t + e · output + σ · noise
    /// ```
    ///
    /// where `a · x_t + b · output` is the x₀ that follows from the network's output, clamped to ± `diffusion.clip`
    /// if set. σ is 0 at the last step.
    ///
    /// DDPM visits every step (Ho et al. 2020): `c · clean + d · x_t` is the mean of `q(x_{t−1} | x_t, x₀)`, e is
    /// 0, and σ is its standard deviation. DDIM visits few, evenly spaced steps (Song et al. 2021): with t′ the
    /// next of them, `previous = √ᾱ_t′ · clean + √(1 − ᾱ_t′ − σ²) · ε̂`, where ε̂ is the noise that follows from
    /// x_t and the output before clamping, which d and e express; σ is 0 unless eta is above 0.
    ///
    /// Inputs, all normalized:
    /// - `observation` `[b, To, D]` and `image.NAME` `[b, To, height, width, 3]` for each camera, once per chunk,
    /// - `sample` `[b, Tp, C]`: the diffused sample,
    /// - `step` `[b]`: positions in the sampler's table, 0 the noisiest,
    /// - `noise` `[b, Tp, C]`: fresh noise, only if the sampler is stochastic.
    ///
    /// The output is `previous` `[b, Tp, C]`, the less noisy sample. Known observations are inserted into the
    /// sample before the network runs, so the last step leaves valid actions but not valid inpainted observations.
    /// - Throws: `InputError` when the diffusion lacks the sampler's steps.
    package func stepGraph(batch: Int, sampler: Sampler) throws -> Graph {
        let steps = try sampler.table(for: configuration.diffusion.prediction, schedule: schedule)
        let builder = GraphBuilder(parameters: table)
        let shape: Shape = [batch, configuration.horizon.prediction, sampleDimension]
        let observation = seen(
            vectors(in: builder, [batch, configuration.horizon.observation], rate: .conditioning), batch: batch,
            in: builder,
            rate: .conditioning)
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
    /// Returns the graph of one network evaluation alone, for measurements and comparisons.
    ///
    /// Every input may change from run to run, so a run computes the whole network, including the parts that a
    /// denoising loop computes once per chunk or once per model.
    ///
    /// Inputs, all normalized and all at the iteration rate:
    /// - `observation` `[b, To, D]` and `image.NAME` `[b, To, height, width, 3]` for each camera,
    /// - `sample` `[b, Tp, C]`: the diffused sample, into which known observations are inserted,
    /// - `steps` `[b]`: diffusion steps, as numbers.
    ///
    /// The output is `output` `[b, Tp, C]`, the network's output.
    package func networkGraph(batch: Int) -> Graph {
        let builder = GraphBuilder(parameters: table)
        let horizon = configuration.horizon
        let observation = seen(
            vectors(in: builder, [batch, horizon.observation], rate: .iteration), batch: batch, in: builder)
        let sample = builder.input("sample", [batch, horizon.prediction, sampleDimension])
        let output = output(
            holdingKnown(sample, observation: observation), steps: builder.input("steps", [batch]),
            observation: observation)
        return builder.graph(outputs: [("output", output)])
    }
}

extension DiffusionModel {
    /// Returns the graph of the image features alone, for measurements and comparisons.
    ///
    /// Inputs: `image.NAME` `[b, To, height, width, 3]` for each camera. The output is `features` `[b, To, F]`,
    /// those of each camera in order.
    /// - Precondition: the policy uses images.
    package func featureGraph(batch: Int) -> Graph {
        precondition(!encoders.isEmpty, "features of a policy without images")
        let builder = GraphBuilder(parameters: table)
        return builder.graph(outputs: [("features", seen([], batch: batch, in: builder))])
    }

    /// Number of features `F` of all images of an observation.
    var featureDimension: Int { seenDimension - observationDimension }
}

// MARK: - Conditioning

extension DiffusionModel {
    /// Records the input of the observation vectors, `[b, rows, D]`; none for a policy that uses only images.
    private func vectors(in builder: GraphBuilder, _ rows: [Int], rate: Rate) -> [Tensor] {
        observationDimension == 0
            ? [] : [builder.input("observation", Shape(rows + [observationDimension]), rate: rate)]
    }

    /// Records the network's input from `To` observations: the vectors `[b, To, D]` followed by the features of
    /// each image, `[b, To, S]`.
    private func seen(_ vectors: [Tensor], batch: Int, in builder: GraphBuilder, rate: Rate = .iteration) -> Tensor {
        let features = zip(imageInputs(batch: batch), encoders).map { input, encoder in
            let images = builder.input(input.name, input.shape, rate: rate)
            let features = encoder(images.reshaped(to: Shape([batch * input.shape[1]] + input.shape.dimensions[2...])))
            return features.reshaped(to: [batch, input.shape[1], features.shape[1]])
        }
        return Tensor.concatenate(vectors + features, axis: 2)
    }

    /// Records the network's output for a diffused sample `[b, Tp, C]` at steps `[b]`, given observations `[b, To, S]`.
    /// - Parameter dropoutKey: the dropout key of a training step; nil during inference.
    func output(_ sample: Tensor, steps: Tensor, observation: Tensor, dropoutKey: Tensor? = nil) -> Tensor {
        denoiser(
            sample, steps: steps, global: configuration.conditioning == .global ? observation : nil,
            local: configuration.conditioning == .local ? paddedWithZeros(observation) : nil, dropoutKey: dropoutKey)
    }

    /// Records a sample `[b, Tp, C]` with the known values inserted: the first `To` observations when they are
    /// inpainted.
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

    /// Records observations `[b, To, S]` followed by zeros: `[b, Tp, S]`.
    private func paddedWithZeros(_ observation: Tensor) -> Tensor {
        let missing = configuration.horizon.prediction - configuration.horizon.observation
        guard missing > 0 else { return observation }
        let shape: Shape = [observation.shape[0], missing, seenDimension]
        let zeros = observation.graph.constant([0], [1, 1, 1]).broadcast(to: shape)
        return Tensor.concatenate([observation, zeros], axis: 1)
    }
}

extension Tensor {
    /// Repeats each item `count` times: `[b, …]` → `[count · b, …]`.
    fileprivate func repeatingItems(_ count: Int) -> Tensor {
        guard count > 1 else { return self }
        let (batch, item) = (shape[0], Array(shape.dimensions[1...]))
        return reshaped(to: Shape([batch, 1] + item)).broadcast(to: Shape([batch, count] + item))
            .reshaped(to: Shape([batch * count] + item))
    }
}
