import CPUBackend
import ReferenceBackend
import TensorGraph

/// The backends that every test of numbers runs on.
enum TestedBackend: String, CaseIterable, Sendable {
    case reference
    case cpu

    /// Parameters of the largest network that is quick enough on it.
    var largestNetwork: Int {
        switch self {
        case .reference: 2_000_000
        case .cpu: .max
        }
    }

    func makeBackend() -> any Backend {
        switch self {
        case .reference: ReferenceMachine()
        case .cpu: CPUMachine()
        }
    }
}
