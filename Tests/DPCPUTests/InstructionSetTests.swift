import CDPKernels
import DPBase
import Testing

@testable import DPCPU

@Suite("Instruction sets")
struct InstructionSetTests {
    @Test("every name is accepted, and others are rejected", arguments: InstructionSet.allCases)
    func names(_ instructions: InstructionSet) throws {
        #expect(try InstructionSet(named: instructions.rawValue) == instructions)
        #expect(try InstructionSet(named: nil) == nil)
        #expect(try InstructionSet(named: "") == nil)
        let error = #expect(throws: InputError.self) { try InstructionSet(named: "avx3") }
        #expect(error?.description.contains(instructions.rawValue) == true)
    }

    @Test("sets are ordered by their requirements")
    func order() { #expect(InstructionSet.allCases == InstructionSet.allCases.sorted()) }

    @Test("a machine and its kernels use the instructions of the process")
    func machine() throws {
        #expect(CPUBackend(threads: 1).instructions == (try InstructionSet.inUse()))
        #expect(try InstructionSet.inUse() <= .ofProcessor)
        #expect(Int(ck_current_level().rawValue) == InstructionSet.allCases.firstIndex(of: try .inUse()))
    }

    @Test("a thread's cap lowers the level and never raises it")
    func capOfThread() {
        let level = ck_current_level()
        ck_cap_level_of_thread(ck_baseline)
        #expect(ck_current_level() == ck_baseline)
        ck_cap_level_of_thread(ck_avx512_bf16)
        #expect(ck_current_level() == level)
    }
}
