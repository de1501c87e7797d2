import NeuralNetworks
import TensorGraph

/// What makes a transformer's memory of its condition's tokens: the reference implementation's `encoder`.
enum ConditionEncoder: Layer {
    /// Linear, Mish, linear of each token, four times as wide in between.
    case perceptron(expansion: Linear, projection: Linear)
    /// Layers in which the tokens attend to each other.
    case layers([TransformerEncoderLayer])

    init(_ name: String, layers: Int, settings: TransformerSettings) {
        if layers == 0 {
            let width = settings.width
            self = .perceptron(
                expansion: Linear("\(name).0", inputs: width, outputs: 4 * width),
                projection: Linear("\(name).2", inputs: 4 * width, outputs: width))
        } else {
            var settings = settings
            settings.mask = .none
            self = .layers((0..<layers).map { TransformerEncoderLayer("\(name).layers.\($0)", settings) })
        }
    }

    var parameters: [Parameter] {
        switch self {
        case .perceptron(let expansion, let projection): expansion.parameters + projection.parameters
        case .layers(let layers): layers.flatMap(\.parameters)
        }
    }

    /// Records `[batch, tokens, width]` → the same shape.
    func callAsFunction(_ tokens: Tensor, dropoutKey: Tensor?) -> Tensor {
        switch self {
        case .perceptron(let expansion, let projection): projection(expansion(tokens).mish())
        case .layers(let layers): layers.reduce(tokens) { $1($0, dropoutKey: dropoutKey) }
        }
    }
}
