import DPBase
import DPGraph

extension ParameterTable {
    /// Sets the learning-rate multipliers of parts of a network, by prefix of the parameter names.
    /// - Throws: `InputError` when a factor is invalid or no parameter name has the prefix.
    mutating func setTraining(_ factors: [String: Double]) throws {
        // Longer names are smaller parts, so they come later and override shorter ones.
        for (part, factor) in factors.sorted(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) }) {
            guard factor >= 0, factor.isFinite else {
                throw InputError(
                    key: "learning_rate_multipliers.\(part)", expected: "0 (frozen) or a number above", found: factor)
            }
            guard ranges.contains(where: { $0.name.hasPrefix("\(part).") }) else {
                let parts = Set(ranges.compactMap { $0.name.split(separator: ".").first }).sorted()
                throw InputError(
                    key: "learning_rate_multipliers",
                    expected: "names of parts of the network (\(parts.joined(separator: ", ")), or parts of these)",
                    found: part)
            }
            setTraining(ofPrefix: "\(part).", isTrainable: factor > 0, rateMultiplier: Float(factor))
        }
    }
}
