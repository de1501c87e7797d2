import ReferenceBackend
import TestSupport
import Testing

@testable import DPGraph

/// Which operations hoisting assigns to each rate, and that results do not change.
@Suite("Hoisting")
struct HoistingTests {
    private static let parameters = [
        Parameter("w", [6, 8], .constant(0)), Parameter("b", [6], .constant(0)),
        Parameter("v", [6, 8], .constant(0)), Parameter("c", [6], .constant(0)),
    ]

    /// `condition = concatenate(mish(embedding(t)), observation)`, where t is a column of a table, and two linear
    /// maps of its Mish.
    private func graph(batch: Int) -> Graph {
        let builder = GraphBuilder(parameters: ParameterTable(Self.parameters))
        let (w, b) = (builder.parameter(Self.parameters[0]), builder.parameter(Self.parameters[1]))
        let (v, c) = (builder.parameter(Self.parameters[2]), builder.parameter(Self.parameters[3]))
        let table = builder.constant([9, 0.5, 4, 0.25, 0, 1], [3, 2])
        let numbers = table.rows(at: builder.input("step", [batch]))
        let embedding = numbers.slice(axis: 1, 0..<1).reshaped(to: [batch]).sinusoidalEmbedding(dimension: 4)
        let observation = builder.input("observation", [batch, 4], rate: .conditioning)
        let condition = Tensor.concatenate([embedding.mish(), observation], axis: 1).mish()
        let (first, second) = (condition.linear(w, bias: b), condition.linear(v, bias: c))
        let factor = numbers.slice(axis: 1, 1..<2)
        return builder.graph(outputs: [
            ("first", factor * first.slice(axis: 1, 2..<5)), ("second", factor * second.slice(axis: 1, 1..<4)),
        ])
    }

    private func results(of graph: Graph, batch: Int) throws -> [[Float]] {
        let machine = ReferenceMachine()
        let parameters = machine.makeBuffer(count: graph.parameters.count)
        parameters.write(fill("parameters", count: graph.parameters.count))
        let executable = machine.compile(graph, parameters: parameters, gradients: nil)
        executable.write("observation", fill("observation", count: batch * 4))
        try executable.run(.conditioning)
        return try (0..<3).flatMap { step in
            executable.write("step", (0..<batch).map { Float(($0 + step) % 3) })
            try executable.run(.iteration)
            return [executable.read("first", count: batch * 3), executable.read("second", count: batch * 3)]
        }
    }

    private func operations(_ graph: Graph, at rate: Rate) -> [TensorOperation] {
        graph.nodes.filter { $0.rate == rate }.map(\.operation)
    }

    @Test("results stay the same, also for items of a batch at different denoising steps", arguments: [1, 3])
    func equality(batch: Int) throws {
        let graph = graph(batch: batch)
        for (found, expected) in zip(
            try results(of: graph.hoisted(), batch: batch), try results(of: graph, batch: batch))
        {
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) })
        }
    }

    @Test("a denoising step selects its rows once, adds the observation's part and computes no product")
    func step() {
        let found = operations(graph(batch: 2).hoisted(), at: .iteration)
        #expect(
            found.filter { $0 != .multiply } == [
                .input(name: "step", shape: [2], rate: .iteration), .indexSelect, .indexSelect, .add,
                .slice(axis: 1, range: 1..<2), .slice(axis: 1, range: 2..<5), .slice(axis: 1, range: 7..<10),
            ])
    }

    @Test("products with the observation have the conditioning rate, those with the steps the weights rate")
    func products() {
        let graph = graph(batch: 2).hoisted()
        let products = graph.nodes.filter { $0.operation == .linear }
        #expect(products.map(\.rate) == [.weights, .conditioning])
        #expect(products.map(\.inputs.count) == [2, 3])
        #expect(products.map { $0.results[0].shape } == [[3, 12], [2, 12]])
    }

    @Test("a graph with a single rate stays unchanged")
    func oneRate() {
        let flat = GraphBuilder(parameters: ParameterTable(Self.parameters))
        let (x, y) = (flat.input("x", [2, 8]), flat.input("y", [2, 4]))
        let condition = Tensor.concatenate([x.slice(axis: 1, 0..<4), y], axis: 1).mish()
        let result = condition.linear(flat.parameter(Self.parameters[0]), bias: flat.parameter(Self.parameters[1]))
        let loss = result.sum(to: [])
        let training = flat.graph(
            outputs: [("loss", loss)], gradients: flat.gradients(of: loss, scaledBy: flat.constant([1], [])))
        #expect(training.hoisted().nodes == training.nodes)
    }
}
