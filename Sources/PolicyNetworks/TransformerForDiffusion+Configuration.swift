import NeuralNetworks
import PolicyInterface
import TensorGraph

extension TransformerForDiffusion {
    /// How a transformer is built.
    ///
    /// The defaults are the published network for Push-T from keypoints (`train_diffusion_transformer_lowdim_pusht_workspace` of the
    /// reference implementation): 8 layers of 4 heads, 256 wide.
    public struct Configuration: Codable, Sendable, Equatable {
        /// Where the network is told the step of the diffusion.
        public enum StepPlacement: String, Codable, Sendable, Equatable, CaseIterable {
            /// In the first token of the memory that the actions attend to.
            case condition
            /// In a token before the actions, for a network without a memory.
            case token
        }

        /// Columns of the sequence that is denoised: those of an action, and with inpainting those of an observation too.
        public var inputDimension: Int
        /// Columns of the network's answer.
        public var outputDimension: Int
        /// Length of the sequence: each time has a position embedding of its own.
        public var horizon: Int
        /// Observations in the memory, each a token; 2 by default.
        public var observationSteps: Int
        /// Columns of an observation; nil if none conditions the network.
        public var observationDimension: Int?
        /// Layers; 8 by default.
        public var layers: Int
        /// Heads of the attention, a divisor of the width; 4 by default.
        public var heads: Int
        /// Columns of a token, even; 256 by default.
        public var width: Int
        /// How likely an element of an embedded token is dropped in training; 0 by default.
        public var embeddingDropout: Float
        /// How likely an element is dropped inside of the layers in training; 0.01 by default.
        public var attentionDropout: Float
        /// Whether an action sees only what came before it: actions, and observations of its own time and before; true by default.
        public var isCausal: Bool
        /// Where the network is told the step of the diffusion; in the condition by default.
        public var step: StepPlacement
        /// Layers that encode the memory; with none, the default, a perceptron of one hidden layer encodes each of its tokens.
        public var conditionLayers: Int

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

        /// A configuration; what is not given has its default, and as many columns come out as go in.
        public init(
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
    /// Tokens of the memory: the step and the observations.
    var memoryTokens: Int { 1 + (observationDimension == nil ? 0 : observationSteps) }

    /// Tokens of the sequence: the actions, with the step before them if it is a token.
    var tokens: Int { horizon + (step == .token ? 1 : 0) }

    /// What the layers have in common.
    ///
    /// A causal action at time t sees the observations up to t; since the memory begins with the step, those are the tokens up to t + 1.
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
    /// The upper limits keep the sizes that follow from hostile settings within 64-bit integers; real networks are far below.
    /// - Throws: `InvalidSetting`, which names the setting.
    public func validate() throws {
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
            throw InvalidSetting(
                key: "width", expected: "an even number, since half of the step's embedding is sines and half cosines",
                found: width)
        }
        guard width % heads == 0 else {
            throw InvalidSetting(key: "width", expected: "a multiple of the \(heads) heads", found: width)
        }
        for (key, probability) in [
            ("embeddingDropout", embeddingDropout), ("attentionDropout", attentionDropout),
        ] {
            guard probability >= 0 && probability < 1 else {
                throw InvalidSetting(key: key, expected: "a probability from 0 to below 1", found: probability)
            }
        }
        guard step == .condition || observationDimension == nil else {
            throw InvalidSetting(
                key: "step",
                expected: """
                    condition, since observations condition the network (a step among the tokens leaves it no memory to \
                    attend to)
                    """,
                found: step.rawValue)
        }
        guard step == .condition || conditionLayers == 0 else {
            throw InvalidSetting(
                key: "conditionLayers", expected: "0, since a network with the step among its tokens has no memory",
                found: conditionLayers)
        }
    }

    private func check(_ setting: String, _ value: Int, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw InvalidSetting(key: setting, expected: "\(range.lowerBound) to \(range.upperBound)", found: value)
        }
    }
}
