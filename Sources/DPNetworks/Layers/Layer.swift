package import DPGraph

/// A part of a network that has parameters.
///
/// A layer is a value type. It contains the names and shapes of its parameters but not their values, which are
/// stored in one flat vector for the whole network. Calling it on symbolic tensors records its computation in their
/// graph.
package protocol Layer: Sendable {
    /// Its parameters, in the order in which the corresponding PyTorch module registers them.
    var parameters: [Parameter] { get }

    /// Names of tensors that PyTorch stores in addition to the parameters, such as grids; none by default.
    ///
    /// They follow from the configuration. Files may contain them; they are ignored.
    var buffers: [String] { get }
}

extension Layer {
    /// No buffers.
    package var buffers: [String] { [] }
}

/// A layer that maps one tensor to another.
package protocol UnaryLayer: Layer {
    /// Records the layer's output for `x`.
    func callAsFunction(_ x: Tensor) -> Tensor
}
