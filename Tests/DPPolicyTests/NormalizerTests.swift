import DPBase
import DPInterface
import Foundation
import TestSupport
import Testing

@testable import DPPolicy

private let statistics = FeatureStatistics(
    minimum: [10, 5, -1], maximum: [30, 5, 3], mean: [20, 5, 0], standardDeviation: [4, 0, 2])
private let actions = FeatureStatistics(
    minimum: [0, -2], maximum: [512, 2], mean: [256, 0], standardDeviation: [100, 1])

private func fitted(_ normalization: Normalization) throws -> Normalizer {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalization = normalization
    return try Normalizer(for: configuration, observation: statistics, action: actions)
}

@Test func limitsMapTheExtremesToPlusAndMinusOne() throws {
    let normalizer = try fitted(Normalization())
    var rows: [Float] = [10, 5, -1, 30, 5, 3, 20, 6, 1]
    normalizer.observation.apply(to: &rows)
    // The second component is constant: it is shifted to the middle and not scaled.
    #expect(isClose(rows, [-1, 0, -1, 1, 0, 1, 0, 1, 0], within: 1e-6))
}

@Test func gaussianMapsMeanAndDeviation() throws {
    let normalizer = try fitted(Normalization(observations: .gaussian, action: .gaussian))
    var rows: [Float] = [24, 5, -2]
    normalizer.observation.apply(to: &rows)
    #expect(isClose(rows, [1, 0, -1], within: 1e-6))
    #expect(isClose(normalizer.action.scale, [0.01, 1], within: 1e-7))
}

@Test func fieldsMayHaveModesOfTheirOwn() throws {
    let normalizer = try fitted(Normalization(action: .identity, features: ["goal": .gaussian]))
    #expect(normalizer.observation.scale == [0.1, 1, 0.5])
    #expect(normalizer.action.scale == [1, 1] && normalizer.action.offset == [0, 0])
}

@Test func mappingBackIsExactEnough() throws {
    let normalizer = try fitted(Normalization())
    let raw: [Float] = [0, -2, 512, 2, 100, 0.3]
    var values = raw
    normalizer.action.apply(to: &values)
    normalizer.action.invert(&values)
    #expect(isClose(values, raw, within: 1e-6))
}

@Test func normalizerSurvivesCodingBitForBit() throws {
    let normalizer = Normalizer(
        observation: ElementwiseAffine(
            scale: [0.1, 0.333_333_34, 1e-30], offset: [16_777_215, -0, .leastNonzeroMagnitude]),
        action: ElementwiseAffine(scale: [.pi], offset: [0.7]))
    let decoded = try JSONDecoder().decode(Normalizer.self, from: JSONEncoder().encode(normalizer))
    #expect(decoded == normalizer)
}

@Test func rangesThatOverflowAreRefused() throws {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalization = Normalization()
    var wide = statistics
    wide.maximum[0] = .greatestFiniteMagnitude
    wide.minimum[0] = -.greatestFiniteMagnitude
    #expect(throws: InputError.self) {
        try Normalizer(for: configuration, observation: wide, action: actions)
    }
}

extension FeatureStatistics {
    /// Returns the same statistics in another unit.
    fileprivate func scaled(by factor: Float) -> FeatureStatistics {
        func scaled(_ numbers: [Float]) -> [Float] { numbers.map { factor * $0 } }
        return FeatureStatistics(
            minimum: scaled(minimum), maximum: scaled(maximum), mean: scaled(mean),
            standardDeviation: scaled(standardDeviation))
    }
}

/// The unit does not matter, for example meters per step or radians per step.
@Test(arguments: [Normalization.Mode.limits, .gaussian], [-40, -20, 20, 60])
func unitsDoNotMatter(_ mode: Normalization.Mode, _ exponent: Int) throws {
    let factor = Float(sign: .plus, exponent: exponent, significand: 1)
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalization = Normalization(observations: mode, action: mode)
    let scaled = try Normalizer(
        for: configuration, observation: statistics.scaled(by: factor), action: actions.scaled(by: factor))
    var (small, large): ([Float], [Float]) = ([12, 5, 2.5], [12, 5, 2.5])
    for index in small.indices { small[index] *= factor }
    try fitted(configuration.normalization).observation.apply(to: &large)
    scaled.observation.apply(to: &small)
    #expect(small == large)
}

/// A range of values: constant up to rounding, or not.
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
        let numbers = FeatureStatistics(rows: [span.lower, span.upper], components: 1)
        #expect(numbers.isConstant(0) == span.isConstant, "\(span)")
        #expect(numbers.constantComponents == (span.isConstant ? [0] : []))
    }
}

@Test(arguments: Normalization.Mode.allCases) func aConstantComesBackExactly(_ mode: Normalization.Mode) throws {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalization = Normalization(action: mode)
    var held = actions
    (held.minimum[1], held.maximum[1], held.mean[1], held.standardDeviation[1]) = (0.1, Float(0.1).nextUp, 0.1, 0)
    let map = try Normalizer(for: configuration, observation: statistics, action: held).action
    var values: [Float] = [0.5, 0.3, -0.5, .nan]
    map.invert(&values)
    #expect(values[1] == 0.1 && values[3] == 0.1)
    #expect(values[0] != values[2])
}

/// A policy that was stored without ranges acts as before.
@Test func olderNormalizersHoldNothing() throws {
    let map = try JSONDecoder().decode(
        ElementwiseAffine.self, from: Data(#"{"scale": [1, 2], "offset": [-5, 1]}"#.utf8))
    #expect(map.demonstrated == nil)
    var values: [Float] = [0.25, 3]
    map.invert(&values)
    #expect(values == [5.25, 1])
}

@Test func rangesInTheWrongOrderAreRefused() throws {
    var normalizer = try fitted(Normalization())
    let configuration = try TinyPolicy(clip: nil).configuration
    try normalizer.validate(for: configuration)
    normalizer.action = ElementwiseAffine(
        scale: [1, 1], offset: [0, 0], demonstrated: .init(lower: [0, 1], upper: [1, 0]))
    #expect(message { try normalizer.validate(for: configuration) }.contains("normalizer.action.demonstrated"))
}

// MARK: - Quantiles

/// A thousand numbers from 0 to 1, and one outlier.
private let spiked: [Float] = (0..<1000).map { Float($0) / 999 } + [5000]

@Test func quantilesAreInterpolatedAsNumPyDoes() {
    // numpy.quantile(range(5), [0.01, 0.99])
    let few = FeatureStatistics(rows: [4, 0, 1, 3, 2], components: 1)
    #expect(isClose(few.lowerQuantile + few.upperQuantile, [0.04, 3.96], within: 1e-6))
    let many = FeatureStatistics(rows: spiked, components: 1)
    // The numbers at positions 10 and 990 of 1001 sorted numbers.
    #expect(many.lowerQuantile == [Float(10) / 999] && many.upperQuantile == [Float(990) / 999])
}

@Test(arguments: [Normalization.Mode.quantiles, .clampedQuantiles])
func quantilesAreNotLedByASingleNumber(_ mode: Normalization.Mode) throws {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalization = Normalization(action: mode)
    var action = FeatureStatistics(rows: spiked.flatMap { [$0, -$0] }, components: 2)
    let map = try Normalizer(for: configuration, observation: statistics, action: action).action
    var values: [Float] = [Float(10) / 999, Float(-990) / 999, 0.5, -0.5, 5000, -5000]
    map.apply(to: &values)
    #expect(isClose(Array(values[..<4]), [-1, -1, 0, 0], within: 2e-3))
    if mode == .clampedQuantiles {
        #expect(values[4] == 1 && values[5] == -1)
    } else {
        #expect(values[4] > 9000 && values[5] < -9000)
    }
    #expect(map.isClamped == Array(repeating: mode == .clampedQuantiles, count: 2))
    // If the quantiles are equal, the extremes replace them.
    action.lowerQuantile[0] = 0.25
    action.upperQuantile[0] = 0.25
    let other = try Normalizer(for: configuration, observation: statistics, action: action).action
    #expect(other.scale[0] == Float(2) / 5000)
}

@Test func clampedMapsSurviveCodingAndOlderOnesDoNotClamp() throws {
    let map = ElementwiseAffine(scale: [2, 2], offset: [0, 0], isClamped: [true, false])
    let copy = try JSONDecoder().decode(ElementwiseAffine.self, from: JSONEncoder().encode(map))
    #expect(copy == map)
    var values: [Float] = [3, 3]
    copy.apply(to: &values)
    #expect(values == [1, 6])
    #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(
            ElementwiseAffine.self, from: Data(#"{"scale": [1], "offset": [0], "clamped": [true, true]}"#.utf8))
    }
}

@Test func outliersAreFoundWithTheirRows() {
    var rows = spiked.flatMap { [$0, 1 - $0] }
    rows[2 * 400 + 1] = -30
    let statistics = FeatureStatistics(rows: rows, components: 2)
    #expect(
        statistics.outliers == [
            FeatureStatistics.Outlier(component: 0, value: 5000, row: 1000),
            FeatureStatistics.Outlier(component: 1, value: -4999, row: 1000),
        ])
    #expect(FeatureStatistics(rows: Array(spiked.dropLast()), components: 1).outliers.isEmpty)
    // A few numbers with one outlier; and a button that is pressed occasionally.
    let few: [Float] = (0..<30).map { $0 == 17 ? 40 : Float($0 % 7) }
    #expect(FeatureStatistics(rows: few, components: 1).outliers.map(\.row) == [17])
    let button = (0..<10_000).map { Float($0 % 200 == 0 ? 1 : 0) }
    #expect(FeatureStatistics(rows: button, components: 1).outliers.isEmpty)
    #expect(FeatureStatistics(rows: button.map { $0 * 0 } + [1], components: 1).outliers.map(\.value) == [1])
}

// MARK: - Ranges

@Test func policiesKeepWhatTheyLearnedFrom() throws {
    let configuration = try TinyPolicy(clip: nil).configuration
    let far = FeatureStatistics(
        minimum: statistics.minimum, maximum: statistics.maximum, mean: statistics.mean,
        standardDeviation: statistics.standardDeviation, origin: [0, 0, 1e9])
    let map = try Normalizer(for: configuration, observation: far, action: actions).observation
    #expect(
        map.demonstratedRanges(of: configuration)
            == TrainingRanges(configuration.observations, lower: [10, 5, 1e9 - 1], upper: [30, 5, 1e9 + 3]))
}

/// The ranges of policies that were stored without them follow from their scales.
@Test func olderPoliciesTellTheirRangesByTheirScales() throws {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalization = Normalization(features: ["goal": .gaussian])
    let map = ElementwiseAffine(scale: [0.5, 0.25, 1], offset: [0, 1, -2])
    #expect(
        map.demonstratedRanges(of: configuration)
            == TrainingRanges(configuration.observations, lower: [-2, -8, -1], upper: [2, 0, 5]))
    configuration.normalization = Normalization(observations: .identity)
    #expect(map.demonstratedRanges(of: configuration).outOfRangeValue(in: [1e20, 1e20, 1e20]) == nil)
}
