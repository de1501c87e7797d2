import DPBase
import Foundation
import Testing

@testable import DPEvaluation

@Suite("Statistics")
struct StatisticsTests {
    @Test(
        "Student's t agrees with the printed tables",
        arguments: [
            (1, 12.70620), (2, 4.30265), (3, 3.18245), (4, 2.77645), (9, 2.26216), (49, 2.00958), (120, 1.97993),
        ])
    func studentT(degrees: Int, expected: Double) {
        #expect(abs(StudentT(degreesOfFreedom: degrees).criticalValue(confidence: 0.95) - expected) < 1e-5)
    }

    @Test("The interval of a mean, by hand: 1, 2, 3, 4, 5")
    func meanInterval() throws {
        // s² = 10 / 4, standard error = √(2.5 / 5) = 0.7071, t(4) = 2.77645: 3 ± 1.96324.
        let interval = try #require(ConfidenceInterval(ofMean: [1, 2, 3, 4, 5]))
        #expect(abs(interval.lower - 1.03676) < 1e-5)
        #expect(abs(interval.upper - 4.96324) < 1e-5)
        #expect(ConfidenceInterval(ofMean: [1]) == nil)
        #expect(ConfidenceInterval(ofMean: [0.5, 0.5]) == ConfidenceInterval(lower: 0.5, upper: 0.5))
    }

    @Test("Wilson's interval, by hand: 20 of 50, none and all of 10")
    func wilson() {
        // z² = 3.841459: center (0.4 + 0.0384146) / 1.0768292 = 0.407135,
        // reach 1.959964 √(0.0048 + 0.000384146) / 1.0768292 = 0.131050.
        let interval = ConfidenceInterval(ofProportion: 20, trials: 50)
        #expect(abs(interval.lower - 0.276085) < 1e-5)
        #expect(abs(interval.upper - 0.538185) < 1e-5)
        let none = ConfidenceInterval(ofProportion: 0, trials: 10)
        #expect(none.lower == 0 && abs(none.upper - 0.277533) < 1e-5)
        let all = ConfidenceInterval(ofProportion: 10, trials: 10)
        #expect(abs(all.lower - 0.722467) < 1e-5 && abs(all.upper - 1) < 1e-12)
    }

    @Test("Quantiles interpolate")
    func quantiles() {
        #expect(quantile(0.5, of: [4, 1, 3, 2]) == 2.5)
        #expect(quantile(0.99, of: [7]) == 7)
        #expect(abs(quantile(0.99, of: (0...100).map(Double.init)) - 99) < 1e-12)
    }

    @Test("A paired comparison reveals a difference that two intervals would not")
    func paired() throws {
        // Rewards spread over 0.1 … 0.9, the second always better by about 0.05: differences 0.04, 0.05, 0.06, 0.05.
        let first = result("DDIM 10", [0.1, 0.4, 0.6, 0.9])
        let second = result("DDPM 100", [0.14, 0.45, 0.66, 0.95])
        let comparison = try PairedComparison(first, second)
        // s = √(2e-4 / 3), standard error 0.0040825, t(3) = 3.18245: 0.05 ± 0.012992.
        #expect(abs(comparison.difference - 0.05) < 1e-6)
        #expect(abs(try #require(comparison.interval).lower - 0.037008) < 1e-5)
        #expect(comparison.wins == 4 && comparison.losses == 0 && comparison.ties == 0)
        #expect(comparison.verdict.hasPrefix("DDPM 100 is better than DDIM 10: mean difference +0.050"))
        #expect(try PairedComparison(second, first).verdict.contains("worse than DDPM 100"))

        let mixed = try PairedComparison(first, result("other", [0.2, 0.3, 0.6, 0.9]))
        #expect(mixed.wins == 1 && mixed.losses == 1 && mixed.ties == 2)
        #expect(mixed.verdict.hasPrefix("These episodes cannot distinguish other from DDIM 10"))

        let single = try PairedComparison(result("a", [0.1]), result("b", [0.9]))
        #expect(single.verdict.hasPrefix("One episode cannot distinguish b from a"))
    }

    @Test("A comparison pairs by seed in any order, and rejects different seeds")
    func pairing() throws {
        let first = result("a", [0.1, 0.4])
        let reversed = EvaluationResult(
            policy: "b", settings: first.settings, episodes: first.episodes.reversed(), latency: first.latency)
        #expect(try PairedComparison(first, reversed).ties == 2)
        #expect(throws: EvaluationError.self) { try PairedComparison(first, result("c", [0.1])) }
        let error = #expect(throws: EvaluationError.self) {
            try PairedComparison(first, result("c", [0.1, 0.4], firstSeed: 5))
        }
        #expect("\(error!)".contains("2 in 5 ... 6"))
    }
}

/// A result with the given best rewards, success above 0.95.
func result(_ name: String, _ rewards: [Float], firstSeed: UInt64 = 100_000) -> EvaluationResult {
    EvaluationResult(
        policy: name, settings: EvaluationConfiguration(episodes: rewards.count, firstSeed: firstSeed),
        episodes: rewards.enumerated().map { index, reward in
            EpisodeResult(seed: firstSeed + UInt64(index), bestReward: reward, success: reward > 0.95, steps: 300)
        },
        latency: Latency(median: 1.5, p99: 2.5, calls: 38, largestBatch: rewards.count))
}
