import DPGraph
import TestSupport
import Testing

/// A small computation that every backend must compute correctly, with its arguments.
struct OperationCase: Sendable, CustomTestStringConvertible {
    /// An input or parameter of the computation.
    struct Argument: Sendable {
        enum Place: Sendable {
            /// An input that is set before a run.
            case input(Rate)
            /// A range of the flat vector.
            case parameter
        }

        let name: String
        let shape: Shape
        let place: Place
        let values: [Float]
        /// Whether its gradient is computed.
        var isDifferentiated = true

        /// Returns an input, uniform in `base ± scale`.
        static func input(
            _ name: String, _ shape: Shape, base: Float = 0, scale: Float = 1, rate: Rate = .iteration
        ) -> Self {
            let values = fill("\(name) \(shape)", count: shape.count, base: base, scale: scale)
            return Self(name: name, shape: shape, place: .input(rate), values: values)
        }

        /// Returns an input that has no gradient.
        static func numbers(_ name: String, _ values: [Float]) -> Self {
            Self(name: name, shape: [values.count], place: .input(.iteration), values: values, isDifferentiated: false)
        }

        /// Returns a range of the flat vector: small numbers for a weight, about 1 for a gain.
        static func parameter(_ name: String, _ shape: Shape) -> Self {
            let values = fillParameter(name, shape: shape.dimensions)
            return Self(name: name, shape: shape, place: .parameter, values: values)
        }

        /// The same argument without a gradient.
        var constant: Self {
            var copy = self
            copy.isDifferentiated = false
            return copy
        }
    }

    /// The arguments as tensors of a graph, by name.
    struct Tensors {
        let values: [String: Tensor]

        subscript(name: String) -> Tensor {
            guard let tensor = values[name] else { preconditionFailure("the case has no argument \(name)") }
            return tensor
        }
    }

    let name: String
    let arguments: [Argument]
    /// Whether small changes of the arguments cause proportional changes of the results.
    var isSmooth = true
    let build: @Sendable (Tensors) -> [Tensor]

    init(
        _ name: String, _ arguments: [Argument], isSmooth: Bool = true, build: @escaping @Sendable (Tensors) -> [Tensor]
    ) {
        self.name = name
        self.arguments = arguments
        self.isSmooth = isSmooth
        self.build = build
    }

    var testDescription: String { name }

    /// Every case of the suite.
    static let all =
        shapes + elementwise + products + normalization + images + embeddingsAndLosses + memory + blocks + networks
        + transformers
}
