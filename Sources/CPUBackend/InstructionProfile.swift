/// What one instruction of an executable took in one run.
public struct InstructionProfile: Sendable {
    /// What it computes, as in `convolution`; several instructions may have the same name.
    public let name: String
    /// The time that passed.
    public let seconds: Double
    /// Multiplications and additions of products, those with the zeros around a sequence included; 0 for anything else.
    public let floatingPointOperations: Int
    /// Bytes of the tensors that it reads and writes, each counted once.
    public let byteCount: Int
}
