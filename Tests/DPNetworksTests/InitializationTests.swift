import DPBase
import DPGraph
import DPNetworks
import Testing

@Suite("Initial values")
struct InitializationTests {
    @Test("weights and biases start uniform in ±1/√fanIn as in PyTorch, norms at one and zero")
    func bounds() {
        let layers: [(any Layer, fanIn: Int)] = [
            (Linear("linear", inputs: 30, outputs: 50), 30),
            (Conv1d("convolution", inputChannels: 12, outputChannels: 40, kernelSize: 5), 60),
            (ConvTranspose1d("transposed", inputChannels: 40, outputChannels: 12, kernelSize: 4), 48),
        ]
        let norm = GroupNorm("norm", groups: 4, channels: 8)
        let table = ParameterTable(layers.flatMap(\.0.parameters) + norm.parameters)
        let values = table.initialValues(key: RandomKey(seed: 1))
        #expect(values.count == table.count)

        for (layer, fanIn) in layers {
            let bound = 1 / Float(fanIn).squareRoot()
            for parameter in layer.parameters {
                let drawn = values[parameter, table]
                #expect(drawn.allSatisfy { $0 >= -bound && $0 < bound }, "\(parameter.name)")
                if drawn.count > 1000 {
                    #expect(drawn.min()! < -0.99 * bound && drawn.max()! > 0.99 * bound, "\(parameter.name)")
                    // The variance of a uniform distribution is a third of its bound's square.
                    let variance = drawn.reduce(0) { $0 + $1 * $1 } / Float(drawn.count)
                    #expect(abs(variance / (bound * bound / 3) - 1) < 0.1, "\(parameter.name)")
                }
            }
        }
        #expect(values[norm.weight, table].allSatisfy { $0 == 1 })
        #expect(values[norm.bias, table].allSatisfy { $0 == 0 })
    }

    @Test("a normally distributed parameter has its standard deviation")
    func normal() {
        let parameter = Parameter("embedding", [100, 100], .normal(standardDeviation: 0.02))
        let values = ParameterTable([parameter]).initialValues(key: RandomKey(seed: 1))
        let variance = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
        #expect(abs(variance.squareRoot() / 0.02 - 1) < 0.05)
    }

    @Test("a parameter's values depend only on the key and its name")
    func independence() {
        let first = Linear("first", inputs: 7, outputs: 3)
        let second = Linear("second", inputs: 7, outputs: 3)
        let alone = ParameterTable(second.parameters)
        let together = ParameterTable(first.parameters + second.parameters)
        let key = RandomKey(seed: 5)
        #expect(
            alone.initialValues(key: key)[second.weight, alone]
                == together.initialValues(key: key)[second.weight, together])
        let values = together.initialValues(key: key)
        #expect(values == together.initialValues(key: key))
        #expect(values != together.initialValues(key: RandomKey(seed: 6)))
        #expect(values[first.weight, together] != values[second.weight, together])
    }

    @Test("the gaps between parameters stay zero")
    func gaps() {
        let table = ParameterTable(Linear("linear", inputs: 3, outputs: 3).parameters)
        let values = table.initialValues(key: RandomKey(seed: 1))
        #expect(values[9..<16].allSatisfy { $0 == 0 } && values[19..<32].allSatisfy { $0 == 0 })
    }
}

extension [Float] {
    /// The values of a parameter in a flat vector.
    fileprivate subscript(parameter: Parameter, table: ParameterTable) -> [Float] {
        Array(self[table.ranges[table.index(of: parameter.name)!].elements])
    }
}
