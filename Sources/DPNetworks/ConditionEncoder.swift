import DPGraph

/// The encoder of a transformer's condition tokens, which computes the memory: the reference implementation's
/// `encoder`.
enum ConditionEncoder: Layer {
    /// Linear, Mish, linear on each token, with a hidden layer four times as wide.
    case mlp(expansion: Linear, projection: Linear)
    /// Transformer layers in which the tokens attend to each other.
    case layers([TransformerEncoderLayer])

    init(_ name: String, layers: Int, settings: TransformerSettings) {
        if layers == 0 {
            let width = settings.width
            self = .mlp(
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
        case .mlp(let expansion, let projection): expansion.parameters + projection.parameters
        case .layers(let layers): layers.flatMap(\.parameters)
        }
    }

    /// Records `[batch, tokens, width]` → the same shape.
    func callAsFunction(_ tokens: Tensor, dropoutKey: Tensor?) -> Tensor {
        switch self {
        case .mlp(let expansion, let projection): projection(expansion(tokens).mish())
        case .layers(let layers): layers.reduce(tokens) { $1($0, dropoutKey: dropoutKey) }
        }
    }
}
