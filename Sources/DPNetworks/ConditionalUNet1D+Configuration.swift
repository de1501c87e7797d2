import DPBase

extension ConditionalUNet1D {
    /// The configuration of a U-Net.
    ///
    /// The defaults are those of the small network of the Push-T recipes; the paper's network has widths 256, 512,
    /// and 1024.
    package struct Configuration: Codable, Sendable, Equatable {
        /// Channels of the denoised sequence: the action components, plus the observation components when inpainting.
        package var inputDimension: Int
        /// Features that condition each time step of the sequence, if any.
        package var localConditioningDimension: Int?
        /// Features that condition the whole sequence, if any: all observations of a window, concatenated.
        package var globalConditioningDimension: Int?
        /// Size of the embedding of the diffusion step; 256 by default.
        package var stepEmbeddingDimension: Int
        /// Channels of each level; 64, 128, and 256 by default.
        ///
        /// The first level has the full length of the sequence; each further level has half the length of the
        /// previous one.
        package var downDimensions: [Int]
        /// Kernel size of the convolutions, odd; 5 by default.
        package var kernelSize: Int
        /// Groups of the group normalization; 8 by default; the last block always has 8.
        package var groups: Int
        /// Whether the condition scales and shifts the features (true, the default) or only shifts them.
        package var condPredictScale: Bool

        enum CodingKeys: String, CodingKey {
            case inputDimension = "input_dimension"
            case localConditioningDimension = "local_conditioning_dimension"
            case globalConditioningDimension = "global_conditioning_dimension"
            case stepEmbeddingDimension = "step_embedding_dimension"
            case downDimensions = "down_dimensions"
            case kernelSize = "kernel_size"
            case groups
            case condPredictScale = "cond_predict_scale"
        }

        /// Creates a configuration; omitted settings have their defaults.
        package init(
            inputDimension: Int, localConditioningDimension: Int? = nil, globalConditioningDimension: Int? = nil,
            stepEmbeddingDimension: Int = 256, downDimensions: [Int] = [64, 128, 256], kernelSize: Int = 5,
            groups: Int = 8, condPredictScale: Bool = true
        ) {
            self.inputDimension = inputDimension
            self.localConditioningDimension = localConditioningDimension
            self.globalConditioningDimension = globalConditioningDimension
            self.stepEmbeddingDimension = stepEmbeddingDimension
            self.downDimensions = downDimensions
            self.kernelSize = kernelSize
            self.groups = groups
            self.condPredictScale = condPredictScale
        }

        /// Groups of the last convolution block, which the reference implementation always leaves at its default.
        static let finalGroups = 8
    }
}

// MARK: - Validation

extension ConditionalUNet1D.Configuration {
    /// The number that must divide the prediction horizon, because the upsampling path doubles the lengths that the
    /// downsampling path halves.
    ///
    /// It is defined for valid configurations only.
    package var horizonMultiple: Int { 1 << (downDimensions.count - 1) }

    /// Checks that a network of this configuration can be built.
    ///
    /// The upper limits keep sizes computed from malicious settings within 64-bit integers; real networks are far
    /// below them.
    /// - Throws: `InputError`, which names the setting.
    package func validate() throws {
        try check("inputDimension", inputDimension, in: 1...65536)
        if let dimension = localConditioningDimension {
            try check("localConditioningDimension", dimension, in: 1...65536)
        }
        if let dimension = globalConditioningDimension {
            try check("globalConditioningDimension", dimension, in: 1...65536)
        }
        try check("stepEmbeddingDimension", stepEmbeddingDimension, in: 4...65536)
        guard stepEmbeddingDimension % 2 == 0 else {
            throw InputError(
                key: "stepEmbeddingDimension", expected: "an even number, half of it sines and half cosines",
                found: stepEmbeddingDimension)
        }
        try check("kernelSize", kernelSize, in: 1...255)
        guard kernelSize % 2 == 1 else {
            throw InputError(
                key: "kernelSize", expected: "an odd number, since an even one would change the sequence's length",
                found: kernelSize)
        }
        try check("groups", groups, in: 1...65536)
        guard (1...16).contains(downDimensions.count) else {
            throw InputError(key: "downDimensions", expected: "1 to 16 widths", found: downDimensions.count)
        }
        for (level, width) in downDimensions.enumerated() {
            try check("downDimensions[\(level)]", width, in: 1...65536)
            try check(width, level: level, isDivisibleBy: groups, "the number of groups")
        }
        try check(
            downDimensions[0], level: 0, isDivisibleBy: Self.finalGroups,
            "the number of groups of the last convolution block")
    }

    /// Checks that the levels can process sequences of the given length.
    /// - Throws: `InputError`, which states the lengths that work or the error in the configuration itself.
    package func validate(predictionHorizon length: Int) throws {
        try validate()
        try check("horizon.prediction", length, in: 1...65536)
        guard length % horizonMultiple == 0 else {
            throw InputError(
                key: "horizon.prediction",
                expected: """
                    a multiple of \(horizonMultiple), because \(downDimensions.count) levels halve it \
                    \(downDimensions.count - 1) times (\(neighbors(of: length, multipleOf: horizonMultiple)))
                    """,
                found: length)
        }
    }

    private func check(_ setting: String, _ value: Int, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw InputError(key: setting, expected: "\(range.lowerBound) to \(range.upperBound)", found: value)
        }
    }

    private func check(_ width: Int, level: Int, isDivisibleBy groups: Int, _ what: String) throws {
        guard width % groups == 0 else {
            throw InputError(
                key: "downDimensions[\(level)]",
                expected: "a multiple of \(groups), \(what) (\(neighbors(of: width, multipleOf: groups)))",
                found: width)
        }
    }

    /// Returns the nearest values that work, as in `for example 8 or 12`.
    private func neighbors(of value: Int, multipleOf factor: Int) -> String {
        let below = max(value, 0) / factor * factor
        return below > 0 ? "for example \(below) or \(below + factor)" : "for example \(factor)"
    }
}
