import Testing

@testable import DPGraph

/// Invalid shapes, which stop the program, and the resulting shapes of valid operations.
@Suite("Shape rules")
struct ShapeRuleTests {
    @Test("Broadcasting follows NumPy's rule")
    func broadcasting() {
        #expect(Shape([2, 1, 5]).broadcast(with: [7, 1]) == [2, 7, 5])
        #expect(Shape([]).broadcast(with: [3]) == [3])
        #expect(Shape([2, 3]).broadcast(with: [2]) == nil)
    }

    @Test("Windows of a convolution are counted", arguments: [(16, 8), (7, 4), (2, 1), (1, 1)])
    func windows(_ length: Int, _ expected: Int) {
        #expect(Convolution1D(kernel: 3, stride: 2, padding: 1).outputLength(of: length) == expected)
    }

    @Test("A kernel that does not fit has no window")
    func noWindow() {
        #expect(Convolution1D(kernel: 3, stride: 2).outputLength(of: 2) == 0)
        #expect(Convolution1D(kernel: 5).outputLength(of: 4) == 0)
    }

    @Test("A transposed convolution restores the lengths before a convolution", arguments: [1, 2, 4, 9])
    func transposedLengths(_ length: Int) {
        let geometry = Convolution1D(kernel: 4, stride: 2, padding: 1)
        #expect(geometry.transposedLength(of: length) == 2 * length)
        #expect(geometry.outputLength(of: geometry.transposedLength(of: length)) == length)
    }

    @Test("Group norm requires channels that divide into groups")
    func groupsMustDivide() async {
        await #expect(processExitsWith: .failure) {
            let builder = GraphBuilder()
            let vector = builder.input("v", [6])
            _ = builder.input("x", [2, 4, 6]).groupNorm(groups: 4, gain: vector, bias: vector)
        }
    }

    @Test("A linear layer requires as many inputs as its weight has")
    func linearInputs() async {
        await #expect(processExitsWith: .failure) {
            let builder = GraphBuilder()
            _ = builder.input("x", [2, 5]).linear(builder.input("w", [3, 4]))
        }
    }

    @Test("A convolution requires at least one window")
    func convolutionLength() async {
        await #expect(processExitsWith: .failure) {
            let builder = GraphBuilder()
            let weight = builder.input("w", [3, 4, 5])
            _ = builder.input("x", [2, 3, 4]).convolution1D(weight, Convolution1D(kernel: 5, stride: 2))
        }
    }

    @Test("Elementwise operations require shapes that broadcast")
    func broadcastMismatch() async {
        await #expect(processExitsWith: .failure) {
            let builder = GraphBuilder()
            _ = builder.input("x", [2, 3]) + builder.input("y", [2])
        }
    }

    @Test("Concatenated tensors may differ only along the axis")
    func concatenation() async {
        await #expect(processExitsWith: .failure) {
            let builder = GraphBuilder()
            _ = Tensor.concatenate([builder.input("x", [2, 3]), builder.input("y", [3, 2])], axis: 1)
        }
    }

    @Test("Two parameters cannot have the same name")
    func parameterNames() async {
        await #expect(processExitsWith: .failure) {
            _ = ParameterTable([Parameter("a", [1], .constant(0)), Parameter("a", [2], .constant(0))])
        }
    }

    @Test("A clamp has no gradient")
    func clampGradient() async {
        await #expect(processExitsWith: .failure) {
            let builder = GraphBuilder()
            let x = builder.input("x", [])
            _ = builder.gradients(of: x.clamped(to: -1...1), for: [x])
        }
    }
}
