public import ArgumentParser
import CPUBackend
public import TensorGraph

/// What every verb understands that computes with a network.
struct MachineOptions: ParsableArguments {
    @Option(
        help: """
            Precision of the operands of products, float32 or bfloat16; bfloat16 where the processor has the instructions if not given.
            """)
    var precision: Precision?

    func validate() throws {
        let instructions = try checkingUsage { try InstructionSet.inUse() }
        if precision == .bfloat16, !instructions.multipliesBFloat16 {
            throw ValidationError(
                "--precision: \(UnsupportedPrecision(precision: .bfloat16, instructions: instructions))")
        }
    }

    /// The machine that computes.
    func machine(_ global: GlobalOptions) -> CPUMachine { CPUMachine(threads: global.threads, precision: precision) }
}

extension Precision: ExpressibleByArgument {}
