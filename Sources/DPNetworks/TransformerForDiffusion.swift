package import DPGraph

/// A transformer over noisy actions that attends to the diffusion step and the observations.
///
/// It is the transformer denoiser of Diffusion Policy (Chi et al. 2023, section 3.1, "Time-series diffusion
/// transformer"), based on minGPT. Each action is a token: a linear map of the action plus a learned position
/// embedding. Each layer normalizes first (Xiong et al. 2020); its tokens then attend to themselves, to earlier tokens
/// (or to all, if attention is not causal) and to the memory. The memory has a token for the diffusion step (sines and
/// cosines) and one for each observation (a linear map), all with learned position embeddings, and an MLP or
/// transformer layers encode them. Without observations, the step can instead be a token before the actions, processed
/// by layers without a memory: the reference's encoder-only variant.
///
/// Names, order, and arithmetic match the reference implementation's `TransformerForDiffusion`, so that published
/// weights load.
package struct TransformerForDiffusion: Denoiser {
    /// The configuration of the network.
    package let configuration: Configuration

    private let inputEmbedding: Linear
    private let positions: Parameter
    private let body: Body
    private let dropout: Dropout
    private let finalNorm: LayerNorm
    private let head: Linear

    /// The layers between the embedded actions and the head.
    private enum Body {
        /// Layers that attend to a memory.
        case decoder(Condition, [TransformerDecoderLayer])
        /// Layers over the step and the actions.
        case encoder([TransformerEncoderLayer])
    }

    /// The layers that compute the memory.
    private struct Condition {
        let positions: Parameter
        let observationEmbedding: Linear?
        let dropout: Dropout
        let encoder: ConditionEncoder

        /// Records the memory `[batch, tokens, width]` of an embedded step `[batch or 1, 1, width]` and of
        /// observations.
        ///
        /// Position embeddings are added to each kind of token before concatenation, so that the embedded
        /// observations do not depend on the step until tokens attend to each other.
        func memory(step: Tensor, observations: Tensor?, batch: Int, dropoutKey: Tensor?) -> Tensor {
            let positions = step.graph.parameter(positions)
            var tokens = [(step + positions.slice(axis: 1, 0..<1)).broadcast(to: [batch, 1, step.shape.last])]
            if let observations, let observationEmbedding {
                tokens.append(observationEmbedding(observations) + positions.slice(axis: 1, 1..<positions.shape[1]))
            }
            return encoder(dropout(.concatenate(tokens, axis: 1), key: dropoutKey), dropoutKey: dropoutKey)
        }
    }

    /// Creates a network from a configuration.
    /// - Throws: `InputError` when the configuration cannot work.
    package init(_ configuration: Configuration) throws {
        try configuration.validate()
        self.configuration = configuration
        let (width, settings) = (configuration.width, configuration.settings)
        let isObserving = configuration.observationDimension != nil
        inputEmbedding = Linear("input_emb", inputs: configuration.inputDimension, outputs: width)
        positions = Self.positions("pos_emb", configuration.tokens, width: width)
        dropout = Dropout("drop", probability: configuration.embeddingDropout)
        body =
            switch configuration.step {
            case .condition:
                .decoder(
                    Condition(
                        // The reference initializes the position embedding of a lone step to zero.
                        positions: Self.positions(
                            "cond_pos_emb", configuration.memoryTokens, width: width, isRandom: isObserving),
                        observationEmbedding: configuration.observationDimension.map {
                            Linear("cond_obs_emb", inputs: $0, outputs: width)
                        },
                        dropout: Dropout("drop of the condition", probability: configuration.embeddingDropout),
                        encoder: ConditionEncoder("encoder", layers: configuration.conditionLayers, settings: settings)),
                    (0..<configuration.layers).map { TransformerDecoderLayer("decoder.layers.\($0)", settings) })
            case .token:
                .encoder((0..<configuration.layers).map { TransformerEncoderLayer("encoder.layers.\($0)", settings) })
            }
        finalNorm = LayerNorm("ln_f", channels: width)
        head = Linear("head", inputs: width, outputs: configuration.outputDimension)
    }

    /// Returns a learned position embedding, without weight decay.
    private static func positions(_ name: String, _ count: Int, width: Int, isRandom: Bool = true) -> Parameter {
        Parameter(
            name, [1, count, width], isRandom ? .normal(standardDeviation: 0.02) : .constant(0), decays: false)
    }

    /// All parameters, in the order of the reference implementation's `state_dict`.
    ///
    /// As in the reference, weights start normally distributed with a standard deviation of 0.02 and decay; biases
    /// start at 0, gains at 1, and neither decays.
    package var parameters: [Parameter] {
        let layers: [any Layer]
        var embeddings = [positions]
        switch body {
        case .decoder(let condition, let decoder):
            embeddings.append(condition.positions)
            layers =
                [inputEmbedding] + (condition.observationEmbedding.map { [$0] } ?? []) + [condition.encoder] + decoder
        case .encoder(let encoder):
            layers = [inputEmbedding] + encoder
        }
        return embeddings + (layers + [finalNorm, head]).flatMap(\.parameters).map(Self.initialized)
    }

    /// The masks, which follow from the configuration, and an empty parameter that the reference implementation
    /// uses to find its device.
    package var buffers: [String] { ["_dummy_variable", "mask", "memory_mask"] }

    private static func initialized(_ parameter: Parameter) -> Parameter {
        var parameter = parameter
        parameter.decays = parameter.shape.rank > 1
        if parameter.decays {
            parameter.initialization = .normal(standardDeviation: 0.02)
        } else if parameter.name.hasSuffix("bias") {
            parameter.initialization = .constant(0)
        }
        return parameter
    }

    /// Records one evaluation of the network.
    /// - Parameters:
    ///   - sample: the noisy sequence, `[batch, horizon, inputDimension]`.
    ///   - steps: diffusion steps, `[batch]`, or one for all items.
    ///   - global: the observations of a window, `[batch, observationSteps, observationDimension]`.
    ///   - local: always nil.
    ///   - dropoutKey: the dropout key of a training step, `[4]`; nil during inference.
    /// - Returns: the network's output, `[batch, horizon, outputDimension]`.
    /// - Precondition: the shapes match the configuration.
    package func callAsFunction(
        _ sample: Tensor, steps: Tensor, global: Tensor? = nil, local: Tensor? = nil, dropoutKey: Tensor? = nil
    ) -> Tensor {
        checkShapes(sample, global, local)
        let batch = sample.shape[0]
        let step = steps.reshaped(to: [steps.shape.count]).sinusoidalEmbedding(dimension: configuration.width)
            .reshaped(to: [steps.shape.count, 1, configuration.width])
        let actions = inputEmbedding(sample)
        let positions = sample.graph.parameter(positions)

        let answer: Tensor
        switch body {
        case .decoder(let condition, let layers):
            let memory = condition.memory(step: step, observations: global, batch: batch, dropoutKey: dropoutKey)
            let tokens = dropout(actions + positions, key: dropoutKey)
            answer = layers.reduce(tokens) { $1($0, memory: memory, dropoutKey: dropoutKey) }
        case .encoder(let layers):
            // As in the memory, position embeddings are added first, so that the embedded step is a row of a
            // precomputed table.
            let first = (step + positions.slice(axis: 1, 0..<1)).broadcast(to: [batch, 1, configuration.width])
            let rest = actions + positions.slice(axis: 1, 1..<configuration.tokens)
            let tokens = dropout(.concatenate([first, rest], axis: 1), key: dropoutKey)
            answer = layers.reduce(tokens) { $1($0, dropoutKey: dropoutKey) }
                .slice(axis: 1, 1..<configuration.tokens)
        }
        return head(finalNorm(answer))
    }

    private func checkShapes(_ sample: Tensor, _ global: Tensor?, _ local: Tensor?) {
        let batch = sample.shape.dimensions.first ?? 0
        let expectedSample = [batch, configuration.horizon, configuration.inputDimension]
        precondition(
            sample.shape.dimensions == expectedSample, "sample: expected \(expectedSample), found \(sample.shape)")
        let expectedGlobal = configuration.observationDimension.map { [batch, configuration.observationSteps, $0] }
        precondition(
            global?.shape.dimensions == expectedGlobal,
            "observations: expected \(expectedGlobal ?? []), found \(global?.shape.dimensions ?? [])")
        precondition(local == nil, "local conditioning: expected none, found \(local?.shape.dimensions ?? [])")
    }
}
