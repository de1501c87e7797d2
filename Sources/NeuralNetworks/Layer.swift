public import TensorGraph

/// A part of a network that has parameters.
///
/// A layer is a value. It knows the names and shapes of its parameters but not their numbers, which lie in one flat vector for the whole
/// network. Calling it on symbolic tensors records in their graph what it computes.
public protocol Layer: Sendable {
    /// Its parameters, in the order in which PyTorch's module of that name registers them.
    var parameters: [Parameter] { get }

    /// Names of tensors that PyTorch keeps beside the parameters, such as grids, and that follow from the configuration: files may hold them, and
    /// nobody reads them; none by default.
    var buffers: [String] { get }
}

extension Layer {
    /// None.
    public var buffers: [String] { [] }
}

/// A layer that makes one tensor of another.
public protocol UnaryLayer: Layer {
    /// Records what the layer makes of `x`.
    func callAsFunction(_ x: Tensor) -> Tensor
}
