package import DPBase
package import DPGraph

extension Parameter {
    /// Returns the weight and bias of a linear or convolution layer, with PyTorch's default initialization.
    ///
    /// PyTorch draws both uniformly from ±1/√fanIn, the bound of its `kaiming_uniform_` with `a = √5` (He et al.
    /// 2015). Its fan-in is the product of all dimensions of the weight after the first, also for transposed
    /// convolutions, whose first dimension is the inputs.
    static func weightAndBias(of layer: String, weight shape: Shape, outputs: Int) -> (
        weight: Parameter, bias: Parameter
    ) {
        let fanIn = shape.count / shape[0]
        let bound = Float(1 / Double(fanIn).squareRoot())
        return (
            Parameter("\(layer).weight", shape, .uniform(bound: bound)),
            Parameter("\(layer).bias", [outputs], .uniform(bound: bound))
        )
    }
}

extension ParameterTable {
    /// Returns the flat parameter vector before training.
    ///
    /// Each parameter draws from a key derived from its name, so its values depend neither on the order nor on the
    /// presence of other parameters.
    package func initialValues(key: RandomKey) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { values in
            for range in ranges {
                range.parameter.initialization.fill(
                    UnsafeMutableBufferPointer(rebasing: values[range.elements]), key: key.folding(range.name))
            }
        }
        return values
    }
}

extension Parameter.Initialization {
    /// Fills `values` with numbers derived from `key`.
    fileprivate func fill(_ values: UnsafeMutableBufferPointer<Float>, key: RandomKey) {
        switch self {
        case .constant(let value):
            values.update(repeating: value)
        case .uniform(let bound):
            // 24 bits make a number in [−1, 1) that float32 holds exactly.
            for index in values.indices {
                values[index] = bound * (Float(key.bits(at: index) >> 40) * 0x1p-23 - 1)
            }
        case .normal(let standardDeviation):
            key.fillNormal(values)
            for index in values.indices { values[index] *= standardDeviation }
        }
    }
}
