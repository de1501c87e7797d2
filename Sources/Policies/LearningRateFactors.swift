import PolicyInterface
import TensorGraph

extension ParameterTable {
    /// Sets how parts of a network are trained, by what the names of their parameters begin with.
    /// - Throws: `InvalidSetting` when a factor is no factor, or no parameter begins so.
    mutating func setTraining(_ factors: [String: Double]) throws {
        // A longer name is a smaller part, which comes later to have the last word.
        for (part, factor) in factors.sorted(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) }) {
            guard factor >= 0, factor.isFinite else {
                throw InvalidSetting(
                    key: "learning_rate_factors.\(part)", expected: "0 (frozen) or a number above", found: factor)
            }
            guard ranges.contains(where: { $0.name.hasPrefix("\(part).") }) else {
                let parts = Set(ranges.compactMap { $0.name.split(separator: ".").first }).sorted()
                throw InvalidSetting(
                    key: "learning_rate_factors",
                    expected: "names of parts of the network (\(parts.joined(separator: ", ")), or parts of these)",
                    found: part)
            }
            setTraining(ofPrefix: "\(part).", isTrainable: factor > 0, rateMultiplier: Float(factor))
        }
    }
}
