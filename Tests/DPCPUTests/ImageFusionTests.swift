import Testing

@testable import DPCPU
@testable import DPGraph

@Suite("Fusion of images")
struct ImageFusionTests {
    /// A residual block whose shortcut changes the channels, then one without, then keypoints.
    private func graph(gradients: Bool) -> Graph {
        let parameters = ["a", "b", "c", "d", "e"].flatMap { name in
            let (inputs, kernel) = name == "a" ? (8, 3) : name == "c" ? (8, 1) : (16, 3)
            return [
                Parameter("\(name).w", [16, inputs, kernel, kernel], .constant(0.1)),
                Parameter("\(name).gain", [16], .constant(1)), Parameter("\(name).bias", [16], .constant(0)),
            ]
        }
        let table = ParameterTable(parameters)
        let builder = GraphBuilder(parameters: table)
        func parameter(_ name: String) -> Tensor {
            builder.parameter(parameters[parameters.firstIndex { $0.name == name }!])
        }
        func convolved(_ name: String, _ x: Tensor) -> Tensor {
            let kernel = parameter("\(name).w").shape[3]
            let y = x.convolution2D(parameter("\(name).w"), Convolution2D(kernel: kernel, padding: kernel / 2))
            return y.reshaped(to: [y.shape[0], 36, 16])
                .groupNorm(groups: 2, gain: parameter("\(name).gain"), bias: parameter("\(name).bias"))
                .reshaped(to: y.shape)
        }
        let x = builder.input("x", [3, 6, 6, 8])
        let shortcut = convolved("c", x)
        let first = (convolved("b", convolved("a", x).relu()) + shortcut).relu()
        let second = (convolved("e", convolved("d", first).relu()) + first).relu()
        let places = second.convolution2D(parameter("b.w"), Convolution2D(kernel: 3)).spatialSoftmax()
        let loss = places.meanSquaredError(to: builder.input("target", places.shape))
        return builder.graph(
            outputs: [("loss", loss)],
            gradients: gradients ? builder.gradients(of: loss, scaledBy: builder.constant([1], [])) : [])
    }

    private func count(_ steps: [DPCPU.Step], _ isCounted: (Kernel) -> Bool) -> Int {
        steps.count { isCounted($0.kernel) }
    }

    @Test(
        "normalization, shortcut and ReLU become one kernel each", arguments: [Precision.float32, .bfloat16],
        [false, true])
    func chains(_ precision: Precision, gradients: Bool) {
        let steps = Fusion.steps(of: graph(gradients: gradients).withProducts(in: precision))
        var (norms, residuals, gradientsOfNorms) = (0, 0, 0)
        for step in steps {
            switch step.kernel {
            case .imageNorm(let fused):
                norms += 1
                if fused.hasResidual { residuals += 1 }
            case .imageNormGradient: gradientsOfNorms += 1
            default: break
            }
        }
        #expect((norms, residuals, gradientsOfNorms) == (5, 2, gradients ? 5 : 0))
        let left = count(steps) { kernel in
            guard case .operation(let operation) = kernel else { return false }
            switch operation {
            case .relu, .reluGradient, .groupNorm, .groupNormGradient: return true
            default: return false
            }
        }
        #expect(left == 0)
    }

    @Test("in bfloat16 feature maps and their gradients are never widened in memory")
    func precision() {
        let graph = graph(gradients: true).withProducts(in: .bfloat16)
        for step in Fusion.steps(of: graph) {
            for value in step.inputs + step.results.compactMap({ $0 }) {
                guard case .input = graph.nodes[value.node].operation else {
                    let type = graph.type(of: value)
                    let isImage = type.shape.dimensions.first == 3 && type.shape.rank == 4
                    #expect(!isImage || type.precision == .bfloat16, "\(step.kernel)")
                    continue
                }
            }
        }
    }

    @Test("every step follows the steps whose results it reads", arguments: [Precision.float32, .bfloat16])
    func order(_ precision: Precision) {
        var made: Set<Value> = []
        for step in Fusion.steps(of: graph(gradients: true).withProducts(in: precision)) {
            #expect(step.inputs.allSatisfy(made.contains))
            for case let result? in step.results { made.insert(result) }
        }
    }
}
