import TensorGraph
import TestSupport
import Testing

/// A small computation that every backend must do right, with the values it is done on.
struct OperationCase: Sendable, CustomTestStringConvertible {
    /// What the computation is made of.
    struct Argument: Sendable {
        enum Place: Sendable {
            /// Given before a run.
            case input(Rate)
            /// In the flat vector.
            case parameter
        }

        let name: String
        let shape: Shape
        let place: Place
        let values: [Float]
        /// Whether its gradient is asked for.
        var isDifferentiated = true

        /// Numbers given before a run, uniform in `base ± scale`.
        static func input(
            _ name: String, _ shape: Shape, base: Float = 0, scale: Float = 1, rate: Rate = .step
        ) -> Self {
            let values = fill("\(name) \(shape)", count: shape.count, base: base, scale: scale)
            return Self(name: name, shape: shape, place: .input(rate), values: values)
        }

        /// Numbers given before a run that have no gradient.
        static func numbers(_ name: String, _ values: [Float]) -> Self {
            Self(name: name, shape: [values.count], place: .input(.step), values: values, isDifferentiated: false)
        }

        /// A range of the flat vector: small numbers for a weight, about 1 for a gain.
        static func parameter(_ name: String, _ shape: Shape) -> Self {
            let values = fillParameter(name, shape: shape.dimensions)
            return Self(name: name, shape: shape, place: .parameter, values: values)
        }

        /// The same, without a gradient.
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
    /// Whether small changes of the arguments make proportional changes of the results.
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
        shapes + elementwise + products + normalisation + images + embeddingsAndLosses + memory + blocks + networks
        + transformers
}
