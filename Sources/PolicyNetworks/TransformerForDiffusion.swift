import NeuralNetworks
public import TensorGraph

/// A transformer over noisy actions that attends to the diffusion step and the observations.
///
/// It is the transformer denoiser of Diffusion Policy (Chi et al. 2023, section 3.1, "Time-series diffusion transformer"), after minGPT. Each
/// action is a token: a linear map of it plus a learned embedding of its place. Each layer normalises first (Xiong et al. 2020), then lets the
/// tokens attend to the ones before them, then to the memory: the step of the diffusion as sines and cosines, and a linear map of each
/// observation, with learned places too, encoded by a perceptron or by layers of their own. Without observations the step may stand before the
/// actions instead, and layers without a memory do: the reference's encoder-only variant.
///
/// Names, order and arithmetic are those of the reference implementation's `TransformerForDiffusion`, so that published weights fit.
public struct TransformerForDiffusion: Denoiser {
    /// What the network was built for.
    public let configuration: Configuration

    private let inputEmbedding: Linear
    private let positions: Parameter
    private let trunk: Trunk
    private let dropout: Dropout
    private let finalNorm: LayerNorm
    private let head: Linear

    /// What stands between the embedded actions and the head.
    private enum Trunk {
        /// Layers that attend to a memory.
        case decoder(Condition, [TransformerDecoderLayer])
        /// Layers over the step and the actions.
        case encoder([TransformerEncoderLayer])
    }

    /// What makes the memory.
    private struct Condition {
        let positions: Parameter
        let observationEmbedding: Linear?
        let dropout: Dropout
        let encoder: ConditionEncoder

        /// The memory `[batch, tokens, width]` of an embedded step `[batch or 1, 1, width]` and of observations.
        ///
        /// Places are added to each kind of token before they are joined, so that what is made of the observations does not depend on the
        /// step until tokens attend to each other.
        func memory(step: Tensor, observations: Tensor?, batch: Int, dropoutKey: Tensor?) -> Tensor {
            let positions = step.graph.parameter(positions)
            var tokens = [(step + positions.slice(axis: 1, 0..<1)).broadcast(to: [batch, 1, step.shape.last])]
            if let observations, let observationEmbedding {
                tokens.append(observationEmbedding(observations) + positions.slice(axis: 1, 1..<positions.shape[1]))
            }
            return encoder(dropout(.concatenate(tokens, axis: 1), key: dropoutKey), dropoutKey: dropoutKey)
        }
    }

    /// A network of the given configuration.
    /// - Throws: `InvalidSetting` when the configuration cannot work.
    public init(_ configuration: Configuration) throws {
        try configuration.validate()
        self.configuration = configuration
        let (width, settings) = (configuration.width, configuration.settings)
        let isObserving = configuration.observationDimension != nil
        inputEmbedding = Linear("input_emb", inputs: configuration.inputDimension, outputs: width)
        positions = Self.positions("pos_emb", configuration.tokens, width: width)
        dropout = Dropout("drop", probability: configuration.embeddingDropout)
        trunk =
            switch configuration.step {
            case .condition:
                .decoder(
                    Condition(
                        // The reference leaves the place of a step that is alone at zero.
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

    /// A learned embedding of each place, never decayed.
    private static func positions(_ name: String, _ count: Int, width: Int, isRandom: Bool = true) -> Parameter {
        Parameter(
            name, [1, count, width], isRandom ? .normal(standardDeviation: 0.02) : .constant(0), decays: false)
    }

    /// All parameters, in the order of the reference implementation's `state_dict`.
    ///
    /// As there, weights of products start normal with a deviation of 0.02 and decay; biases start at 0, gains at 1, and neither decays.
    public var parameters: [Parameter] {
        let layers: [any Layer]
        var places = [positions]
        switch trunk {
        case .decoder(let condition, let decoder):
            places.append(condition.positions)
            layers =
                [inputEmbedding] + (condition.observationEmbedding.map { [$0] } ?? []) + [condition.encoder] + decoder
        case .encoder(let encoder):
            layers = [inputEmbedding] + encoder
        }
        return places + (layers + [finalNorm, head]).flatMap(\.parameters).map(Self.initialised)
    }

    /// The masks, which follow from the configuration, and an empty parameter by which the reference implementation knows its device.
    public var buffers: [String] { ["_dummy_variable", "mask", "memory_mask"] }

    private static func initialised(_ parameter: Parameter) -> Parameter {
        var parameter = parameter
        parameter.decays = parameter.shape.rank > 1
        if parameter.decays {
            parameter.initialisation = .normal(standardDeviation: 0.02)
        } else if parameter.name.hasSuffix("bias") {
            parameter.initialisation = .constant(0)
        }
        return parameter
    }

    /// Records one evaluation of the network.
    /// - Parameters:
    ///   - sample: what is denoised, `[batch, horizon, inputDimension]`.
    ///   - steps: steps of the diffusion, `[batch]`, or one for all.
    ///   - global: the observations of a window, `[batch, observationSteps, observationDimension]`.
    ///   - local: always nil.
    ///   - dropoutKey: the key of a training run's dropout, `[4]`; nil while acting.
    /// - Returns: the network's answer, `[batch, horizon, outputDimension]`.
    /// - Precondition: the shapes are those of the configuration.
    public func callAsFunction(
        _ sample: Tensor, steps: Tensor, global: Tensor? = nil, local: Tensor? = nil, dropoutKey: Tensor? = nil
    ) -> Tensor {
        checkShapes(sample, global, local)
        let batch = sample.shape[0]
        let step = steps.reshaped(to: [steps.shape.count]).sinusoidalEmbedding(dimension: configuration.width)
            .reshaped(to: [steps.shape.count, 1, configuration.width])
        let actions = inputEmbedding(sample)
        let positions = sample.graph.parameter(positions)

        let answer: Tensor
        switch trunk {
        case .decoder(let condition, let layers):
            let memory = condition.memory(step: step, observations: global, batch: batch, dropoutKey: dropoutKey)
            let tokens = dropout(actions + positions, key: dropoutKey)
            answer = layers.reduce(tokens) { $1($0, memory: memory, dropoutKey: dropoutKey) }
        case .encoder(let layers):
            // As in a memory, places are added first, so that a step with its place is a row of a table.
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
