import ReferenceBackend
import TensorGraph
import Testing

/// A backend that the suites run on.
struct TestedBackend: Sendable, CustomTestStringConvertible {
    let name: String
    let machine: any Backend

    var testDescription: String { name }

    /// Every backend of the project.
    static let all = [
        TestedBackend(name: "ReferenceMachine", machine: ReferenceMachine())
    ]
}
