import CKernels
import Testing

@testable import CPUBackend

@Suite("Instruction sets")
struct InstructionSetTests {
    @Test("every name is understood, and nothing else", arguments: InstructionSet.allCases)
    func names(_ instructions: InstructionSet) throws {
        #expect(try InstructionSet(named: instructions.rawValue) == instructions)
        #expect(try InstructionSet(named: nil) == nil)
        #expect(try InstructionSet(named: "") == nil)
        let error = #expect(throws: UnknownInstructionSet.self) { try InstructionSet(named: "avx3") }
        #expect(error?.description.contains(instructions.rawValue) == true)
    }

    @Test("sets are ordered by what they need")
    func order() { #expect(InstructionSet.allCases == InstructionSet.allCases.sorted()) }

    @Test("a machine computes with what the process may use, and its kernels too")
    func machine() throws {
        #expect(CPUMachine(threads: 1).instructions == (try InstructionSet.inUse()))
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
