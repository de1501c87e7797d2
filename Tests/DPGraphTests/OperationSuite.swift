import DPGraph
import ReferenceBackend
import TestSupport
import Testing

@Suite("Operations")
struct OperationSuite {
    @Test("Every operation has a case")
    func coverage() {
        let kinds = OperationCase.all.flatMap { CaseRun.graph(of: $0).nodes.map { OperationKind($0.operation) } }
        #expect(Set(OperationKind.allCases).subtracting(kinds).isEmpty)
    }

    @Test("Cases have different names")
    func names() {
        #expect(Set(OperationCase.all.map(\.name)).count == OperationCase.all.count)
    }

    @Test("Gradients match finite differences", arguments: OperationCase.all.filter(\.isSmooth))
    func finiteDifferences(_ test: OperationCase) throws {
        let run = try CaseRun(test, on: ReferenceMachine())
        try run.run()
        let differentiated = test.arguments.filter(\.isDifferentiated)
        let forward = try CaseRun(test, on: ReferenceMachine(), differentiates: false)
        for argument in differentiated {
            let gradient = try #require(run.gradient(of: argument), "no gradient of \(argument.name)")
            let differences = FiniteDifferences(run: forward, argument: argument)
            let largest = Double(gradient.map(abs).max() ?? 0)
            for direction in differences.directions {
                let expected = try differences.derivative(along: direction)
                let found = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                let length = direction.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
                #expect(
                    abs(found - expected) <= 1e-3 * largest * length + 3e-4 * length,
                    "\(argument.name): expected \(expected), found \(found)")
            }
        }
    }

    @Test(
        "Every backend matches the reference machine", arguments: TestedBackend.allPrecisions,
        OperationCase.all)
    func agreement(_ backend: TestedBackend, _ test: OperationCase) throws {
        let reference = try CaseRun(test, on: ReferenceMachine(), precision: backend.precision)
        let other = try CaseRun(test, on: backend.machine)
        try reference.run()
        // The second run must produce the same results: nothing of the first may remain in reused memory.
        for _ in 0..<2 {
            try other.run()
            for (expected, found) in zip(reference.everything(), other.everything()) {
                let largest = expected.values.map(abs).max() ?? 0
                let difference = zip(expected.values, found.values).map { abs($0 - $1) }
                // A NaN makes the comparison false, so the expectation fails.
                #expect(
                    found.values.count == expected.values.count
                        && difference.allSatisfy { $0 <= backend.tolerance * (largest + 0.2) },
                    "\(expected.name): off by \(difference.max() ?? 0) of \(largest)")
            }
        }
    }
}

/// Derivatives of the loss of a case, computed from its values alone.
private struct FiniteDifferences {
    let run: CaseRun
    let argument: OperationCase.Argument

    /// The first and a middle element alone, and a direction in which all elements change.
    var directions: [[Float]] {
        let count = argument.shape.count
        let single = Set([0, count / 2]).map { chosen in (0..<count).map { $0 == chosen ? Float(1) : 0 } }
        return single + [fill("direction", count: count, scale: 1 / Float(count).squareRoot())]
    }

    /// Returns the difference quotient of fourth order, `(8 (f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h`.
    ///
    /// Elements that do not change cancel before they are summed, so their rounding has no effect.
    func derivative(along direction: [Float]) throws -> Double {
        let step: Float = 0x1p-8
        func terms(_ factor: Float) throws -> [Double] {
            run.write(zip(argument.values, direction).map { $0 + factor * step * $1 }, to: argument)
            try run.run()
            return run.lossTerms()
        }
        let near = try zip(terms(1), terms(-1)).reduce(0) { $0 + ($1.0 - $1.1) }
        let far = try zip(terms(2), terms(-2)).reduce(0) { $0 + ($1.0 - $1.1) }
        run.write(argument.values, to: argument)
        return (8 * near - far) / (12 * Double(step))
    }
}
