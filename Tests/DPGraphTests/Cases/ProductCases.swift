import DPGraph

extension OperationCase {
    /// Matrix products and convolutions.
    static let products: [OperationCase] = linears + convolutions + transposedConvolutions

    private static let linears: [OperationCase] = [
        linear([1, 2], outputs: 3), linear([5, 17], outputs: 33), linear([3, 64], outputs: 130),
        linear([4, 1], outputs: 1), linear([2, 3, 20], outputs: 7), linear([2, 16, 6], outputs: 64, hasBias: false),
        linear([7, 256], outputs: 16, hasBias: false), linear([7], outputs: 5), linear([61, 12], outputs: 70),
        OperationCase("linear with a given weight", [.input("x", [3, 5]), .input("w", [4, 5]), .input("b", [4])]) {
            [$0["x"].linear($0["w"], bias: $0["b"])]
        },
        OperationCase("linear with one weight used twice", [.input("x", [3, 6]), .parameter("weight", [6, 6])]) {
            [$0["x"].linear($0["weight"]).mish().linear($0["weight"])]
        },
    ]

    private static func linear(_ shape: Shape, outputs: Int, hasBias: Bool = true) -> OperationCase {
        let arguments: [Argument] = [.input("x", shape), .parameter("weight", [outputs, shape.last])]
        return OperationCase(
            "linear \(shape) to \(outputs)\(hasBias ? " with bias" : "")",
            arguments + (hasBias ? [.parameter("bias", [outputs])] : [])
        ) { [$0["x"].linear($0["weight"], bias: hasBias ? $0["bias"] : nil)] }
    }

    private static let same5 = Convolution1D(kernel: 5, padding: 2)
    private static let same3 = Convolution1D(kernel: 3, padding: 1)
    private static let point = Convolution1D(kernel: 1)
    private static let halving = Convolution1D(kernel: 3, stride: 2, padding: 1)
    private static let doubling = Convolution1D(kernel: 4, stride: 2, padding: 1)

    private static let convolutions: [OperationCase] = [
        convolution([1, 16, 2], outputs: 64, same5), convolution([3, 8, 7], outputs: 9, same5),
        convolution([2, 4, 17], outputs: 33, same3), convolution([2, 4, 40], outputs: 48, same5),
        convolution([1, 16, 64], outputs: 20, same5), convolution([5, 16, 3], outputs: 16, same5),
        convolution([2, 1, 4], outputs: 6, same5), convolution([2, 2, 4], outputs: 6, same5),
        convolution([2, 16, 64], outputs: 2, point), convolution([3, 8, 5], outputs: 6, point, hasBias: false),
        convolution([2, 16, 20], outputs: 20, halving), convolution([1, 8, 32], outputs: 32, halving),
        convolution([2, 7, 6], outputs: 10, halving), convolution([1, 2, 5], outputs: 5, halving),
        // Enough items to fill the tiles of blocked GEMM, and some more.
        convolution([29, 3, 6], outputs: 40, same5), convolution([13, 4, 34], outputs: 6, halving),
        convolution([23, 2, 4], outputs: 33, point), convolution([2, 8, 3], outputs: 4, doubling),
        convolution([2, 9, 3], outputs: 4, Convolution1D(kernel: 3)),
        convolution([2, 11, 3], outputs: 4, Convolution1D(kernel: 2, stride: 3), hasBias: false),
        OperationCase(
            "convolution with a given weight",
            [.input("x", [2, 8, 5]), .input("w", [6, 5, 3], scale: 0.3), .input("b", [6])]
        ) { [$0["x"].convolution1D($0["w"], bias: $0["b"], same3)] },
    ]

    private static func convolution(
        _ shape: Shape, outputs: Int, _ geometry: Convolution1D, hasBias: Bool = true
    ) -> OperationCase {
        let arguments: [Argument] = [
            .input("x", shape), .parameter("weight", [outputs, shape.last, geometry.kernel]),
        ]
        return OperationCase(
            "convolution of \(shape) to \(outputs), \(geometry.description)\(hasBias ? " with bias" : "")",
            arguments + (hasBias ? [.parameter("bias", [outputs])] : [])
        ) { [$0["x"].convolution1D($0["weight"], bias: hasBias ? $0["bias"] : nil, geometry)] }
    }

    private static let transposedConvolutions: [OperationCase] = [
        transposed([1, 4, 64], outputs: 64, doubling), transposed([3, 8, 7], outputs: 5, doubling),
        transposed([2, 2, 20], outputs: 33, doubling), transposed([2, 1, 3], outputs: 4, doubling),
        transposed([2, 5, 3], outputs: 4, same3, hasBias: false),
        transposed([2, 4, 3], outputs: 2, Convolution1D(kernel: 5, stride: 3)),
        transposed([2, 4, 3], outputs: 2, halving, length: 8), transposed([2, 4, 3], outputs: 2, halving, length: 7),
    ]

    private static func transposed(
        _ shape: Shape, outputs: Int, _ geometry: Convolution1D, hasBias: Bool = true, length: Int? = nil
    ) -> OperationCase {
        let arguments: [Argument] = [
            .input("x", shape), .parameter("weight", [shape.last, outputs, geometry.kernel]),
        ]
        return OperationCase(
            "transposed convolution of \(shape) to \(outputs), \(geometry.description)"
                + "\(hasBias ? " with bias" : "")\(length.map { " to length \($0)" } ?? "")",
            arguments + (hasBias ? [.parameter("bias", [outputs])] : [])
        ) {
            [$0["x"].transposedConvolution1D($0["weight"], bias: hasBias ? $0["bias"] : nil, geometry, length: length)]
        }
    }
}

extension Convolution1D {
    fileprivate var description: String { "kernel \(kernel) stride \(stride) padding \(padding)" }
}
