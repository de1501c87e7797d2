import NeuralNetworks
public import TensorGraph

/// A U-Net over time whose blocks are modulated by the diffusion step and the observation.
///
/// It is the convolutional denoiser of Diffusion Policy (Chi et al. 2023, section 3.1, "CNN-based Diffusion Policy"). A block is two times
/// convolution, group normalisation and Mish, with a residual connection around both; between them FiLM modulates every channel,
/// `scale · h + bias` (or only `+ bias`), scale and bias being a linear map of Mish of the condition: the step of the diffusion as sines and
/// cosines through linear, Mish, linear, and, with global conditioning, the flattened observations behind it.
///
/// Names, order and arithmetic are those of the reference implementation's `ConditionalUnet1D`, so that published weights fit. They depend on
/// three of its habits:
/// - Local conditioning has a second encoder for the way up whose features are never added: they would be twice as long as those of the
///   level that they were meant for. Its parameters exist, and nothing else of it.
/// - Every level of the way up doubles the length. The lowest level of the way down keeps it, and the way up has one level fewer, so
///   both meet again; the features of the topmost level are not joined to the way up.
/// - The last convolution block has 8 groups, whatever the others have.
public struct ConditionalUNet1D: Denoiser {
    /// What the network was built for.
    public let configuration: Configuration

    private let middle: [ConditionalResidualBlock1D]
    private let stepEncoder: StepEncoder
    private let localEncoders: [ConditionalResidualBlock1D]
    private let up: [UNetLevel<ConvTranspose1d>]
    private let down: [UNetLevel<Conv1d>]
    private let finalBlock: ConvolutionBlock
    private let finalProjection: Conv1d

    /// A network of the given configuration.
    /// - Throws: `InvalidSetting` when the configuration cannot work.
    public init(_ configuration: Configuration) throws {
        try configuration.validate()
        self.configuration = configuration
        let widths = configuration.downDimensions
        let lowest = widths[widths.count - 1]
        let settings = ConditionalResidualBlock1D.Settings(
            condition: configuration.stepEmbeddingDimension + (configuration.globalConditioningDimension ?? 0),
            kernelSize: configuration.kernelSize, groups: configuration.groups,
            conditionsScale: configuration.conditionsScale)

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
    public var parameters: [Parameter] {
        let parts: [[any Layer]] = [middle, [stepEncoder], localEncoders, up, down, [finalBlock, finalProjection]]
        return parts.joined().flatMap(\.parameters)
    }

    /// Records one evaluation of the network.
    /// - Parameters:
    ///   - sample: what is denoised, `[batch, time, inputDimension]`.
    ///   - steps: steps of the diffusion, `[batch]`, or one for all.
    ///   - global: what conditions every block: observations `[batch, observation, feature]`, or all of them one after another,
    ///     `[batch, globalConditioningDimension]`.
    ///   - local: one vector a time, whose encoding is added inside of the topmost level, `[batch, time, localConditioningDimension]`.
    ///   - dropoutKey: without effect, since nothing is dropped here.
    /// - Returns: the network's answer, shaped like `sample`.
    /// - Precondition: the shapes are those of the configuration, and the length of the sequence is a multiple of
    ///   `configuration.horizonMultiple`.
    public func callAsFunction(
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

    /// The step's embedding with the global conditioning behind it: `[batch, condition]`.
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
