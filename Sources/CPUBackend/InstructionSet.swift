internal import CKernels
internal import Foundation

/// The vector instructions that this process computes with, in our kernels and in oneDNN alike.
///
/// They are the processor's, unless the environment variable `DPOLICY_INSTRUCTIONS` names less. It is read once, when the first machine
/// is made.
public enum InstructionSet: String, CaseIterable, Codable, Comparable, Sendable {
    /// SSE2 in our kernels, SSE4.1 in oneDNN; on other architectures whatever the compiler takes for granted.
    case baseline
    /// x86-64-v3: AVX2 and fused multiply-add.
    case avx2
    /// x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
    case avx512
    /// AVX-512 with products of bfloat16.
    case avx512BFloat16 = "avx512_bf16"

    /// The environment variable that caps the instructions.
    public static let variable = "DPOLICY_INSTRUCTIONS"

    /// The highest that this processor has.
    public static var ofProcessor: InstructionSet { InstructionSet(ck_processor_level()) }

    /// What this process computes with.
    /// - Throws: `UnknownInstructionSet` if the environment variable names none.
    public static func inUse() throws -> InstructionSet { try chosen.get() }

    private static let chosen = Result {
        let cap = try InstructionSet(named: ProcessInfo.processInfo.environment[variable])
        guard let cap, cap <= .ofProcessor else { return ofProcessor }
        ck_cap_level(cap.level)
        OneDNN.cap(at: cap)
        return cap
    }

    /// Whether there are instructions for products of bfloat16.
    public var multipliesBFloat16: Bool { self >= .avx512BFloat16 }

    /// The set that a value of the environment variable names; nil if it is unset or empty.
    /// - Throws: `UnknownInstructionSet`.
    init?(named name: String?) throws {
        guard let name, !name.isEmpty else { return nil }
        guard let known = InstructionSet(rawValue: name) else { throw UnknownInstructionSet(name: name) }
        self = known
    }

    private init(_ level: ck_level) {
        switch level {
        case ck_avx2: self = .avx2
        case ck_avx512: self = .avx512
        case ck_avx512_bf16: self = .avx512BFloat16
        default: self = .baseline
        }
    }

    var level: ck_level {
        switch self {
        case .baseline: ck_baseline
        case .avx2: ck_avx2
        case .avx512: ck_avx512
        case .avx512BFloat16: ck_avx512_bf16
        }
    }

    /// Whether the processor needs more for the second than for the first.
    public static func < (left: InstructionSet, right: InstructionSet) -> Bool {
        left.level.rawValue < right.level.rawValue
    }
}

/// A value of `DPOLICY_INSTRUCTIONS` that names no set of instructions.
public struct UnknownInstructionSet: Error, Equatable, CustomStringConvertible {
    /// The value.
    public let name: String

    /// The variable, the values that it may have, and the value found.
    public var description: String {
        let known = InstructionSet.allCases.map(\.rawValue).joined(separator: ", ")
        return """
            \(InstructionSet.variable): expected one of \(known), found '\(name)'; unset it to use all that the processor has
            """
    }
}
