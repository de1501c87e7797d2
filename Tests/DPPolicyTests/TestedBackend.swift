import DPCPU
import DPGraph
import ReferenceBackend

/// The backends that numerical tests run on.
enum TestedBackend: String, CaseIterable, Sendable {
    case reference
    case cpu

    /// One backend with one thread for all tests: threads of several backends would wait for each other, and the
    /// networks are tiny.
    private static let cpuBackend = CPUBackend(threads: 1, precision: .float32)
    /// A backend with two threads, for the few tests of work shared between threads.
    static let team: any Backend = CPUBackend(threads: 2, precision: .float32)

    func makeBackend() -> any Backend {
        switch self {
        case .reference: ReferenceMachine()
        case .cpu: Self.cpuBackend
        }
    }
}
