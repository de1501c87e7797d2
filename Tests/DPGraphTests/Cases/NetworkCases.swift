import DPGraph

extension OperationCase {
    /// Combined parts of a U-Net.
    static let networks: [OperationCase] = [
        OperationCase(
            "normalized branches added",
            [.input("x", [2, 8, 4])] + Argument.convolutionBlock("a", inputs: 4, outputs: 8, kernel: 3)
                + Argument.convolutionBlock("b", inputs: 4, outputs: 8, kernel: 5)
        ) {
            [$0.convolutionBlock("a", $0["x"], groups: 2) + $0.convolutionBlock("b", $0["x"], groups: 8)]
        },
        OperationCase(
            "two activations after one norm",
            [.input("x", [2, 8, 4]), .input("y", [2, 8, 8])]
                + Argument.convolutionBlock("a", inputs: 4, outputs: 8, kernel: 3)
        ) {
            let hidden = $0.convolutionBlock("a", $0["x"], groups: 2)
            return [hidden.mish() + $0["y"], hidden * $0["y"]]
        },
        OperationCase(
            "a norm without activation, an activation without norm",
            [.input("x", [2, 8, 4])] + Argument.convolutionBlock("a", inputs: 4, outputs: 8, kernel: 3)
                + Argument.convolution("b", inputs: 8, outputs: 8, kernel: 3)
        ) {
            let hidden = $0.norm("a.norm", $0.convolution("a.conv", $0["x"]), groups: 4)
            return [$0.convolution("b", hidden).mish()]
        },
        OperationCase(
            "one block used twice",
            [.input("x", [2, 8, 8])] + Argument.convolutionBlock("a", inputs: 8, outputs: 8, kernel: 3)
        ) {
            [$0.convolutionBlock("a", $0.convolutionBlock("a", $0["x"], groups: 4), groups: 4)]
        },
        OperationCase(
            "one norm for two convolutions",
            [.input("x", [2, 8, 4])] + Argument.convolutionBlock("a", inputs: 4, outputs: 8, kernel: 3)
                + Argument.convolution("b", inputs: 4, outputs: 8, kernel: 1)
        ) {
            let first = $0.norm("a.norm", $0.convolution("a.conv", $0["x"]), groups: 4)
            return [first.mish(), $0.norm("a.norm", $0.convolution("b", $0["x"]), groups: 4).mish()]
        },
        uNet(batch: 1, horizon: 8, widths: (4, 8)),
        uNet(batch: 3, horizon: 4, widths: (6, 10)),
        uNet(batch: 2, horizon: 16, widths: (16, 20)),
    ]

    /// Two levels with a skip connection, conditioned by diffusion step and observation, with the mean squared
    /// error as the loss.
    private static func uNet(batch: Int, horizon: Int, widths: (Int, Int)) -> OperationCase {
        let (narrow, wide) = widths
        let embedding = 6
        let condition = embedding + 3
        @Sendable func block(_ inputs: Int, _ outputs: Int) -> BlockShape {
            BlockShape(
                batch: batch, inputs: inputs, outputs: outputs, groups: 2, kernel: 5, condition: condition)
        }
        let arguments: [[Argument]] = [
            [
                .input("sample", [batch, horizon, 2]), .input("observation", [batch, 3], rate: .conditioning),
                .input("target", [batch, horizon, 2]).constant, .numbers("steps", (0..<batch).map { Float(7 * $0) }),
                .parameter("embed.weight", [embedding, embedding]), .parameter("embed.bias", [embedding]),
            ],
            Argument.residualBlock("down", block(2, narrow)),
            Argument.convolution("halve", inputs: narrow, outputs: narrow, kernel: 3),
            Argument.residualBlock("middle", block(narrow, wide)),
            Argument.residualBlock("up", block(wide + narrow, narrow)),
            Argument.transposedConvolution("double", channels: wide),
            Argument.convolutionBlock("final", inputs: narrow, outputs: narrow, kernel: 5),
            Argument.convolution("last", inputs: narrow, outputs: 2, kernel: 1),
        ]
        return OperationCase(
            "U-Net of batch \(batch), horizon \(horizon), widths \(widths)", arguments.flatMap { $0 }
        ) {
            let embedded = $0["steps"].sinusoidalEmbedding(dimension: embedding)
                .linear($0["embed.weight"], bias: $0["embed.bias"]).mish()
            let condition = Tensor.concatenate([embedded, $0["observation"]], axis: 1)
            let down = $0.residualBlock("down", $0["sample"], condition, block(2, narrow))
            let halved = $0.convolution("halve", down, stride: 2)
            let middle = $0.residualBlock("middle", halved, condition, block(narrow, wide))
            let doubled = $0.transposedConvolution("double", middle)
            let joined = Tensor.concatenate([doubled, down], axis: 2)
            let up = $0.residualBlock("up", joined, condition, block(wide + narrow, narrow))
            let prediction = $0.convolution("last", $0.convolutionBlock("final", up, groups: 2))
            return [prediction.meanSquaredError(to: $0["target"]), prediction]
        }
    }
}
