import ReferenceBackend
import Testing

@testable import DPGraph

@Suite("Graph")
struct GraphTests {
    @Test("The same operation on the same values is recorded once")
    func sharing() {
        let builder = GraphBuilder()
        let x = builder.input("x", [2, 3])
        let y = builder.input("y", [2, 3])
        let graph = builder.graph(outputs: [("a", x.mish() + y), ("b", x.mish() + y), ("c", y + x.mish())])
        #expect(graph.outputs[0].value == graph.outputs[1].value)
        #expect(graph.outputs[0].value != graph.outputs[2].value)
        #expect(graph.nodes.count == 5)
    }

    @Test("Unused nodes are left out")
    func pruning() {
        let builder = GraphBuilder()
        let x = builder.input("x", [2])
        let unused = builder.input("unused", [2]).mish()
        _ = unused + x
        let graph = builder.graph(outputs: [("y", 2 * x)])
        #expect(graph.nodes.map(\.operation) == [.input(name: "x", shape: [2], rate: .iteration), .scale(by: 2)])
        #expect(graph.nodes[1].inputs == [Value(node: 0)])
    }

    @Test("A node has the rate of its fastest input")
    func rates() {
        let table = [Parameter("p", [3], .constant(0))]
        let builder = GraphBuilder(parameters: ParameterTable(table))
        let model = builder.parameter(table[0]).mish() + builder.constant([1, 2, 3], [3])
        let chunk = builder.input("observation", [3], rate: .conditioning) * model
        let step = builder.input("sample", [3]) + chunk
        let graph = builder.graph(outputs: [("model", model), ("chunk", chunk), ("step", step)])
        #expect(graph.outputs.map { graph.nodes[$0.value.node].rate } == [.weights, .conditioning, .iteration])
    }

    @Test("Operations that change nothing are not recorded")
    func identities() {
        let builder = GraphBuilder()
        let x = builder.input("x", [2, 3])
        let same = [
            x.reshaped(to: [2, 3]), x.broadcast(to: [2, 3]), x.sum(to: [2, 3]), x.slice(axis: 1, 0..<3),
            x.cast(to: .float32), .concatenate([x], axis: 0),
        ]
        #expect(same.allSatisfy { $0.value == x.value })
    }

    @Test("The gradients of all uses of a value are added up")
    func gradientAccumulationSteps() throws {
        let builder = GraphBuilder()
        let x = builder.input("x", [])
        // x² + 3x + x·x² has the derivative 2x + 3 + 3x².
        let loss = x * x + 3 * x + x * (x * x)
        let gradient = try #require(builder.gradients(of: loss, for: [x])[0])
        let graph = builder.graph(outputs: [("gradient", gradient)])
        let machine = ReferenceMachine()
        let executable = machine.compile(graph, parameters: machine.makeBuffer(count: 0), gradients: nil)
        executable.write("x", [0.5])
        try executable.run(.iteration)
        #expect(executable.read("gradient", count: 1) == [4.75])
    }

    @Test("A tensor that the loss does not depend on has no gradient")
    func independence() {
        let builder = GraphBuilder()
        let x = builder.input("x", [])
        let y = builder.input("y", [])
        let gradients = builder.gradients(of: x * x, for: [x, y])
        #expect(gradients[0] != nil)
        #expect(gradients[1] == nil)
    }

    @Test("Gradients are built for trainable parameters only")
    func frozenParameters() {
        let parameters = ["encoder.weight", "head.weight", "unused"].map { Parameter($0, [2], .constant(1)) }
        var table = ParameterTable(parameters)
        table.setTraining(ofPrefix: "encoder.", isTrainable: false)
        let builder = GraphBuilder(parameters: table)
        let x = builder.input("x", [2])
        let product = x * builder.parameter(parameters[0]).mish() * builder.parameter(parameters[1])
        let gradients = builder.gradients(of: product.sum(to: []), scaledBy: builder.constant([1], []))
        #expect(gradients.map(\.parameter) == [1])
        let graph = builder.graph(outputs: [], gradients: gradients)
        #expect(!graph.nodes.contains { $0.operation == .mishGradient })
    }
}
