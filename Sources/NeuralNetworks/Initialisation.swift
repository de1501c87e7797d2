public import PolicyInterface
public import TensorGraph

extension Parameter {
    /// The weight and bias of a layer of products, with PyTorch's default initialisation.
    ///
    /// PyTorch draws both uniformly from ±1/√fanIn: its `kaiming_uniform_` with `a = √5` has that bound (He et al. 2015). It takes the product
    /// of all extents after the weight's first for the fan-in, also for transposed convolutions, whose first extent is the inputs.
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
    /// The flat vector before training.
    ///
    /// Each parameter draws from a key of its own name, so its values depend neither on the order nor on the presence of others.
    public func initialValues(key: RandomKey) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { values in
            for range in ranges {
                range.parameter.initialisation.fill(
                    UnsafeMutableBufferPointer(rebasing: values[range.elements]), key: key.folding(range.name))
            }
        }
        return values
    }
}

extension Parameter.Initialisation {
    /// Fills `values` with numbers that follow from `key`.
    fileprivate func fill(_ values: UnsafeMutableBufferPointer<Float>, key: RandomKey) {
        switch self {
        case .constant(let value):
            values.update(repeating: value)
        case .uniform(let bound):
            // 24 bits make a number in [0, 1) that float32 holds exactly.
            for index in values.indices {
                values[index] = bound * (Float(key.bits(at: index) >> 40) * 0x1p-23 - 1)
            }
        case .normal(let standardDeviation):
            key.fillNormal(values)
            for index in values.indices { values[index] *= standardDeviation }
        }
    }
}
