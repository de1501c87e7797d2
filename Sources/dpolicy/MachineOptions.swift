public import ArgumentParser
import CPUBackend
public import TensorGraph

/// What every verb understands that computes with a network.
struct MachineOptions: ParsableArguments {
    @Option(
        help: """
            Precision of the operands of products, float32 or bfloat16; if not given, bfloat16 where the processor has the instructions, \
            for training only where it multiplies faster with them.
            """)
    var precision: Precision?

    func validate() throws { try check(precision, option: "--precision") }

    /// The machine that computes.
    /// - Parameter precision: another one than that of the option.
    func machine(
        _ global: GlobalOptions, precision other: Precision? = nil, weights: WeightFormat = .native
    ) -> CPUMachine {
        CPUMachine(threads: global.threads, precision: other ?? precision, weights: weights)
    }

    /// The machine that trains.
    func machineForTraining(_ global: GlobalOptions) -> CPUMachine {
        machine(global, precision: precision ?? CPUMachine.precisionForTraining)
    }

    /// Refuses a precision that this processor does not have.
    func check(_ precision: Precision?, option: String) throws {
        let instructions = try checkingUsage { try InstructionSet.inUse() }
        if precision == .bfloat16, !instructions.multipliesBFloat16 {
            throw ValidationError(
                "\(option): \(UnsupportedPrecision(precision: .bfloat16, instructions: instructions))")
        }
    }
}

/// What every verb understands that acts with a policy.
struct ActingOptions: ParsableArguments {
    @Option(
        help: """
            How a policy keeps its weights: native, in the precision of the products, or int8, in 8 bits with one factor for each output.
            """)
    var weights = WeightFormat.native
}

extension WeightFormat: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
