import ReferenceBackend
import TestSupport
import Testing

@testable import DPGraph

/// Where products in bfloat16 round, and the resulting numbers.
@Suite("Products in bfloat16")
struct PrecisionTests {
    private static let parameters = [
        Parameter("weight", [4, 4, 3], .constant(0)), Parameter("bias", [4], .constant(0)),
        Parameter("gain", [4], .constant(0)),
    ]
    private let builder = GraphBuilder(parameters: ParameterTable(parameters))
    private var x: Tensor { builder.input("x", [2, 6, 4]) }

    private func convolved(_ x: Tensor) -> Tensor {
        x.convolution1D(
            builder.parameter(Self.parameters[0]), bias: builder.parameter(Self.parameters[1]),
            Convolution1D(kernel: 3, padding: 1))
    }

    private func normalized(_ x: Tensor) -> Tensor {
        x.groupNorm(groups: 2, gain: builder.parameter(Self.parameters[2]), bias: builder.parameter(Self.parameters[1]))
    }

    private func rounded(_ output: Tensor) -> Graph {
        builder.graph(outputs: [("y", output)]).withProducts(in: .bfloat16)
    }

    /// Returns the operations whose results are cast, each with its target precision, in graph order.
    private func casts(_ graph: Graph) -> [String] {
        graph.nodes.compactMap { node in
            guard case .cast(let precision) = node.operation else { return nil }
            let name = "\(graph.nodes[node.inputs[0].node].operation)".prefix { $0.isLetter || $0.isNumber }
            return "\(name) to \(precision)"
        }
    }

    @Test("In float32 nothing changes")
    func float32() {
        let graph = builder.graph(outputs: [("y", convolved(x))])
        #expect(graph.withProducts(in: .float32).nodes == graph.nodes)
    }

    @Test("A product's operands are rounded; its bias and a result that is an output are not")
    func product() {
        let graph = rounded(convolved(x))
        #expect(casts(graph).sorted() == ["input to bfloat16", "parameter to bfloat16"])
        let product = graph.nodes[graph.outputs[0].value.node]
        #expect(product.operation.isProduct)
        #expect(product.inputs.map { graph.type(of: $0).precision } == [.bfloat16, .bfloat16, .float32])
        #expect(product.results.map(\.precision) == [.float32])
    }

    @Test("An operand of a product is stored once, rounded, and all other readers use it")
    func sharedValue() {
        let y = x.mish()
        let graph = rounded(convolved(y) + y)
        #expect(casts(graph).filter { $0.hasPrefix("mish") } == ["mish to bfloat16"])
        let sum = graph.nodes[graph.outputs[0].value.node]
        #expect(sum.operation == .add)
        #expect(sum.inputs.allSatisfy { graph.nodes[$0.node].operation == .cast(to: .float32) })
    }

    @Test("The result of a product over sequences is stored rounded, for normalization forward and backward")
    func normalization() {
        let loss = normalized(convolved(x)).meanSquaredError(to: builder.input("target", [2, 6, 4]))
        let gradients = builder.gradients(of: loss, scaledBy: builder.constant([1], []))
        let graph = builder.graph(outputs: [("loss", loss)], gradients: gradients).withProducts(in: .bfloat16)
        #expect(
            casts(graph).sorted() == [
                "cast to float32", "cast to float32", "convolution1D to bfloat16", "groupNormGradient to bfloat16",
                "input to bfloat16", "parameter to bfloat16",
            ])
        for (_, value) in graph.gradients { #expect(graph.type(of: value).precision == .float32) }
    }

    @Test("A prediction that only the loss reads keeps full precision")
    func loss() {
        let graph = rounded(convolved(x).meanSquaredError(to: builder.input("target", [2, 6, 4])))
        #expect(!casts(graph).contains { $0.hasPrefix("convolution1D") })
    }

    @Test("Vectors from a linear layer stay in float32 for the operations that read them")
    func vectors() {
        let weight = builder.input("weight", [3, 5])
        let graph = rounded(builder.input("v", [7, 5]).linear(weight).mish())
        #expect(casts(graph) == ["input to bfloat16", "input to bfloat16"])
    }

    @Test("Movement moves rounded numbers")
    func movement() {
        let joined = Tensor.concatenate([x.mish(), builder.input("skip", [2, 6, 4])], axis: 1).slice(axis: 1, 3..<9)
        let graph = rounded(convolved(joined))
        for node in graph.nodes where node.operation.isMovement {
            #expect(node.results[0].precision == .bfloat16)
        }
        #expect(casts(graph).sorted() == ["input to bfloat16", "mish to bfloat16", "parameter to bfloat16"])
    }

    @Test("Results differ from those in float32 only by rounding", arguments: OperationCase.all)
    func results(_ test: OperationCase) throws {
        let exact = try CaseRun(test, on: ReferenceMachine())
        let rounded = try CaseRun(test, on: ReferenceMachine(), precision: .bfloat16)
        try exact.run()
        try rounded.run()
        for (expected, found) in zip(exact.everything(), rounded.everything()) {
            let largest = expected.values.map(abs).max() ?? 0
            let difference = zip(expected.values, found.values).map { abs($0 - $1) }
            #expect(
                difference.allSatisfy { $0 <= 0.06 * largest + 0.05 },
                "\(expected.name): off by \(difference.max() ?? 0) of \(largest)")
        }
    }
}
