import DPCPU
import DPGraph
import ReferenceBackend

/// The backends that numerical tests run on.
enum TestedBackend: String, CaseIterable, Sendable {
    case reference
    case cpu

    /// One machine with one thread for all tests: threads of several machines would wait for each other, and the
    /// networks are tiny.
    private static let cpuMachine = CPUMachine(threads: 1, precision: .float32)
    /// A machine with two threads, for the few tests of work shared between threads.
    static let team: any Backend = CPUMachine(threads: 2, precision: .float32)

    func makeBackend() -> any Backend {
        switch self {
        case .reference: ReferenceMachine()
        case .cpu: Self.cpuMachine
        }
    }
}
