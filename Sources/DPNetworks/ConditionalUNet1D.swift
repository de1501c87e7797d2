package import DPGraph

/// A U-Net over time whose blocks are modulated by the diffusion step and the observation.
///
/// It is the convolutional denoiser of Diffusion Policy (Chi et al. 2023, section 3.1, "CNN-based Diffusion
/// Policy"). A block applies convolution, group normalization, and Mish twice, with a residual connection around
/// both. Between the two, FiLM modulates every channel, `scale · h + bias` (or only `+ bias`); scale and bias are a
/// linear map of Mish of the condition. The condition is the diffusion step, embedded as sines and cosines through
/// linear, Mish, linear, and, with global conditioning, followed by the flattened observations.
///
/// Names, order, and arithmetic match the reference implementation's `ConditionalUnet1D`, so that published weights
/// load. Three of its properties matter:
/// - Local conditioning has a second encoder for the upsampling path whose features are never added: they would be
///   twice as long as the features of the level that they were meant for. Only its parameters exist here.
/// - Every level of the upsampling path doubles the length. The lowest level of the downsampling path keeps the
///   length, and the upsampling path has one level fewer, so the lengths match; the features of the topmost level
///   are not concatenated into the upsampling path.
/// - The last convolution block has 8 groups, regardless of the other blocks.
package struct ConditionalUNet1D: Denoiser {
    /// The configuration of the network.
    package let configuration: Configuration

    private let middle: [ConditionalResidualBlock1D]
    private let stepEncoder: StepEncoder
    private let localEncoders: [ConditionalResidualBlock1D]
    private let up: [UNetLevel<ConvTranspose1d>]
    private let down: [UNetLevel<Conv1d>]
    private let finalBlock: ConvolutionBlock
    private let finalProjection: Conv1d

    /// Creates a network from a configuration.
    /// - Throws: `InputError` when the configuration cannot work.
    package init(_ configuration: Configuration) throws {
        try configuration.validate()
        self.configuration = configuration
        let widths = configuration.downDimensions
        let lowest = widths[widths.count - 1]
        let settings = ConditionalResidualBlock1D.Settings(
            condition: configuration.stepEmbeddingDimension + (configuration.globalConditioningDimension ?? 0),
            kernelSize: configuration.kernelSize, groups: configuration.groups,
            condPredictScale: configuration.condPredictScale)

        middle = (0..<2).map {
            ConditionalResidualBlock1D(
                "mid_modules.\($0)", inputChannels: lowest, outputChannels: lowest, settings: settings)
        }
        stepEncoder = StepEncoder("diffusion_step_encoder", dimension: configuration.stepEmbeddingDimension)
        localEncoders =
            configuration.localConditioningDimension.map { dimension in
                (0..<2).map {
                    ConditionalResidualBlock1D(
                        "local_cond_encoder.\($0)", inputChannels: dimension, outputChannels: widths[0],
                        settings: settings)
                }
            } ?? []
        up = widths.indices.dropFirst().reversed().enumerated().map { index, level in
            let name = "up_modules.\(index)"
            let width = widths[level - 1]
            return UNetLevel(
                name, inputChannels: 2 * widths[level], outputChannels: width, settings: settings,
                resampling: ConvTranspose1d(
                    "\(name).2.conv", inputChannels: width, outputChannels: width, kernelSize: 4, stride: 2, padding: 1)
            )
        }
        down = widths.enumerated().map { index, width in
            let name = "down_modules.\(index)"
            return UNetLevel(
                name, inputChannels: index == 0 ? configuration.inputDimension : widths[index - 1],
                outputChannels: width, settings: settings,
                resampling: index == widths.count - 1
                    ? nil
                    : Conv1d(
                        "\(name).2.conv", inputChannels: width, outputChannels: width, kernelSize: 3, stride: 2,
                        padding: 1))
        }
        finalBlock = ConvolutionBlock(
            "final_conv.0", inputChannels: widths[0], outputChannels: widths[0], kernelSize: configuration.kernelSize,
            groups: Configuration.finalGroups)
        finalProjection = Conv1d(
            "final_conv.1", inputChannels: widths[0], outputChannels: configuration.inputDimension, kernelSize: 1)
    }

    /// All parameters, in the order of the reference implementation's `state_dict`.
    package var parameters: [Parameter] {
        let parts: [[any Layer]] = [middle, [stepEncoder], localEncoders, up, down, [finalBlock, finalProjection]]
        return parts.joined().flatMap(\.parameters)
    }

    /// Records one evaluation of the network.
    /// - Parameters:
    ///   - sample: the noisy sequence, `[batch, time, inputDimension]`.
    ///   - steps: diffusion steps, `[batch]`, or one for all items.
    ///   - global: the condition of every block: observations `[batch, observation, feature]`, or all observations
    ///     concatenated, `[batch, globalConditioningDimension]`.
    ///   - local: one vector per time step, whose encoding is added inside the topmost level,
    ///     `[batch, time, localConditioningDimension]`.
    ///   - dropoutKey: ignored, because this network has no dropout.
    /// - Returns: the network's output, shaped like `sample`.
    /// - Precondition: the shapes match the configuration, and the length of the sequence is a multiple of
    ///   `configuration.horizonMultiple`.
    package func callAsFunction(
        _ sample: Tensor, steps: Tensor, global: Tensor? = nil, local: Tensor? = nil, dropoutKey: Tensor? = nil
    ) -> Tensor {
        let global = global.map { $0.reshaped(to: [$0.shape[0], $0.shape.count / $0.shape[0]]) }
        checkShapes(sample, global, local)
        let condition = condition(steps: steps, global: global, batch: sample.shape[0])
        let localFeatures = local.map { localEncoders[0]($0, condition: condition) }

        var x = sample
        var skipped: [Tensor] = []
        for (index, level) in down.enumerated() {
            x = level.first(x, condition: condition)
            if index == 0, let localFeatures { x = x + localFeatures }
            x = level.second(x, condition: condition)
            skipped.append(x)
            x = level.resampling?(x) ?? x
        }
        for block in middle { x = block(x, condition: condition) }
        for level in up {
            x = Tensor.concatenate([x, skipped.removeLast()], axis: 2)
            x = level.first(x, condition: condition)
            x = level.second(x, condition: condition)
            x = level.resampling?(x) ?? x
        }
        return finalProjection(finalBlock(x))
    }

    /// Records the step embedding followed by the global conditioning, `[batch, condition]`.
    private func condition(steps: Tensor, global: Tensor?, batch: Int) -> Tensor {
        let embedding = stepEncoder(steps.reshaped(to: [steps.shape.count]))
            .broadcast(to: [batch, configuration.stepEmbeddingDimension])
        return global.map { Tensor.concatenate([embedding, $0], axis: 1) } ?? embedding
    }

    private func checkShapes(_ sample: Tensor, _ global: Tensor?, _ local: Tensor?) {
        precondition(
            sample.shape.rank == 3 && sample.shape.last == configuration.inputDimension
                && sample.shape[1] % configuration.horizonMultiple == 0,
            """
            sample: expected [batch, a multiple of \(configuration.horizonMultiple), \(configuration.inputDimension)], \
            found \(sample.shape)
            """)
        let batch = sample.shape[0]
        let expectedGlobal = configuration.globalConditioningDimension.map { [batch, $0] }
        precondition(
            global?.shape.dimensions == expectedGlobal,
            "global conditioning: expected \(text(expectedGlobal)), found \(text(global?.shape.dimensions))")
        let expectedLocal = configuration.localConditioningDimension.map { [batch, sample.shape[1], $0] }
        precondition(
            local?.shape.dimensions == expectedLocal,
            "local conditioning: expected \(text(expectedLocal)), found \(text(local?.shape.dimensions))")
    }

    private func text(_ dimensions: [Int]?) -> String { dimensions.map { "\($0)" } ?? "none" }
}
