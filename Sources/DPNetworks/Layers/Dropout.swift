import DPBase
package import DPGraph

/// Dropout during training: PyTorch's `nn.Dropout`.
///
/// See Srivastava et al. 2014. The mask is a function of the dropout key and the layer's name, so it depends
/// neither on the order of execution nor on other layers.
package struct Dropout: Sendable {
    private let mask: DropoutMask

    /// Creates the dropout of one position in a network.
    /// - Parameters:
    ///   - name: distinguishes the masks that share a key, by its 64-bit FNV-1a hash.
    ///   - probability: the probability that an element becomes 0.
    package init(_ name: String, probability: Float) {
        var hash = FNV1a()
        hash.combine(name)
        mask = DropoutMask(probability: probability, stream: hash.value)
    }

    /// Returns the mask for operations with built-in dropout; nil if nothing is dropped.
    /// - Parameter key: the dropout key; nil during inference.
    func mask(key: Tensor?) -> DropoutMask? { key == nil || mask.probability == 0 ? nil : mask }

    /// Records `x` with dropout applied.
    /// - Parameter key: the dropout key, `[4]` (see `DropoutMask`); nil during inference, when nothing is dropped.
    package func callAsFunction(_ x: Tensor, key: Tensor?) -> Tensor {
        guard let key, let mask = mask(key: key) else { return x }
        return x.dropout(mask, key: key)
    }
}
