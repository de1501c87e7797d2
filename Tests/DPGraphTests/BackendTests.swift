import DPGraph
import ReferenceBackend
import TestSupport
import Testing

/// Requirements of every backend beyond its operations.
@Suite("Backends", .serialized)
struct BackendTests {
    private static let weight = Parameter("weight", [3, 3], .constant(0))
    private static let bias = Parameter("bias", [3], .constant(0))
    private static let table = ParameterTable([weight, bias])

    /// `y = x Wᵀ + b + mish(o)`, where o is the observation, and the sum of `y` as the loss.
    private func graph(_ table: ParameterTable = table, batch: Int = 2) -> Graph {
        let builder = GraphBuilder(parameters: table)
        let observation = builder.input("observation", [3], rate: .conditioning).mish()
        let weight = builder.parameter(Self.weight)
        let product = builder.input("sample", [batch, 3]).linear(weight, bias: builder.parameter(Self.bias))
        let result = product + observation
        let scale = builder.input("scale", [])
        let gradients = builder.gradients(of: result.sum(to: []), scaledBy: scale)
        return builder.graph(outputs: [("result", result), ("weight", 2 * weight)], gradients: gradients)
    }

    @Test("Buffers keep the values written to a range", arguments: TestedBackend.all)
    func buffers(_ backend: TestedBackend) throws {
        let buffer = try backend.machine.makeBuffer(count: 5)
        #expect(buffer.values() == [0, 0, 0, 0, 0])
        buffer.write([1, 2], offset: 3)
        #expect(buffer.values() == [0, 0, 0, 1, 2])
        var part: [Float] = [0, 0]
        part.withUnsafeMutableBufferPointer { buffer.read(into: $0, offset: 2) }
        #expect(part == [0, 1])
    }

    @Test("An iteration run uses the results of the latest conditioning run", arguments: TestedBackend.all)
    func rates(_ backend: TestedBackend) throws {
        let machine = backend.machine
        let parameters = try machine.makeBuffer(count: Self.table.count)
        let gradients = try machine.makeBuffer(count: Self.table.count)
        let executable = try machine.compile(graph(), parameters: parameters, gradients: gradients)
        func result() throws -> Float {
            try executable.run(.iteration)
            return executable.read("result", count: 6)[0]
        }
        executable.write("observation", [0, 0, 0])
        try executable.run(.conditioning)
        #expect(try result() == 0)
        executable.write("observation", [40, 40, 40])
        #expect(try result() == 0)
        try executable.run(.conditioning)
        #expect(try result() == 40)
    }

    @Test("Changed weights take effect in the next run, in every executable", arguments: TestedBackend.all)
    func weights(_ backend: TestedBackend) throws {
        let machine = backend.machine
        let parameters = try machine.makeBuffer(count: Self.table.count)
        let gradients = try machine.makeBuffer(count: Self.table.count)
        let executables = try [1, 2, 5].map { batch in
            let executable = try machine.compile(
                graph(batch: batch), parameters: parameters, gradients: gradients)
            executable.write("sample", [Float](repeating: 1, count: 3 * batch))
            executable.write("observation", [0, 0, 0])
            try executable.run(.conditioning)
            return (batch, executable)
        }
        func expectResults(_ expected: Float, weight: Float) throws {
            for (batch, executable) in executables {
                try executable.run(.iteration)
                let results = executable.read("result", count: 3 * batch)
                #expect(results.allSatisfy { abs($0 - expected) < 1e-4 }, "batch \(batch)")
                #expect(abs(executable.read("weight", count: 9)[0] - 2 * weight) < 1e-4, "batch \(batch)")
            }
        }
        try expectResults(0, weight: 0)
        parameters.write([Float](repeating: 2, count: 9), offset: Self.table.ranges[0].offset)
        parameters.write([Float](repeating: 1, count: 3), offset: Self.table.ranges[1].offset)
        try expectResults(7, weight: 2)

        let ones = try machine.makeBuffer(count: Self.table.count)
        ones.write([Float](repeating: 1, count: Self.table.count))
        try machine.add(ones, scaledBy: -1, to: parameters)
        try expectResults(3, weight: 1)
    }

    @Test("Gradients replace those of the previous run and change nothing else", arguments: TestedBackend.all)
    func gradientRanges(_ backend: TestedBackend) throws {
        var table = Self.table
        table.setTraining(ofPrefix: "bias", isTrainable: false)
        let machine = backend.machine
        let gradients = try machine.makeBuffer(count: table.count)
        gradients.write([Float](repeating: 9, count: table.count))
        let executable = try machine.compile(
            graph(table), parameters: machine.makeBuffer(count: table.count), gradients: gradients)
        executable.write("sample", [1, 2, 3, 4, 5, 6])
        executable.write("scale", [0.5])
        for _ in 0..<2 {
            try executable.run(.conditioning)
            try executable.run(.iteration)
            let values = gradients.values()
            #expect(Array(values[0..<9]) == [2.5, 3.5, 4.5, 2.5, 3.5, 4.5, 2.5, 3.5, 4.5])
            #expect(values[table.ranges[1].elements].allSatisfy { $0 == 9 })
        }
    }

    @Test("Vectors are added and their squares summed", arguments: TestedBackend.all, [1, 15, 16, 1_000, 40_003])
    func vectors(_ backend: TestedBackend, _ count: Int) throws {
        let machine = backend.machine
        let (a, b) = (fill("a", count: count), fill("b", count: count))
        let total = try machine.makeBuffer(count: count)
        let other = try machine.makeBuffer(count: count)
        total.write(a)
        other.write(b)
        let squares = a.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(try abs(machine.sumOfSquares(of: total) - squares) <= 1e-5 * squares)
        try machine.add(other, scaledBy: 0.25, to: total)
        #expect(zip(total.values(), zip(a, b)).allSatisfy { abs($0 - ($1.0 + 0.25 * $1.1)) <= 1e-6 })
        #expect(other.values() == b)
    }

    @Test("A series of calls returns its value or throws its error", arguments: TestedBackend.all)
    func perform(_ backend: TestedBackend) throws {
        struct Failure: Error {}
        let machine = backend.machine
        let buffer = try machine.makeBuffer(count: 3)
        let sum = try machine.perform {
            buffer.write([1, 2, 2])
            return try machine.sumOfSquares(of: buffer)
        }
        #expect(sum == 9)
        #expect(throws: Failure.self) { try machine.perform { throw Failure() } }
    }

    @Test("Concurrent callers get their own results", arguments: TestedBackend.all)
    func concurrency(_ backend: TestedBackend) async throws {
        let machine = backend.machine
        let graph = graph()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for caller in 0..<8 {
                group.addTask {
                    let parameters = try machine.makeBuffer(count: Self.table.count)
                    let gradients = try machine.makeBuffer(count: Self.table.count)
                    parameters.write([Float](repeating: Float(caller), count: 3), offset: Self.table.ranges[1].offset)
                    let executable = try machine.compile(graph, parameters: parameters, gradients: gradients)
                    return try (0..<20).allSatisfy { _ in
                        try machine.perform {
                            try executable.run(.conditioning)
                            try executable.run(.iteration)
                            return executable.read("result", count: 6) == [Float](repeating: Float(caller), count: 6)
                        }
                    }
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }
}
