/// A parameter of a layer: its PyTorch name and shape, how it starts and whether weight decay applies.
public struct Parameter: Sendable, Hashable {
    /// How a parameter is set before training.
    public enum Initialisation: Sendable, Hashable {
        /// Every element the same.
        case constant(Float)
        /// Uniform in `[−bound, bound)`.
        case uniform(bound: Float)
        /// Normal with mean 0.
        case normal(standardDeviation: Float)
    }

    /// The name in PyTorch's `state_dict`.
    public var name: String
    /// The shape in PyTorch.
    public var shape: Shape
    /// Its value before training.
    public var initialisation: Initialisation
    /// Whether AdamW's weight decay applies.
    public var decays: Bool

    /// A parameter of a layer.
    public init(_ name: String, _ shape: Shape, _ initialisation: Initialisation, decays: Bool = true) {
        self.name = name
        self.shape = shape
        self.initialisation = initialisation
        self.decays = decays
    }
}
