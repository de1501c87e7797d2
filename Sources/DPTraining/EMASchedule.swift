import DPBase
import Foundation

/// The decay schedule of the exponential moving average (EMA) of the weights.
///
/// After update `k` the average becomes `decay(at: k) · average + (1 − decay(at: k)) · weights`. The decay grows as
/// `1 − (1 + (k − 1) / inverseGamma)^(−power)`, so that the average of a short training run forgets the initial
/// weights soon enough (`EMAModel` of the reference implementation).
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot")
/// recipe.training.ema.maximum = 0.999  // averages over about the last thousand updates
/// ```
public struct EMASchedule: Codable, Sendable, Hashable {
    /// The exponent of the approach to 1; 0.75 suits training runs of many thousand updates.
    public var power = 0.75
    /// The time scale of the growth, in updates.
    public var inverseGamma = 1.0
    /// The smallest decay after the first two updates.
    public var minimum = 0.0
    /// The largest decay.
    public var maximum = 0.9999

    /// Creates the reference's schedule.
    package init() {}

    /// Returns the decay after an update.
    ///
    /// It is 0 after the first two updates: the average then equals the weights.
    /// - Parameter step: the number of the update, from 0.
    package func decay(at step: Int) -> Double {
        guard step > 1 else { return 0 }
        let growth = 1 - pow(1 + Double(step - 1) / inverseGamma, -power)
        return max(minimum, min(growth, maximum))
    }

    /// Checks every value.
    /// - Throws: `InputError`.
    package func validate() throws {
        guard power > 0, power.isFinite else {
            throw InputError(key: "power", expected: "a number above 0", found: power)
        }
        guard inverseGamma > 0, inverseGamma.isFinite else {
            throw InputError(key: "inverse_gamma", expected: "a number above 0", found: inverseGamma)
        }
        guard 0 <= minimum, minimum <= maximum, maximum < 1 else {
            throw InputError(expected: "0 ≤ minimum ≤ maximum < 1", found: "\(minimum) and \(maximum)")
        }
    }
}
