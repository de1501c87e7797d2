import DPGraph

extension DropoutMask {
    /// Returns the state of a run's mask, from the tensor that holds the run's key.
    func state(key: HostTensor) -> UInt64 { state(key: key.values.map { Float($0) }) }

    /// Returns the factor of element `index`.
    func factor(_ index: Int, state: UInt64) -> Double {
        keeps(index, state: state) ? 1 / (1 - Double(probability)) : 0
    }

    /// Multiplies every element by its factor.
    func apply(to x: HostTensor, key: HostTensor) -> HostTensor {
        let state = state(key: key)
        return HostTensor(x.shape, x.values.enumerated().map { $1 * factor($0, state: state) })
    }
}
