import DPBase
import Foundation

/// The learning rate over the course of training.
///
/// Encoded as `{name: cosine, warm_up: …}`; a bare `constant` or `cosine` stands for the defaults.
///
/// ```swift
/// var recipe = try RecipeFile.read("pusht-lowdim")
/// recipe.training.learningRateSchedule = .cosine(warmUp: 1_000)
/// ```
public enum LearningRateSchedule: Sendable, Hashable {
    /// The same learning rate for every update.
    case constant
    /// A linear rise from 0 over `warmUp` updates, then half a cosine down to 0 at the end of training.
    ///
    /// The schedule of the reference implementation (`get_cosine_schedule_with_warmup` of diffusers), with its 500
    /// updates. The first update has learning rate 0.
    case cosine(warmUp: Int = 500)

    /// Every schedule, with its default options.
    static let choices: [LearningRateSchedule] = [.constant, .cosine()]

    /// Returns the learning rate of one update.
    /// - Parameters:
    ///   - step: the number of the update, from 0.
    ///   - total: the total number of updates.
    ///   - peak: the largest learning rate.
    package func learningRate(at step: Int, of total: Int, peak: Double) -> Double {
        switch self {
        case .constant:
            return peak
        case .cosine(let warmUp):
            if step < warmUp { return peak * Double(step) / Double(warmUp) }
            let progress = min(Double(step - warmUp) / Double(max(total - warmUp, 1)), 1)
            return peak * 0.5 * (1 + cos(.pi * progress))
        }
    }

    /// Checks that the warm-up is not negative.
    /// - Throws: `InputError`.
    package func validate() throws {
        if case .cosine(let warmUp) = self, warmUp < 0 {
            throw InputError(key: "warm_up", expected: "0 updates or more", found: warmUp)
        }
    }
}

extension LearningRateSchedule: Codable {
    private enum Name: String, Codable, CaseIterable {
        case constant
        case cosine
    }

    private enum CodingKeys: String, CodingKey {
        case name
        case warmUp = "warm_up"
    }

    /// Reads a name, or a name with its options.
    public init(from decoder: any Decoder) throws {
        let container = try? decoder.container(keyedBy: CodingKeys.self)
        switch try container?.decode(Name.self, forKey: .name) ?? Name(from: decoder) {
        case .constant: self = .constant
        case .cosine: self = .cosine(warmUp: try container?.decodeIfPresent(Int.self, forKey: .warmUp) ?? 500)
        }
    }

    /// Writes the name and the options.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .constant:
            try container.encode(Name.constant, forKey: .name)
        case .cosine(let warmUp):
            try container.encode(Name.cosine, forKey: .name)
            try container.encode(warmUp, forKey: .warmUp)
        }
    }
}
