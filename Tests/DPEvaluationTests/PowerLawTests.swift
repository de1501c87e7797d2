import Foundation
import Testing

@testable import DPEvaluation

@Suite struct PowerLawTests {
    private let sizes = [1.0, 2, 4, 8, 16, 32, 64, 128]

    private func points(_ cost: (Double) -> Double) -> [(size: Double, cost: Double)] {
        sizes.map { ($0, cost($0)) }
    }

    @Test(arguments: [0.0, 0.5, 1, 2]) func findsAnExponent(_ exponent: Double) throws {
        let growth = try #require(Growth(fitting: points { 3 * pow($0, exponent) }))
        #expect(abs(growth.overall.exponent - exponent) < 1e-12)
        #expect(abs(growth.overall.factor - 3) < 1e-12)
        #expect(abs(growth.overall.cost(of: 10) - 3 * pow(10, exponent)) < 1e-9)
        #expect(growth.knee == nil)
    }

    /// Constant at first, proportional from 12 on.
    @Test func findsAKnee() throws {
        let growth = try #require(Growth(fitting: points { max(6, $0 / 2) }))
        let knee = try #require(growth.knee)
        #expect(abs(knee.size - 12) < 1e-9)
        #expect(abs(knee.below.exponent) < 1e-12)
        #expect(abs(knee.above.exponent - 1) < 1e-12)
    }

    @Test func leastSquaresOfLogarithms() throws {
        // By hand: logarithms to base 2 are (0, 0), (1, 1), (2, 1); the slope is 1/2.
        let law = try #require(PowerLaw(fitting: [(1, 1), (2, 2), (4, 2)]))
        #expect(abs(law.exponent - 0.5) < 1e-12)
    }

    @Test func refusesWhatHasNoLogarithm() {
        #expect(PowerLaw(fitting: []) == nil)
        #expect(PowerLaw(fitting: [(1, 2)]) == nil)
        #expect(PowerLaw(fitting: [(1, 2), (1, 3)]) == nil)
        #expect(PowerLaw(fitting: [(1, 0), (2, 1)]) == nil)
        #expect(Growth(fitting: [(1, 1), (2, .nan)]) == nil)
    }
}
