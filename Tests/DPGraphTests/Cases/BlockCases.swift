import DPGraph

/// The shapes of a residual block of the U-Net.
struct BlockShape: Sendable {
    var batch = 2
    var time = 8
    var inputs = 4
    var outputs = 8
    var groups = 4
    var kernel = 3
    var condition = 5
}

extension OperationCase.Argument {
    /// Returns the weight and bias of a convolution.
    static func convolution(_ name: String, inputs: Int, outputs: Int, kernel: Int) -> [Self] {
        [.parameter("\(name).weight", [outputs, inputs, kernel]), .parameter("\(name).bias", [outputs])]
    }

    /// Returns the weight and bias of a transposed convolution.
    static func transposedConvolution(_ name: String, channels: Int) -> [Self] {
        [.parameter("\(name).weight", [channels, channels, 4]), .parameter("\(name).bias", [channels])]
    }

    /// Returns the parameters of a convolution and of the normalization after it.
    static func convolutionBlock(_ name: String, inputs: Int, outputs: Int, kernel: Int) -> [Self] {
        convolution("\(name).conv", inputs: inputs, outputs: outputs, kernel: kernel)
            + [.parameter("\(name).norm.weight", [outputs]), .parameter("\(name).norm.bias", [outputs])]
    }

    /// Returns the parameters of a conditional residual block.
    static func residualBlock(_ name: String, _ shape: BlockShape, scales: Bool = true) -> [Self] {
        let modulations = scales ? 2 * shape.outputs : shape.outputs
        return convolutionBlock("\(name).0", inputs: shape.inputs, outputs: shape.outputs, kernel: shape.kernel)
            + convolutionBlock("\(name).1", inputs: shape.outputs, outputs: shape.outputs, kernel: shape.kernel)
            + [
                .parameter("\(name).film.weight", [modulations, shape.condition]),
                .parameter("\(name).film.bias", [modulations]),
            ]
            + (shape.inputs == shape.outputs
                ? [] : convolution("\(name).residual", inputs: shape.inputs, outputs: shape.outputs, kernel: 1))
    }
}

extension OperationCase.Tensors {
    func convolution(_ name: String, _ x: Tensor, stride: Int = 1) -> Tensor {
        let weight = self["\(name).weight"]
        let geometry = Convolution1D(kernel: weight.shape[2], stride: stride, padding: weight.shape[2] / 2)
        return x.convolution1D(weight, bias: self["\(name).bias"], geometry)
    }

    func transposedConvolution(_ name: String, _ x: Tensor) -> Tensor {
        x.transposedConvolution1D(
            self["\(name).weight"], bias: self["\(name).bias"], Convolution1D(kernel: 4, stride: 2, padding: 1))
    }

    func norm(_ name: String, _ x: Tensor, groups: Int) -> Tensor {
        x.groupNorm(groups: groups, gain: self["\(name).weight"], bias: self["\(name).bias"])
    }

    func convolutionBlock(_ name: String, _ x: Tensor, groups: Int) -> Tensor {
        norm("\(name).norm", convolution("\(name).conv", x), groups: groups).mish()
    }

    /// Returns the scale and bias of FiLM.
    func modulation(_ name: String, _ condition: Tensor) -> (scale: Tensor, bias: Tensor) {
        let both = condition.mish().linear(self["\(name).film.weight"], bias: self["\(name).film.bias"])
        let channels = both.shape[1] / 2
        return (both.slice(axis: 1, 0..<channels), both.slice(axis: 1, channels..<2 * channels))
    }

    func residualBlock(_ name: String, _ x: Tensor, _ condition: Tensor, _ shape: BlockShape) -> Tensor {
        let (scale, bias) = modulation(name, condition)
        let hidden = convolutionBlock("\(name).0", x, groups: shape.groups).film(scale: scale, bias: bias)
        let residual = shape.inputs == shape.outputs ? x : convolution("\(name).residual", x)
        return convolutionBlock("\(name).1", hidden, groups: shape.groups) + residual
    }
}

extension OperationCase {
    /// Residual blocks in many shapes: all chains of a U-Net that a backend may fuse.
    static let blocks: [OperationCase] =
        [
            BlockShape(), BlockShape(batch: 1, time: 16, inputs: 2, outputs: 64, groups: 8, kernel: 5),
            BlockShape(batch: 3, time: 4, inputs: 20, outputs: 20, groups: 4, kernel: 5),
            BlockShape(batch: 2, time: 4, inputs: 17, outputs: 34, groups: 2, kernel: 3, condition: 33),
            BlockShape(batch: 2, time: 8, inputs: 6, outputs: 6, groups: 6, kernel: 5),
            BlockShape(batch: 5, time: 2, inputs: 3, outputs: 16, groups: 1, kernel: 5),
        ].map { shape in
            OperationCase("residual block \(shape)", arguments(shape)) {
                [$0.residualBlock("block", $0["x"], $0["condition"], shape)]
            }
        } + [
            OperationCase("residual block with a bias only", arguments(BlockShape(), scales: false)) {
                let bias = $0["condition"].mish().linear($0["block.film.weight"], bias: $0["block.film.bias"])
                let hidden = $0.convolutionBlock("block.0", $0["x"], groups: 4) + bias.reshaped(to: [2, 1, 8])
                return [$0.convolutionBlock("block.1", hidden, groups: 4) + $0.convolution("block.residual", $0["x"])]
            },
            OperationCase("residual block whose shortcut comes first", arguments(BlockShape())) {
                let residual = $0.convolution("block.residual", $0["x"])
                let (scale, bias) = $0.modulation("block", $0["condition"])
                let hidden = $0.convolutionBlock("block.0", $0["x"], groups: 4).film(scale: scale, bias: bias)
                return [residual + $0.convolutionBlock("block.1", hidden, groups: 4)]
            },
            OperationCase("residual block with a conditioning input", arguments(BlockShape(), rate: .conditioning)) {
                [$0.residualBlock("block", $0["x"], $0["condition"], BlockShape())]
            },
            OperationCase("residual block with every intermediate value also used elsewhere", arguments(BlockShape())) {
                let (scale, bias) = $0.modulation("block", $0["condition"])
                let convolved = $0.convolution("block.0.conv", $0["x"])
                let normalized = $0.norm("block.0.norm", convolved, groups: 4)
                let activated = normalized.mish()
                let modulated = activated.film(scale: scale, bias: bias)
                let block = $0.convolutionBlock("block.1", modulated, groups: 4)
                let residual = $0.convolution("block.residual", $0["x"])
                let sum = block + residual
                return [sum * convolved, normalized * block, activated + sum, modulated * residual, scale * bias]
            },
        ] + partiallyUsed

    /// The same block with one intermediate value at a time as an additional result, so that it must not be fused
    /// away.
    private static let partiallyUsed = ["convolved", "normalized", "activated", "modulated", "block"].map { name in
        OperationCase("residual block with additional result: \(name)", arguments(BlockShape())) {
            let (scale, bias) = $0.modulation("block", $0["condition"])
            var values: [String: Tensor] = [:]
            let convolved = $0.convolution("block.0.conv", $0["x"])
            let normalized = $0.norm("block.0.norm", convolved, groups: 4)
            let activated = normalized.mish()
            let modulated = activated.film(scale: scale, bias: bias)
            let block = $0.convolutionBlock("block.1", modulated, groups: 4)
            values["convolved"] = convolved
            values["normalized"] = normalized
            values["activated"] = activated
            values["modulated"] = modulated
            values["block"] = block
            return [block + $0.convolution("block.residual", $0["x"]), Tensors(values: values)[name]]
        }
    }

    private static func arguments(_ shape: BlockShape, scales: Bool = true, rate: Rate = .iteration) -> [Argument] {
        [
            .input("x", [shape.batch, shape.time, shape.inputs]),
            .input("condition", [shape.batch, shape.condition], rate: rate),
        ] + Argument.residualBlock("block", shape, scales: scales)
    }
}

extension BlockShape: CustomStringConvertible {
    var description: String {
        "[\(batch), \(time), \(inputs)] to \(outputs), groups \(groups), kernel \(kernel), condition \(condition)"
    }
}
