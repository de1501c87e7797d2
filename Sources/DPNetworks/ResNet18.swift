import DPGraph

/// A ResNet-18 without its last two layers, with group normalization.
///
/// See He et al. 2016. It matches torchvision's `resnet18` as an `nn.Sequential` of its children, so parts are
/// named by numbers.
struct ResNet18: UnaryLayer {
    /// Channels of the last feature map, whose height and width are those of the image divided by 32, rounded up.
    static let channels = 512

    private let stem: Conv2d
    private let stemNorm: GroupNorm
    private let blocks: [ResidualBlock2D]

    init(_ name: String) {
        stem = Conv2d(unbiased: "\(name).0", inputChannels: 3, outputChannels: 64, kernelSize: 7, stride: 2, padding: 3)
        stemNorm = GroupNorm("\(name).1", imageChannels: 64)
        blocks = [64, 128, 256, 512].enumerated().flatMap { stage, channels in
            [
                ResidualBlock2D(
                    "\(name).\(4 + stage).0", inputChannels: stage == 0 ? 64 : channels / 2, outputChannels: channels,
                    stride: stage == 0 ? 1 : 2),
                ResidualBlock2D("\(name).\(4 + stage).1", inputChannels: channels, outputChannels: channels, stride: 1),
            ]
        }
    }

    var parameters: [Parameter] { stem.parameters + stemNorm.parameters + blocks.flatMap(\.parameters) }

    /// Records `[batch, height, width, 3]` → `[batch, ⌈height/32⌉, ⌈width/32⌉, 512]`.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let halved = stemNorm(stem(x)).relu().maxPooling2D(Convolution2D(kernel: 3, stride: 2, padding: 1))
        return blocks.reduce(halved) { $1($0) }
    }
}

/// Two convolutions with a shortcut around both: torchvision's `BasicBlock` with group normalization.
struct ResidualBlock2D: UnaryLayer {
    private let convolutions: [Conv2d]
    private let norms: [GroupNorm]
    /// A convolution with kernel size 1 and its norm, present where the number of channels or pixels changes.
    private let shortcut: (convolution: Conv2d, norm: GroupNorm)?

    init(_ name: String, inputChannels: Int, outputChannels: Int, stride: Int) {
        convolutions = [
            Conv2d(
                unbiased: "\(name).conv1", inputChannels: inputChannels, outputChannels: outputChannels, kernelSize: 3,
                stride: stride, padding: 1),
            Conv2d(
                unbiased: "\(name).conv2", inputChannels: outputChannels, outputChannels: outputChannels,
                kernelSize: 3, padding: 1),
        ]
        norms = (1...2).map { GroupNorm("\(name).bn\($0)", imageChannels: outputChannels) }
        shortcut =
            stride == 1 && inputChannels == outputChannels
            ? nil
            : (
                Conv2d(
                    unbiased: "\(name).downsample.0", inputChannels: inputChannels, outputChannels: outputChannels,
                    kernelSize: 1, stride: stride),
                GroupNorm("\(name).downsample.1", imageChannels: outputChannels)
            )
    }

    var parameters: [Parameter] {
        zip(convolutions, norms).flatMap { $0.parameters + $1.parameters }
            + (shortcut.map { $0.convolution.parameters + $0.norm.parameters } ?? [])
    }

    /// Records `[batch, height, width, inputChannels]` → `[batch, ⌈height/stride⌉, ⌈width/stride⌉, outputChannels]`.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let inner = norms[0](convolutions[0](x)).relu()
        let residual = shortcut.map { $0.norm($0.convolution(x)) } ?? x
        return (norms[1](convolutions[1](inner)) + residual).relu()
    }
}

extension GroupNorm {
    /// Creates the normalization of image features with 16 channels per group, Diffusion Policy's replacement for
    /// batch normalization.
    fileprivate init(_ name: String, imageChannels: Int) {
        self.init(name, groups: imageChannels / 16, channels: imageChannels)
    }
}
