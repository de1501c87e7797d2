import DPCPU
import DPGraph
import ReferenceBackend

/// The backends that every numerical test runs on.
enum TestedBackend: String, CaseIterable, Sendable {
    case reference
    case cpu

    /// Number of parameters of the largest golden network that the backend computes quickly enough.
    private var largestNetwork: Int {
        switch self {
        case .reference: 2_000_000
        case .cpu: .max
        }
    }

    /// Returns the golden cases that the backend computes quickly enough.
    func goldens() throws -> [(golden: UNetGolden, tested: TestedBackend)] {
        try UNetGolden.cases().filter { $0.parameters <= largestNetwork }.map { ($0, self) }
    }

    func makeBackend() -> any Backend {
        switch self {
        case .reference: ReferenceMachine()
        case .cpu: CPUBackend(precision: .float32)
        }
    }
}
