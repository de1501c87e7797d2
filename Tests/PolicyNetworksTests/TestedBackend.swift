import CPUBackend
import ReferenceBackend
import TensorGraph

/// The backends that every test of numbers runs on.
enum TestedBackend: String, CaseIterable, Sendable {
    case reference
    case cpu

    /// Parameters of the largest golden network that it computes quickly enough.
    private var largestNetwork: Int {
        switch self {
        case .reference: 2_000_000
        case .cpu: .max
        }
    }

    /// The golden cases that it can take.
    func goldens() throws -> [(golden: UNetGolden, tested: TestedBackend)] {
        try UNetGolden.cases().filter { $0.parameters <= largestNetwork }.map { ($0, self) }
    }

    func makeBackend() -> any Backend {
        switch self {
        case .reference: ReferenceMachine()
        case .cpu: CPUMachine(precision: .float32)
        }
    }
}
