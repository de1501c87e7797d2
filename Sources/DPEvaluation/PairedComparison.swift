import Foundation

/// A comparison of two policies, or of one policy with two samplers, on the same initial conditions.
///
/// Pairing removes the spread between easy and hard seeds, so it reveals smaller differences than a comparison of
/// two intervals.
package struct PairedComparison: Codable, Sendable, Equatable {
    /// The name of the first policy.
    package let first: String
    /// The name of the second policy.
    package let second: String
    /// Mean over the seeds of the second's best reward minus the first's.
    package let difference: Double
    /// Student-t 95 % interval of the mean difference; nil for a single episode.
    package let interval: ConfidenceInterval?
    /// Seeds on which the second did better.
    package let wins: Int
    /// Seeds on which the second did worse.
    package let losses: Int
    /// Seeds on which both did exactly equally well.
    package let ties: Int

    /// Compares two results episode by episode.
    /// - Throws: `EvaluationError.differentSeeds` unless both ran the same seeds once each, `.differentStarts` when the
    ///   same seeds mean different starts.
    package init(_ first: EvaluationResult, _ second: EvaluationResult) throws {
        guard first.settings.seeding == second.settings.seeding else {
            throw EvaluationError.differentStarts(first: first.settings.seeding, second: second.settings.seeding)
        }
        let pairs = zip(first.episodes.sorted { $0.seed < $1.seed }, second.episodes.sorted { $0.seed < $1.seed })
        guard !first.episodes.isEmpty, first.episodes.count == second.episodes.count,
            pairs.allSatisfy({ $0.seed == $1.seed })
        else {
            throw EvaluationError.differentSeeds(
                first: first.episodes.map(\.seed), second: second.episodes.map(\.seed))
        }
        let differences = pairs.map { Double($1.bestReward) - Double($0.bestReward) }
        self.first = first.policy
        self.second = second.policy
        difference = mean(differences)
        interval = ConfidenceInterval(ofMean: differences)
        wins = differences.count { $0 > 0 }
        losses = differences.count { $0 < 0 }
        ties = differences.count - wins - losses
    }

    /// Whether zero lies outside the interval, so that the two are distinguishable with 95 % confidence.
    package var isDistinguishable: Bool {
        guard let interval else { return false }
        return interval.lower > 0 || interval.upper < 0
    }

    /// The outcome in plain words.
    package var verdict: String {
        let tally = "wins \(wins), losses \(losses), ties \(ties) over \(wins + losses + ties) seeds"
        guard let interval else {
            return "One episode cannot distinguish \(second) from \(first) (difference \(signed(difference)))."
        }
        let numbers =
            "mean difference \(signed(difference)), 95 % interval \(signed(interval.lower)) … \(signed(interval.upper)); \(tally)"
        return isDistinguishable
            ? "\(second) is \(difference > 0 ? "better" : "worse") than \(first): \(numbers)."
            : "These episodes cannot distinguish \(second) from \(first): \(numbers)."
    }

    private func signed(_ value: Double) -> String { String(format: "%+.3f", value) }
}
