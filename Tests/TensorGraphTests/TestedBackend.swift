import CPUBackend
import ReferenceBackend
import TensorGraph
import Testing

/// A backend that the suites run on.
struct TestedBackend: Sendable, CustomTestStringConvertible {
    let name: String
    let machine: any Backend
    /// The precision of its products.
    var precision = Precision.float32

    var testDescription: String { name }

    /// What a result may be off, as a share of the largest: a sum in another order, and in bfloat16 the roundings that it turns the other way.
    var tolerance: Float {
        switch precision {
        case .float32: 1e-4
        case .bfloat16: 0x1p-7
        }
    }

    /// Every backend of the project.
    static let all = [
        TestedBackend(name: "ReferenceMachine", machine: ReferenceMachine()),
        TestedBackend(name: "CPUMachine with one thread", machine: CPUMachine(threads: 1, precision: .float32)),
        TestedBackend(name: "CPUMachine", machine: CPUMachine(precision: .float32)),
    ]

    /// Every backend, and in every precision.
    static let allPrecisions =
        all
        + (CPUMachine().precision == .bfloat16
            ? [
                TestedBackend(
                    name: "CPUMachine in bfloat16", machine: CPUMachine(precision: .bfloat16), precision: .bfloat16)
            ] : [])
}
