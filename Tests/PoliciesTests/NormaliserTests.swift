import Foundation
import PolicyInterface
import TestSupport
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
    #expect(normaliser.action.scale == [1, 1] && normaliser.action.offset == [0, 0])
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

extension FieldStatistics {
    /// The same numbers in another unit.
    fileprivate func scaled(by factor: Float) -> FieldStatistics {
        func scaled(_ numbers: [Float]) -> [Float] { numbers.map { factor * $0 } }
        return FieldStatistics(
            minimum: scaled(minimum), maximum: scaled(maximum), mean: scaled(mean),
            standardDeviation: scaled(standardDeviation))
    }
}

/// Meters a step or radians a step are as good a unit as any.
@Test(arguments: [Normalisation.Mode.limits, .gaussian], [-40, -20, 20, 60])
func unitsDoNotMatter(_ mode: Normalisation.Mode, _ exponent: Int) throws {
    let factor = Float(sign: .plus, exponent: exponent, significand: 1)
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalisation = Normalisation(observations: mode, action: mode)
    let scaled = try Normaliser(
        for: configuration, observation: statistics.scaled(by: factor), action: actions.scaled(by: factor))
    var (small, large): ([Float], [Float]) = ([12, 5, 2.5], [12, 5, 2.5])
    for index in small.indices { small[index] *= factor }
    try fitted(configuration.normalisation).observation.apply(to: &large)
    scaled.observation.apply(to: &small)
    #expect(small == large)
}

/// A range of numbers: rounding, or something that changes.
private struct Span {
    let lower: Float
    let upper: Float
    let isConstant: Bool

    static let all = [
        Span(lower: 5, upper: 5, isConstant: true), Span(lower: 0, upper: 0, isConstant: true),
        Span(lower: 0.1, upper: Float(0.1).nextUp, isConstant: true),
        Span(lower: 1000, upper: 1000 + 4 * Float(1000).ulp, isConstant: true),
        Span(lower: -1000, upper: -1000 + Float(1000).ulp, isConstant: true),
        Span(lower: 0, upper: .leastNonzeroMagnitude, isConstant: true),
        Span(lower: 1000, upper: 1000 + 5 * Float(1000).ulp, isConstant: false),
        Span(lower: 0, upper: 1e-30, isConstant: false), Span(lower: -1e-5, upper: 1e-5, isConstant: false),
        Span(lower: 4_600_000, upper: 4_600_010, isConstant: false),
    ]
}

@Test func constantIsWhatRoundingCannotTellApart() {
    for span in Span.all {
        let numbers = FieldStatistics(rows: [span.lower, span.upper], columns: 1)
        #expect(numbers.isConstant(0) == span.isConstant, "\(span)")
        #expect(numbers.constantColumns == (span.isConstant ? [0] : []))
    }
}

@Test(arguments: Normalisation.Mode.allCases) func aConstantComesBackExactly(_ mode: Normalisation.Mode) throws {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalisation = Normalisation(action: mode)
    var held = actions
    (held.minimum[1], held.maximum[1], held.mean[1], held.standardDeviation[1]) = (0.1, Float(0.1).nextUp, 0.1, 0)
    let map = try Normaliser(for: configuration, observation: statistics, action: held).action
    var values: [Float] = [0.5, 0.3, -0.5, .nan]
    map.invert(&values)
    #expect(values[1] == 0.1 && values[3] == 0.1)
    #expect(values[0] != values[2])
}

/// A policy that was stored before ranges were kept acts as it did.
@Test func olderNormalisersHoldNothing() throws {
    let map = try JSONDecoder().decode(ComponentwiseMap.self, from: Data(#"{"scale": [1, 2], "offset": [-5, 1]}"#.utf8))
    #expect(map.demonstrated == nil)
    var values: [Float] = [0.25, 3]
    map.invert(&values)
    #expect(values == [5.25, 1])
}

@Test func rangesInTheWrongOrderAreRefused() throws {
    var normaliser = try fitted(Normalisation())
    let configuration = try TinyPolicy(clip: nil).configuration
    try normaliser.validate(for: configuration)
    normaliser.action = ComponentwiseMap(
        scale: [1, 1], offset: [0, 0], demonstrated: .init(lower: [0, 1], upper: [1, 0]))
    #expect(message { try normaliser.validate(for: configuration) }.contains("normaliser.action.demonstrated"))
}
