/// A parameter of a layer: its PyTorch name and shape, its initialization and whether weight decay applies.
package struct Parameter: Sendable, Hashable {
    /// How a parameter is initialized before training.
    package enum Initialization: Sendable, Hashable {
        /// The same value for every element.
        case constant(Float)
        /// Uniform in `[−bound, bound)`.
        case uniform(bound: Float)
        /// Normal with mean 0.
        case normal(standardDeviation: Float)
    }

    /// The name in PyTorch's `state_dict`.
    package var name: String
    /// The shape in PyTorch.
    package var shape: Shape
    /// Its value before training.
    package var initialization: Initialization
    /// Whether AdamW's weight decay applies.
    package var decays: Bool

    /// Creates a parameter of a layer.
    package init(_ name: String, _ shape: Shape, _ initialization: Initialization, decays: Bool = true) {
        self.name = name
        self.shape = shape
        self.initialization = initialization
        self.decays = decays
    }
}
