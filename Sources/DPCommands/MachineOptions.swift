import ArgumentParser
import DPBase
import DPCPU
public import DPGraph

/// Options of every subcommand that runs a network.
struct MachineOptions: ParsableArguments {
    @Option(
        help: """
            Precision of the operands of matrix products: float32 or bfloat16. Default: bfloat16 if the processor \
            supports it; in training only if bfloat16 is faster.
            """)
    var precision: Precision?

    func validate() throws { try check(precision, option: "--precision") }

    /// The machine for inference.
    /// - Parameter precision: overrides the option.
    func machine(
        _ global: GlobalOptions, precision other: Precision? = nil, weights: WeightFormat = .native
    ) -> CPUBackend {
        CPUBackend(threads: global.threads, precision: other ?? precision, weights: weights)
    }

    /// The machine for training.
    func machineForTraining(_ global: GlobalOptions) -> CPUBackend {
        machine(global, precision: precision ?? CPUBackend.precisionForTraining)
    }

    /// Rejects a precision that this processor does not support.
    func check(_ precision: Precision?, option: String) throws {
        let instructions = try checkingUsage { try InstructionSet.inUse() }
        if precision == .bfloat16, !instructions.multipliesBFloat16 {
            throw ValidationError(
                "\(option): \(InputError.unsupported(.bfloat16, with: instructions))")
        }
    }
}

/// Options of every subcommand that runs a policy.
struct ActingOptions: ParsableArguments {
    @Option(
        help: """
            Weight format of the policy: native (the precision of the products) or int8 (8 bits, one scale per output).
            """)
    var weights = WeightFormat.native
}

extension WeightFormat: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
