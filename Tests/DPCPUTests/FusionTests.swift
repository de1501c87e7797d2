import Testing

@testable import DPCPU
@testable import DPGraph

@Suite("Fusion")
struct FusionTests {
    /// Convolution, group norm, Mish, FiLM, group norm, Mish and a residual, as in a block of the U-Net.
    private func block(gradients: Bool, alsoKeepingMish: Bool = false) -> [DPCPU.Step] {
        let parameters = [
            Parameter("w", [16, 8, 3], .constant(0.1)), Parameter("b", [16], .constant(0)),
            Parameter("gain", [16], .constant(1)), Parameter("bias", [16], .constant(0)),
        ]
        let builder = GraphBuilder(parameters: ParameterTable(parameters))
        let (w, b) = (builder.parameter(parameters[0]), builder.parameter(parameters[1]))
        let (gain, bias) = (builder.parameter(parameters[2]), builder.parameter(parameters[3]))
        let x = builder.input("x", [2, 4, 8])
        let film = builder.input("film", [2, 32])
        let h = x.convolution1D(w, bias: b, Convolution1D(kernel: 3, padding: 1))
        let mish = h.groupNorm(groups: 4, gain: gain, bias: bias).mish()
        let modulated = mish.film(scale: film.slice(axis: 1, 0..<16), bias: film.slice(axis: 1, 16..<32))
        let y = modulated.groupNorm(groups: 4, gain: gain, bias: bias).mish() + h
        let loss = y.meanSquaredError(to: builder.input("target", y.shape))
        let graph = builder.graph(
            outputs: [("loss", loss)] + (alsoKeepingMish ? [("mish", mish)] : []),
            gradients: gradients ? builder.gradients(of: loss, scaledBy: builder.constant([1], [])) : [])
        return Fusion.steps(of: graph)
    }

    private func groupNorms(_ steps: [DPCPU.Step]) -> [FusedGroupNorm] {
        steps.compactMap { if case .groupNorm(let fused) = $0.kernel { fused } else { nil } }
    }

    @Test("normalization, Mish, FiLM and residual become one kernel each", arguments: [false, true])
    func chains(gradients: Bool) {
        let steps = block(gradients: gradients)
        #expect(
            groupNorms(steps) == [
                FusedGroupNorm(
                    groups: 4, epsilon: 1e-5, hasMish: true, film: .scaleAndBias(scaleColumn: 0, biasColumn: 16)),
                FusedGroupNorm(groups: 4, epsilon: 1e-5, hasMish: true, hasResidual: true),
            ])
        let left = steps.filter { step in
            guard case .operation(let operation) = step.kernel else { return false }
            switch operation {
            case .mish, .film, .groupNorm, .mishGradient, .filmGradient, .groupNormGradient: return true
            default: return false
            }
        }
        #expect(left.isEmpty)
    }

    @Test("a value with another reader is not fused away")
    func sharedValue() {
        let fused = groupNorms(block(gradients: true, alsoKeepingMish: true))
        #expect(fused.first == FusedGroupNorm(groups: 4, epsilon: 1e-5, hasMish: true))
    }

    @Test("every step follows the steps whose results it reads", arguments: [false, true])
    func order(gradients: Bool) {
        var made: Set<Value> = []
        for step in block(gradients: gradients) {
            #expect(step.inputs.allSatisfy(made.contains))
            for case let result? in step.results { made.insert(result) }
        }
    }

    @Test("a convolution's bias gradient comes with its weight gradient")
    func parameterGradients() {
        let count = block(gradients: true).count { if case .parameterGradient = $0.kernel { true } else { false } }
        #expect(count == 1)
    }

    @Test("a chain that another chain adds as its residual keeps its value")
    func residualOfAnotherChain() {
        let parameters = [Parameter("gain", [8], .constant(1)), Parameter("bias", [8], .constant(0))]
        let builder = GraphBuilder(parameters: ParameterTable(parameters))
        let (gain, bias) = (builder.parameter(parameters[0]), builder.parameter(parameters[1]))
        func chain(_ name: String) -> Tensor {
            builder.input(name, [1, 4, 8]).groupNorm(groups: 2, gain: gain, bias: bias).mish()
        }
        let graph = builder.graph(outputs: [("y", chain("a") + chain("b"))])
        let steps = Fusion.steps(of: graph)
        #expect(groupNorms(steps).map(\.hasResidual).sorted { !$0 && $1 } == [false, true])
        var made: Set<Value> = []
        for step in steps {
            #expect(step.inputs.allSatisfy(made.contains))
            for case let result? in step.results { made.insert(result) }
        }
    }
}
