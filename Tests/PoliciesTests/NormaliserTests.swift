import Foundation
import PolicyInterface
import Testing

@testable import Policies

private let statistics = FieldStatistics(
    minimum: [10, 5, -1], maximum: [30, 5, 3], mean: [20, 5, 0], standardDeviation: [4, 0, 2])
private let actions = FieldStatistics(
    minimum: [0, -2], maximum: [512, 2], mean: [256, 0], standardDeviation: [100, 1])

private func fitted(_ normalisation: Normalisation) throws -> Normaliser {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalisation = normalisation
    return try Normaliser(for: configuration, observation: statistics, action: actions)
}

@Test func limitsMapTheExtremesToPlusAndMinusOne() throws {
    let normaliser = try fitted(Normalisation())
    var rows: [Float] = [10, 5, -1, 30, 5, 3, 20, 6, 1]
    normaliser.observation.apply(to: &rows)
    // The second component is constant: it is moved to the middle and not stretched.
    #expect(isClose(rows, [-1, 0, -1, 1, 0, 1, 0, 1, 0], within: 1e-6))
}

@Test func gaussianMapsMeanAndDeviation() throws {
    let normaliser = try fitted(Normalisation(observations: .gaussian, action: .gaussian))
    var rows: [Float] = [24, 5, -2]
    normaliser.observation.apply(to: &rows)
    #expect(isClose(rows, [1, 0, -1], within: 1e-6))
    #expect(isClose(normaliser.action.scale, [0.01, 1], within: 1e-7))
}

@Test func fieldsMayHaveModesOfTheirOwn() throws {
    let normaliser = try fitted(Normalisation(action: .identity, fields: ["goal": .gaussian]))
    #expect(normaliser.observation.scale == [0.1, 1, 0.5])
    #expect(normaliser.action == ComponentwiseMap(scale: [1, 1], offset: [0, 0]))
}

@Test func mappingBackIsExactEnough() throws {
    let normaliser = try fitted(Normalisation())
    let raw: [Float] = [0, -2, 512, 2, 100, 0.3]
    var values = raw
    normaliser.action.apply(to: &values)
    normaliser.action.invert(&values)
    #expect(isClose(values, raw, within: 1e-6))
}

@Test func normaliserSurvivesCodingBitForBit() throws {
    let normaliser = Normaliser(
        observation: ComponentwiseMap(scale: [0.1, 1 / 3, 1e-30], offset: [16_777_215, -0, .leastNonzeroMagnitude]),
        action: ComponentwiseMap(scale: [.pi], offset: [0.7]))
    let decoded = try JSONDecoder().decode(Normaliser.self, from: JSONEncoder().encode(normaliser))
    #expect(decoded == normaliser)
}

@Test func rangesThatOverflowAreRefused() throws {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalisation = Normalisation()
    var wide = statistics
    wide.maximum[0] = .greatestFiniteMagnitude
    wide.minimum[0] = -.greatestFiniteMagnitude
    #expect(throws: InvalidSetting.self) {
        try Normaliser(for: configuration, observation: wide, action: actions)
    }
}
