import PolicyInterface

extension ConditionalUNet1D {
    /// How a U-Net is built.
    ///
    /// The defaults are the small network of the Push-T recipes; the paper's has widths 256, 512 and 1024.
    public struct Configuration: Codable, Sendable, Equatable {
        /// Channels of the sequence that is denoised: those of an action, and with inpainting those of an observation too.
        public var inputDimension: Int
        /// Features that condition each time of the sequence, if any.
        public var localConditioningDimension: Int?
        /// Features that condition the whole sequence, if any: all observations of a window one after another.
        public var globalConditioningDimension: Int?
        /// Features of the diffusion step's embedding; 256 by default.
        public var stepEmbeddingDimension: Int
        /// Channels of each level, 64, 128 and 256 by default.
        ///
        /// The first level has the full length of the sequence, and each one after it half the length of the one before.
        public var downDimensions: [Int]
        /// Width of the convolutions, odd; 5 by default.
        public var kernelSize: Int
        /// Groups of the group normalisation, 8 by default; the last block always has 8.
        public var groups: Int
        /// Whether the condition scales and shifts the features (true, the default) or only shifts them.
        public var conditionsScale: Bool

        enum CodingKeys: String, CodingKey {
            case inputDimension = "input_dimension"
            case localConditioningDimension = "local_conditioning_dimension"
            case globalConditioningDimension = "global_conditioning_dimension"
            case stepEmbeddingDimension = "step_embedding_dimension"
            case downDimensions = "down_dimensions"
            case kernelSize = "kernel_size"
            case groups
            case conditionsScale = "conditions_scale"
        }

        /// A configuration; what is not given has its default.
        public init(
            inputDimension: Int, localConditioningDimension: Int? = nil, globalConditioningDimension: Int? = nil,
            stepEmbeddingDimension: Int = 256, downDimensions: [Int] = [64, 128, 256], kernelSize: Int = 5,
            groups: Int = 8, conditionsScale: Bool = true
        ) {
            self.inputDimension = inputDimension
            self.localConditioningDimension = localConditioningDimension
            self.globalConditioningDimension = globalConditioningDimension
            self.stepEmbeddingDimension = stepEmbeddingDimension
            self.downDimensions = downDimensions
            self.kernelSize = kernelSize
            self.groups = groups
            self.conditionsScale = conditionsScale
        }

        /// Groups of the last convolution block: the reference implementation leaves them at their default.
        static let finalGroups = 8
    }
}

// MARK: - Validation

extension ConditionalUNet1D.Configuration {
    /// The prediction horizon must be a multiple of this, because the way up doubles what the way down halved.
    ///
    /// It has a meaning for valid configurations only.
    public var horizonMultiple: Int { 1 << (downDimensions.count - 1) }

    /// Checks that a network of this configuration can be built.
    ///
    /// The upper limits keep the sizes that follow from hostile settings within 64-bit integers; real networks are far below.
    /// - Throws: `InvalidSetting`, which names the setting.
    public func validate() throws {
        try check("inputDimension", inputDimension, in: 1...65536)
        if let dimension = localConditioningDimension {
            try check("localConditioningDimension", dimension, in: 1...65536)
        }
        if let dimension = globalConditioningDimension {
            try check("globalConditioningDimension", dimension, in: 1...65536)
        }
        try check("stepEmbeddingDimension", stepEmbeddingDimension, in: 4...65536)
        guard stepEmbeddingDimension % 2 == 0 else {
            throw InvalidSetting(
                key: "stepEmbeddingDimension", expected: "an even number, half of it sines and half cosines",
                found: stepEmbeddingDimension)
        }
        try check("kernelSize", kernelSize, in: 1...255)
        guard kernelSize % 2 == 1 else {
            throw InvalidSetting(
                key: "kernelSize", expected: "an odd number, since an even one would change the sequence's length",
                found: kernelSize)
        }
        try check("groups", groups, in: 1...65536)
        guard (1...16).contains(downDimensions.count) else {
            throw InvalidSetting(key: "downDimensions", expected: "1 to 16 widths", found: downDimensions.count)
        }
        for (level, width) in downDimensions.enumerated() {
            try check("downDimensions[\(level)]", width, in: 1...65536)
            try check(width, level: level, isDivisibleBy: groups, "groups")
        }
        try check(
            downDimensions[0], level: 0, isDivisibleBy: Self.finalGroups, "the groups of the last convolution block")
    }

    /// Checks that sequences of a length fit the levels.
    /// - Throws: `InvalidSetting`, which says which lengths work, or what is wrong with the configuration itself.
    public func validate(predictionHorizon length: Int) throws {
        try validate()
        try check("horizon.prediction", length, in: 1...65536)
        guard length % horizonMultiple == 0 else {
            throw InvalidSetting(
                key: "horizon.prediction",
                expected: """
                    a multiple of \(horizonMultiple), because \(downDimensions.count) levels halve it \
                    \(downDimensions.count - 1) times (\(neighbours(of: length, multipleOf: horizonMultiple)))
                    """,
                found: length)
        }
    }

    private func check(_ setting: String, _ value: Int, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw InvalidSetting(key: setting, expected: "\(range.lowerBound) to \(range.upperBound)", found: value)
        }
    }

    private func check(_ width: Int, level: Int, isDivisibleBy groups: Int, _ what: String) throws {
        guard width % groups == 0 else {
            throw InvalidSetting(
                key: "downDimensions[\(level)]",
                expected: "a multiple of \(groups), \(what) (\(neighbours(of: width, multipleOf: groups)))",
                found: width)
        }
    }

    /// The nearest values that work, as in `8 or 12 work`.
    private func neighbours(of value: Int, multipleOf factor: Int) -> String {
        let below = max(value, 0) / factor * factor
        return below > 0 ? "\(below) or \(below + factor) work" : "\(factor) works"
    }
}
