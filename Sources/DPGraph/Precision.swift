/// How the elements of a tensor are represented.
package enum Precision: String, Codable, Sendable, Hashable {
    /// IEEE 754 single precision.
    case float32
    /// The upper half of a float32: 8 bits of exponent, 7 of fraction.
    case bfloat16
}

/// How often a value changes while a policy runs.
///
/// A compiled graph computes each value only as often as its rate requires.
package enum Rate: Int, Comparable, Sendable, Hashable, CaseIterable {
    /// Only when the weights change.
    case weights
    /// Once for each action chunk, with the observations.
    case conditioning
    /// In each denoising step, with the noisy actions.
    case iteration

    /// Orders slower rates first.
    package static func < (left: Rate, right: Rate) -> Bool { left.rawValue < right.rawValue }
}
