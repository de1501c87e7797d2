package import DPBase
package import DPGraph

extension InputError {
    /// The error for a precision that the instructions do not support.
    package static func unsupported(_ precision: Precision, with instructions: InstructionSet) -> InputError {
        InputError(
            key: "precision", expected: "float32, or the instructions \(InstructionSet.avx512BFloat16.rawValue)",
            found: "\(precision) with \(instructions.rawValue)",
            hint: "choose float32, or omit the precision to use the best available one")
    }
}
