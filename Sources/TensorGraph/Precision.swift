/// How the elements of a tensor are represented.
public enum Precision: String, Codable, Sendable, Hashable {
    /// IEEE 754 single precision.
    case float32
    /// The upper half of a float32: 8 bits of exponent, 7 of fraction.
    case bfloat16
}

/// How often a value changes while a policy acts: the compiler computes each value no oftener than needed.
public enum Rate: Int, Comparable, Sendable, Hashable, CaseIterable {
    /// Only when the weights change.
    case model
    /// Once for each chunk of actions: the observation.
    case chunk
    /// In each denoising step: the noisy actions.
    case step

    /// Slower rates come first.
    public static func < (left: Rate, right: Rate) -> Bool { left.rawValue < right.rawValue }
}
