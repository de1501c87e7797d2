import Testing

@testable import DPCPU
@testable import DPGraph

@Suite("Fusion of transformers")
struct TransformerFusionTests {
    /// Attention and a feed-forward part on a residual stream, with dropout wherever possible.
    private func graph(drops: Bool) -> Graph {
        let shapes: [(String, Shape)] = [
            ("embedding", [8, 4]), ("projections", [24, 8]), ("output", [8, 8]), ("expansion", [32, 8]),
            ("contraction", [8, 32]), ("head", [2, 8]), ("gain 1", [8]), ("bias 1", [8]), ("gain 2", [8]),
            ("bias 2", [8]), ("gain 3", [8]), ("bias 3", [8]),
        ]
        let parameters = shapes.map { Parameter($0, $1, .constant(0.1)) }
        let builder = GraphBuilder(parameters: ParameterTable(parameters))
        func parameter(_ name: String) -> Tensor {
            builder.parameter(parameters[parameters.firstIndex { $0.name == name }!])
        }
        let key = builder.input("dropout_key", DropoutMask.keyShape)
        func dropped(_ x: Tensor, _ stream: UInt64) -> Tensor {
            drops ? x.dropout(DropoutMask(probability: 0.1, stream: stream), key: key) : x
        }
        func normal(_ x: Tensor, _ index: Int) -> Tensor {
            x.layerNorm(gain: parameter("gain \(index)"), bias: parameter("bias \(index)"))
        }
        var x = builder.input("x", [2, 4, 4]).linear(parameter("embedding")) + builder.input("places", [2, 4, 8])
        let seen = normal(x, 1).linear(parameter("projections")).attention(Attention(heads: 2, mask: .causal(lead: 0)))
        x = x + dropped(seen.linear(parameter("output")), 1)
        let middle = dropped(normal(x, 2).linear(parameter("expansion")).gelu(), 2)
        x = x + dropped(middle.linear(parameter("contraction")), 3)
        let answer = normal(x, 3).linear(parameter("head"))
        let loss = answer.meanSquaredError(to: builder.input("target", answer.shape))
        return builder.graph(
            outputs: [("loss", loss)], gradients: builder.gradients(of: loss, scaledBy: builder.constant([1], [])))
    }

    /// Counts the steps of each kind that belongs to transformers.
    private func kinds(_ steps: [DPCPU.Step]) -> [String: Int] {
        var kinds: [String: Int] = [:]
        for step in steps {
            let kind: String? =
                switch step.kernel {
                case .transformer(.geluDropout): "gelu + dropout"
                case .transformer(.geluDropoutGradient): "gradient of gelu + dropout"
                case .transformer(.dropoutSum): "dropout + residual"
                case .transformer(.layerNormGradientSum): "gradient of layer norm + residual"
                case .operation(.gelu): "gelu"
                case .operation(.geluGradient): "gradient of gelu"
                case .operation(.dropout): "dropout"
                case .operation(.layerNormGradient): "gradient of layer norm"
                case .operation(.add): "add"
                default: nil
                }
            if let kind { kinds[kind, default: 0] += 1 }
        }
        return kinds
    }

    @Test(
        "dropout is fused with its neighbors, and gradients of a residual stream are summed",
        arguments: [Precision.float32, .bfloat16])
    func chains(_ precision: Precision) {
        #expect(
            kinds(Fusion.steps(of: graph(drops: true).withProducts(in: precision))) == [
                "gelu + dropout": 1, "gradient of gelu + dropout": 1, "dropout + residual": 2,
                "gradient of layer norm + residual": 2,
                // The last residual stream has only one reader; dropout of a gradient stands alone between such a
                // stream and a product; the addition is that of token positions.
                "gradient of layer norm": 1, "dropout": 2, "add": 1,
            ])
        #expect(
            kinds(Fusion.steps(of: graph(drops: false).withProducts(in: precision))) == [
                "gelu": 1, "gradient of gelu": 1, "add": 3, "gradient of layer norm + residual": 2,
                "gradient of layer norm": 1,
            ])
    }

    @Test("in bfloat16 nothing is widened in memory")
    func precision() {
        let steps = Fusion.steps(of: graph(drops: true).withProducts(in: .bfloat16))
        let widened = steps.count { if case .operation(.cast(to: .float32)) = $0.kernel { true } else { false } }
        #expect(widened == 0)
    }

    @Test("every step follows the steps whose results it reads", arguments: [Precision.float32, .bfloat16])
    func order(_ precision: Precision) {
        var made: Set<Value> = []
        for step in Fusion.steps(of: graph(drops: true).withProducts(in: precision)) {
            #expect(step.inputs.allSatisfy(made.contains))
            for case let result? in step.results { made.insert(result) }
        }
    }
}
