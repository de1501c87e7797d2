import DPCPU
import DPGraph
import ReferenceBackend
import Testing

/// A backend that the suites test.
struct TestedBackend: Sendable, CustomTestStringConvertible {
    let name: String
    let machine: any Backend
    /// The precision of its products.
    var precision = Precision.float32

    var testDescription: String { name }

    /// The tolerance of a result, as a fraction of the largest: sums in another order, and in bfloat16 also the
    /// values that round to the other neighbor as a consequence.
    var tolerance: Float {
        switch precision {
        case .float32: 1e-4
        case .bfloat16: 0x1p-7
        }
    }

    /// Every backend of the project.
    static let all = [
        TestedBackend(name: "ReferenceMachine", machine: ReferenceMachine()),
        TestedBackend(name: "CPUBackend with one thread", machine: CPUBackend(threads: 1, precision: .float32)),
        TestedBackend(name: "CPUBackend", machine: CPUBackend(precision: .float32)),
    ]

    /// Every backend in every precision.
    static let allPrecisions =
        all
        + (CPUBackend().precision == .bfloat16
            ? [
                TestedBackend(
                    name: "CPUBackend in bfloat16", machine: CPUBackend(precision: .bfloat16), precision: .bfloat16)
            ] : [])
}
