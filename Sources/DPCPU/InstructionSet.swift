internal import CDPKernels
import DPBase
internal import Foundation

/// The vector instructions that this process uses, both in our kernels and in oneDNN.
///
/// They are the processor's, unless the environment variable `DPOLICY_INSTRUCTIONS` names a lower set. The
/// variable is read once, when the set is first used.
package enum InstructionSet: String, CaseIterable, Codable, Comparable, Sendable {
    /// SSE2 in our kernels, SSE4.1 in oneDNN; on other architectures the compiler's default instructions.
    case baseline
    /// x86-64-v3: AVX2 and fused multiply-add.
    case avx2
    /// x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
    case avx512
    /// AVX-512 with products of bfloat16.
    case avx512BFloat16 = "avx512_bf16"

    /// The environment variable that limits the instructions.
    package static let variable = "DPOLICY_INSTRUCTIONS"

    /// The highest set that this processor supports.
    package static var ofProcessor: InstructionSet { InstructionSet(ck_processor_level()) }

    /// Returns the set that this process uses.
    /// - Throws: `InputError` if the environment variable names no known set.
    package static func inUse() throws -> InstructionSet { try chosen.get() }

    private static let chosen = Result {
        let cap = try InstructionSet(named: ProcessInfo.processInfo.environment[variable])
        guard let cap, cap <= .ofProcessor else { return ofProcessor }
        ck_cap_level(cap.level)
        OneDNN.cap(at: cap)
        return cap
    }

    /// Whether there are instructions for products of bfloat16.
    package var multipliesBFloat16: Bool { self >= .avx512BFloat16 }

    /// Creates the set that a value of the environment variable names; nil if it is unset or empty.
    /// - Throws: `InputError`.
    init?(named name: String?) throws {
        guard let name, !name.isEmpty else { return nil }
        guard let known = InstructionSet(rawValue: name) else {
            throw InputError(
                at: Self.variable, expected: "one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))",
                found: "'\(name)'",
                hint: "unset it to use all instructions")
        }
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

    /// Orders the sets by what they require of the processor, the least first.
    package static func < (left: InstructionSet, right: InstructionSet) -> Bool {
        left.level.rawValue < right.level.rawValue
    }
}
