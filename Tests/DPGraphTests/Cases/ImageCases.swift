import DPGraph

extension OperationCase {
    /// Convolutions, pooling and spatial softmax of images, and residual blocks of images.
    static let images: [OperationCase] = convolutions2D + pooling + activations + spatialSoftmaxes + imageBlocks

    private static let convolutions2D: [OperationCase] = [
        convolution2D([2, 6, 5, 3], outputs: 4, Convolution2D(kernel: 3, padding: 1)),
        convolution2D([1, 9, 9, 3], outputs: 16, Convolution2D(kernel: 7, stride: 2, padding: 3)),
        convolution2D([2, 7, 8, 16], outputs: 18, Convolution2D(kernel: 3, stride: 2, padding: 1)),
        convolution2D([2, 5, 4, 6], outputs: 5, Convolution2D(kernel: 1, stride: 2)),
        convolution2D([3, 3, 3, 32], outputs: 4, Convolution2D(kernel: 1), hasBias: true),
        convolution2D([1, 1, 1, 4], outputs: 3, Convolution2D(kernel: 3, padding: 1), hasBias: true),
        convolution2D(
            [2, 7, 4, 2], outputs: 3,
            Convolution2D(height: .init(kernel: 2, stride: 3), width: .init(kernel: 3, padding: 2))),
        OperationCase(
            "convolution of an image with a given weight", [.input("x", [2, 4, 4, 3]), .input("w", [5, 3, 3, 3])]
        ) { [$0["x"].convolution2D($0["w"], Convolution2D(kernel: 3, padding: 1))] },
    ]

    private static func convolution2D(
        _ shape: Shape, outputs: Int, _ geometry: Convolution2D, hasBias: Bool = false
    ) -> OperationCase {
        let weight: Shape = [outputs, shape.last, geometry.height.kernel, geometry.width.kernel]
        let arguments: [Argument] = [.input("x", shape), .parameter("weight", weight)]
        return OperationCase(
            "convolution of images \(shape) to \(weight)\(hasBias ? " with bias" : "")",
            arguments + (hasBias ? [.parameter("bias", [outputs])] : [])
        ) { [$0["x"].convolution2D($0["weight"], bias: hasBias ? $0["bias"] : nil, geometry)] }
    }

    /// Maxima have a kink where two elements are equal, which finite differences of random numbers can cross.
    private static let pooling: [OperationCase] = [
        pooling([2, 7, 6, 3], Convolution2D(kernel: 3, stride: 2, padding: 1)),
        pooling([1, 8, 8, 3], Convolution2D(kernel: 2, stride: 2)),
        pooling([2, 5, 5, 17], Convolution2D(kernel: 3, padding: 1)),
        pooling([1, 1, 2, 4], Convolution2D(height: .init(kernel: 1), width: .init(kernel: 2))),
        OperationCase(
            "max pooling of equal elements", [.input("x", [1, 4, 4, 3], base: 1, scale: 0)], isSmooth: false
        ) { [$0["x"].maxPooling2D(Convolution2D(kernel: 3, stride: 2, padding: 1))] },
    ]

    private static func pooling(_ shape: Shape, _ geometry: Convolution2D) -> OperationCase {
        OperationCase("max pooling of \(shape)", [.input("x", shape, scale: 20)]) { [$0["x"].maxPooling2D(geometry)] }
    }

    private static let activations: [OperationCase] = [
        OperationCase("relu", [.input("x", [2, 30], scale: 30)]) { [$0["x"].relu()] },
        OperationCase("relu twice", [.input("x", [2, 3, 3, 5], scale: 20), .input("y", [2, 3, 3, 5], scale: 20)]) {
            let first = $0["x"].relu()
            return [(first + $0["y"]).relu(), first]
        },
    ]

    private static let spatialSoftmaxes: [OperationCase] = [
        spatialSoftmaxes([2, 3, 3, 5]), spatialSoftmaxes([1, 1, 4, 2]), spatialSoftmaxes([2, 4, 1, 2]),
        spatialSoftmaxes([1, 1, 1, 3]),
        spatialSoftmaxes([1, 6, 5, 32]), spatialSoftmaxes([2, 5, 4, 17], scale: 40),
    ]

    private static func spatialSoftmaxes(_ shape: Shape, scale: Float = 2) -> OperationCase {
        OperationCase("spatial softmax of \(shape), \(scale)", [.input("x", shape, scale: scale)]) {
            [$0["x"].spatialSoftmax()]
        }
    }

    private static let imageBlocks: [OperationCase] = [
        OperationCase(
            "residual block of images",
            [.input("x", [2, 6, 6, 4])] + Argument.imageBlock("a", inputs: 4, outputs: 8, kernel: 3)
                + Argument.imageBlock("b", inputs: 8, outputs: 8, kernel: 3)
                + Argument.imageBlock("shortcut", inputs: 4, outputs: 8, kernel: 1), isSmooth: false
        ) {
            let inner = $0.imageBlock("a", $0["x"], Convolution2D(kernel: 3, stride: 2, padding: 1)).relu()
            let residual = $0.imageBlock("shortcut", $0["x"], Convolution2D(kernel: 1, stride: 2))
            return [($0.imageBlock("b", inner, Convolution2D(kernel: 3, padding: 1)) + residual).relu()]
        },
        OperationCase(
            "residual block of images without shortcut",
            [.input("x", [2, 5, 5, 8])] + Argument.imageBlock("a", inputs: 8, outputs: 8, kernel: 3), isSmooth: false
        ) { [($0.imageBlock("a", $0["x"], Convolution2D(kernel: 3, padding: 1)) + $0["x"]).relu()] },
    ]
}

extension OperationCase.Argument {
    fileprivate static func imageBlock(_ name: String, inputs: Int, outputs: Int, kernel: Int) -> [Self] {
        [
            .parameter("\(name).conv.weight", [outputs, inputs, kernel, kernel]),
            .parameter("\(name).norm.weight", [outputs]), .parameter("\(name).norm.bias", [outputs]),
        ]
    }
}

extension OperationCase.Tensors {
    /// A convolution and group normalization over the pixels.
    fileprivate func imageBlock(_ name: String, _ x: Tensor, _ geometry: Convolution2D) -> Tensor {
        let y = x.convolution2D(self["\(name).conv.weight"], geometry)
        return y.reshaped(to: [y.shape[0], y.shape[1] * y.shape[2], y.shape[3]])
            .groupNorm(groups: 2, gain: self["\(name).norm.weight"], bias: self["\(name).norm.bias"])
            .reshaped(to: y.shape)
    }
}
