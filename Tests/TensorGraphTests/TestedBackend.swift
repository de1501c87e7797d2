import CPUBackend
import ReferenceBackend
import TensorGraph
import Testing

/// A backend that the suites run on.
struct TestedBackend: Sendable, CustomTestStringConvertible {
    let name: String
    let machine: any Backend
    /// Operations that it says it lacks instead of computing them.
    var lacks: Set<OperationKind> = []

    var testDescription: String { name }

    /// Whether it computes everything that a case needs.
    func computes(_ test: OperationCase) -> Bool {
        lacks.isDisjoint(with: CaseRun.graph(of: test).nodes.map { OperationKind($0.operation) })
    }

    /// Every backend of the project.
    static let all = [
        TestedBackend(name: "ReferenceMachine", machine: ReferenceMachine()),
        TestedBackend(name: "CPUMachine with one thread", machine: CPUMachine(threads: 1), lacks: [.cast]),
        TestedBackend(name: "CPUMachine", machine: CPUMachine(), lacks: [.cast]),
    ]
}
