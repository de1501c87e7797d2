import Foundation
import PolicyInterface

/// How slowly the exponential moving average (EMA) of the weights follows them.
///
/// After update `k` the average becomes `decay(at: k) · average + (1 − decay(at: k)) · weights`. The decay grows as
/// `1 − (1 + (k − 1) / inverseGamma)^(−power)`, so that an average of a short training forgets the start soon enough (`EMAModel` of
/// the reference implementation).
public struct MovingAverageDecay: Codable, Sendable, Hashable {
    /// How fast the decay approaches 1; 0.75 suits trainings of many thousand updates.
    public var power: Double
    /// The number of updates that the growth is measured in.
    public var inverseGamma: Double
    /// The smallest decay after the first two updates.
    public var minimum: Double
    /// The largest decay.
    public var maximum: Double

    private enum CodingKeys: String, CodingKey {
        case power
        case inverseGamma = "inverse_gamma"
        case minimum
        case maximum
    }

    /// The reference's values by default.
    public init(power: Double = 0.75, inverseGamma: Double = 1, minimum: Double = 0, maximum: Double = 0.9999) {
        self.power = power
        self.inverseGamma = inverseGamma
        self.minimum = minimum
        self.maximum = maximum
    }

    /// The decay after an update.
    ///
    /// It is 0 after the first two: the average is then the weights themselves.
    /// - Parameter step: the number of the update, from 0.
    public func decay(at step: Int) -> Double {
        guard step > 1 else { return 0 }
        let growth = 1 - pow(1 + Double(step - 1) / inverseGamma, -power)
        return max(minimum, min(growth, maximum))
    }

    /// Checks every value.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        guard power > 0, power.isFinite else {
            throw InvalidSetting(key: "moving_average.power", expected: "a number above 0", found: power)
        }
        guard inverseGamma > 0, inverseGamma.isFinite else {
            throw InvalidSetting(key: "moving_average.inverse_gamma", expected: "a number above 0", found: inverseGamma)
        }
        guard 0 <= minimum, minimum <= maximum, maximum < 1 else {
            throw InvalidSetting(
                key: "moving_average", expected: "0 ≤ minimum ≤ maximum < 1", found: "\(minimum) and \(maximum)")
        }
    }
}

extension MovingAverageDecay {
    /// Reads the fields that are given; the others keep their defaults.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        power = try fields.decodeIfPresent(Double.self, forKey: .power) ?? power
        inverseGamma = try fields.decodeIfPresent(Double.self, forKey: .inverseGamma) ?? inverseGamma
        minimum = try fields.decodeIfPresent(Double.self, forKey: .minimum) ?? minimum
        maximum = try fields.decodeIfPresent(Double.self, forKey: .maximum) ?? maximum
    }
}
