import CPUBackend
import ReferenceBackend
import TensorGraph

/// The backends that tests of numbers run on.
enum TestedBackend: String, CaseIterable, Sendable {
    case reference
    case cpu

    /// One for all tests, of one thread: teams of many machines at once would wait for each other, and the networks are tiny.
    private static let cpuMachine = CPUMachine(threads: 1, precision: .float32)
    /// One of two threads, for the few tests of what they share.
    static let team: any Backend = CPUMachine(threads: 2, precision: .float32)

    func makeBackend() -> any Backend {
        switch self {
        case .reference: ReferenceMachine()
        case .cpu: Self.cpuMachine
        }
    }
}
