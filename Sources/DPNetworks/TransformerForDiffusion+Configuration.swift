import DPBase
import DPGraph

extension TransformerForDiffusion {
    /// The configuration of a transformer.
    ///
    /// The defaults are those of the published network for Push-T from keypoints
    /// (`train_diffusion_transformer_lowdim_pusht_workspace` of the reference implementation): 8 layers with 4
    /// heads and a width of 256.
    package struct Configuration: Codable, Sendable, Equatable {
        /// Where the network receives the diffusion step.
        package enum StepPlacement: String, Codable, Sendable, Equatable, CaseIterable {
            /// In the first token of the memory that the actions attend to.
            case condition
            /// In a token before the actions, for a network without a memory.
            case token
        }

        /// Channels of the denoised sequence: the action components, plus the observation components when inpainting.
        package var inputDimension: Int
        /// Channels of the network's output.
        package var outputDimension: Int
        /// Length of the sequence; each time step has its own position embedding.
        package var horizon: Int
        /// Number of observations in the memory, one token each; 2 by default.
        package var observationSteps: Int
        /// Components of an observation; nil if observations do not condition the network.
        package var observationDimension: Int?
        /// Number of layers; 8 by default.
        package var layers: Int
        /// Number of attention heads, a divisor of the width; 4 by default.
        package var heads: Int
        /// Size of a token, even; 256 by default.
        package var width: Int
        /// Dropout probability of the embedded tokens in training; 0 by default.
        package var embeddingDropout: Float
        /// Dropout probability inside the layers in training; 0.01 by default.
        package var attentionDropout: Float
        /// Whether an action attends only to itself, earlier actions, and observations up to its own time step;
        /// true by default.
        package var isCausal: Bool
        /// Where the network receives the diffusion step; in the condition by default.
        package var step: StepPlacement
        /// Number of layers that encode the memory; with 0, the default, an MLP with one hidden layer encodes
        /// each token.
        package var conditionLayers: Int

        enum CodingKeys: String, CodingKey {
            case inputDimension = "input_dimension"
            case outputDimension = "output_dimension"
            case horizon
            case observationSteps = "observation_steps"
            case observationDimension = "observation_dimension"
            case layers
            case heads
            case width
            case embeddingDropout = "embedding_dropout"
            case attentionDropout = "attention_dropout"
            case isCausal = "is_causal"
            case step
            case conditionLayers = "condition_layers"
        }

        /// Creates a configuration; omitted settings have their defaults, and `outputDimension` defaults to
        /// `inputDimension`.
        package init(
            inputDimension: Int, outputDimension: Int? = nil, horizon: Int, observationSteps: Int = 2,
            observationDimension: Int? = nil, layers: Int = 8, heads: Int = 4, width: Int = 256,
            embeddingDropout: Float = 0, attentionDropout: Float = 0.01, isCausal: Bool = true,
            step: StepPlacement = .condition, conditionLayers: Int = 0
        ) {
            self.inputDimension = inputDimension
            self.outputDimension = outputDimension ?? inputDimension
            self.horizon = horizon
            self.observationSteps = observationSteps
            self.observationDimension = observationDimension
            self.layers = layers
            self.heads = heads
            self.width = width
            self.embeddingDropout = embeddingDropout
            self.attentionDropout = attentionDropout
            self.isCausal = isCausal
            self.step = step
            self.conditionLayers = conditionLayers
        }
    }
}

// MARK: - Tokens

extension TransformerForDiffusion.Configuration {
    /// Number of tokens of the memory: the step and the observations.
    var memoryTokens: Int { 1 + (observationDimension == nil ? 0 : observationSteps) }

    /// Number of tokens of the sequence: the actions, preceded by the step if it is a token.
    var tokens: Int { horizon + (step == .token ? 1 : 0) }

    /// The settings shared by all layers.
    ///
    /// A causal action at time t attends to the observations up to t; since the memory begins with the step, those
    /// are the tokens up to t + 1.
    var settings: TransformerSettings {
        TransformerSettings(
            width: width, heads: heads, dropout: attentionDropout, mask: isCausal ? .causal(lead: 0) : .none,
            memoryMask: isCausal ? .causal(lead: 1) : .none)
    }
}

// MARK: - Validation

extension TransformerForDiffusion.Configuration {
    /// Checks that a network of this configuration can be built.
    ///
    /// The upper limits keep sizes computed from malicious settings within 64-bit integers; real networks are far
    /// below them.
    /// - Throws: `InputError`, which names the setting.
    package func validate() throws {
        try check("inputDimension", inputDimension, in: 1...65536)
        try check("outputDimension", outputDimension, in: 1...65536)
        try check("horizon", horizon, in: 1...65536)
        try check("observationSteps", observationSteps, in: 1...65536)
        if let dimension = observationDimension { try check("observationDimension", dimension, in: 1...65536) }
        try check("layers", layers, in: 1...1024)
        try check("conditionLayers", conditionLayers, in: 0...1024)
        try check("heads", heads, in: 1...1024)
        try check("width", width, in: 4...65536)
        guard width % 2 == 0 else {
            throw InputError(
                key: "width", expected: "an even number, since half of the step's embedding is sines and half cosines",
                found: width)
        }
        guard width % heads == 0 else {
            throw InputError(key: "width", expected: "a multiple of the \(heads) heads", found: width)
        }
        for (key, probability) in [
            ("embeddingDropout", embeddingDropout), ("attentionDropout", attentionDropout),
        ] {
            guard probability >= 0 && probability < 1 else {
                throw InputError(key: key, expected: "a probability from 0 to below 1", found: probability)
            }
        }
        guard step == .condition || observationDimension == nil else {
            throw InputError(
                key: "step",
                expected: """
                    condition, since observations condition the network (a step among the tokens leaves it no memory to \
                    attend to)
                    """,
                found: step.rawValue)
        }
        guard step == .condition || conditionLayers == 0 else {
            throw InputError(
                key: "conditionLayers", expected: "0, since a network with the step among its tokens has no memory",
                found: conditionLayers)
        }
    }

    private func check(_ setting: String, _ value: Int, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw InputError(key: setting, expected: "\(range.lowerBound) to \(range.upperBound)", found: value)
        }
    }
}
