import DPBase
import Foundation
import Testing

@testable import DPCPU
@testable import DPGraph

@Suite("Precision of the machine")
struct UnsupportedPrecisionTests {
    @Test("the best supported precision is the default, and an unsupported one is rejected")
    func choice() throws {
        let instructions = try InstructionSet.inUse()
        #expect(CPUBackend(threads: 1).precision == (instructions.multipliesBFloat16 ? .bfloat16 : .float32))
        #expect(CPUBackend(threads: 1, precision: .float32).precision == .float32)

        let machine = CPUBackend(threads: 1, precision: .bfloat16)
        let builder = GraphBuilder()
        let graph = builder.graph(outputs: [("y", 2 * builder.input("x", [3]))])
        let parameters = try machine.makeBuffer(count: 0)
        if instructions.multipliesBFloat16 {
            _ = try machine.compile(graph, parameters: parameters, gradients: nil)
        } else {
            #expect(throws: InputError.unsupported(.bfloat16, with: instructions)) {
                try machine.compile(graph, parameters: parameters, gradients: nil)
            }
        }
    }

    @Test("training is in bfloat16 only where it is faster")
    func training() throws {
        let isIntel = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).contains("GenuineIntel")
        let multiplies = try InstructionSet.inUse().multipliesBFloat16
        #expect(CPUBackend.precisionForTraining == (multiplies && !isIntel ? .bfloat16 : .float32))
    }

    @Test("the error states what is missing and what to do")
    func message() {
        let message = "\(InputError.unsupported(.bfloat16, with: .avx2))"
        #expect(["bfloat16", "avx512_bf16", "avx2", "float32"].allSatisfy(message.contains))
    }

    @Test("a profile lists every instruction and the cost of products")
    func profile() throws {
        let parameters = [Parameter("weight", [8, 4], .constant(0)), Parameter("bias", [8], .constant(0))]
        let builder = GraphBuilder(parameters: ParameterTable(parameters))
        let y = builder.input("x", [40, 4]).linear(
            builder.parameter(parameters[0]), bias: builder.parameter(parameters[1]))
        let machine = CPUBackend(threads: 1, precision: .float32)
        let executable = try machine.compile(
            builder.graph(outputs: [("y", y.mish())]), parameters: machine.makeBuffer(count: builder.parameters.count),
            gradients: nil)
        let rows = try #require(executable as? CPUExecutable).profile(.iteration)
        let product = try #require(rows.first { $0.name == "linear" })
        #expect(product.floatingPointOperations == 2 * 40 * 8 * 4)
        #expect(product.byteCount == 4 * (40 * 4 + 8 * 4 + 8 + 40 * 8))
        #expect(rows.contains { $0.name == "mish" } && rows.allSatisfy { $0.seconds >= 0 })
    }
}
