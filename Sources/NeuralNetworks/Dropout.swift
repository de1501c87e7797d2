import PolicyInterface
public import TensorGraph

/// Dropout during training: PyTorch's `nn.Dropout`.
///
/// (Srivastava et al. 2014.)
/// Its mask follows from the key of the run and from the layer's name, so it depends neither on the order of execution nor on other
/// layers.
public struct Dropout: Sendable {
    private let mask: DropoutMask

    /// Dropout of a place in a network.
    /// - Parameters:
    ///   - name: tells the masks of one run apart, by its 64-bit FNV-1a hash.
    ///   - probability: how likely an element becomes 0.
    public init(_ name: String, probability: Float) {
        var hash = FNV1a()
        hash.combine(name)
        mask = DropoutMask(probability: probability, stream: hash.value)
    }

    /// The mask for operations that have dropout inside of them; nil if nothing is dropped.
    /// - Parameter key: the key of the run; nil while acting.
    func mask(key: Tensor?) -> DropoutMask? { key == nil || mask.probability == 0 ? nil : mask }

    /// Records what is left of `x`.
    /// - Parameter key: the key of the run, `[4]` (see `DropoutMask`); nil while acting, when nothing is dropped.
    public func callAsFunction(_ x: Tensor, key: Tensor?) -> Tensor {
        guard let key, let mask = mask(key: key) else { return x }
        return x.dropout(mask, key: key)
    }
}
