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
        observation: ComponentwiseMap(
            scale: [0.1, 0.333_333_34, 1e-30], offset: [16_777_215, -0, .leastNonzeroMagnitude]),
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

// MARK: - Quantiles

/// A thousand numbers from 0 to 1, and one that is far off.
private let spiked: [Float] = (0..<1000).map { Float($0) / 999 } + [5000]

@Test func quantilesAreInterpolatedAsNumPyDoes() {
    // numpy.quantile(range(5), [0.01, 0.99])
    let few = FieldStatistics(rows: [4, 0, 1, 3, 2], columns: 1)
    #expect(isClose(few.lowerQuantile + few.upperQuantile, [0.04, 3.96], within: 1e-6))
    let many = FieldStatistics(rows: spiked, columns: 1)
    // Of 1001 sorted numbers, those at the places 10 and 990.
    #expect(many.lowerQuantile == [Float(10) / 999] && many.upperQuantile == [Float(990) / 999])
}

@Test(arguments: [Normalisation.Mode.quantiles, .clampedQuantiles])
func quantilesAreNotLedByASingleNumber(_ mode: Normalisation.Mode) throws {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalisation = Normalisation(action: mode)
    var action = FieldStatistics(rows: spiked.flatMap { [$0, -$0] }, columns: 2)
    let map = try Normaliser(for: configuration, observation: statistics, action: action).action
    var values: [Float] = [Float(10) / 999, Float(-990) / 999, 0.5, -0.5, 5000, -5000]
    map.apply(to: &values)
    #expect(isClose(Array(values[..<4]), [-1, -1, 0, 0], within: 2e-3))
    if mode == .clampedQuantiles {
        #expect(values[4] == 1 && values[5] == -1)
    } else {
        #expect(values[4] > 9000 && values[5] < -9000)
    }
    #expect(map.isClamped == Array(repeating: mode == .clampedQuantiles, count: 2))
    // Where the quantiles are one number, the extremes stand in.
    action.lowerQuantile[0] = 0.25
    action.upperQuantile[0] = 0.25
    let other = try Normaliser(for: configuration, observation: statistics, action: action).action
    #expect(other.scale[0] == Float(2) / 5000)
}

@Test func clampedMapsSurviveCodingAndOlderOnesDoNotClamp() throws {
    let map = ComponentwiseMap(scale: [2, 2], offset: [0, 0], isClamped: [true, false])
    let copy = try JSONDecoder().decode(ComponentwiseMap.self, from: JSONEncoder().encode(map))
    #expect(copy == map)
    var values: [Float] = [3, 3]
    copy.apply(to: &values)
    #expect(values == [1, 6])
    #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(
            ComponentwiseMap.self, from: Data(#"{"scale": [1], "offset": [0], "clamped": [true, true]}"#.utf8))
    }
}

@Test func outliersAreFoundWithTheirRows() {
    var rows = spiked.flatMap { [$0, 1 - $0] }
    rows[2 * 400 + 1] = -30
    let statistics = FieldStatistics(rows: rows, columns: 2)
    #expect(
        statistics.outliers == [
            FieldStatistics.Outlier(column: 0, value: 5000, row: 1000),
            FieldStatistics.Outlier(column: 1, value: -4999, row: 1000),
        ])
    #expect(FieldStatistics(rows: Array(spiked.dropLast()), columns: 1).outliers.isEmpty)
    // Few numbers, of which one is far off; and a button that is pressed at times.
    let few: [Float] = (0..<30).map { $0 == 17 ? 40 : Float($0 % 7) }
    #expect(FieldStatistics(rows: few, columns: 1).outliers.map(\.row) == [17])
    let button = (0..<10_000).map { Float($0 % 200 == 0 ? 1 : 0) }
    #expect(FieldStatistics(rows: button, columns: 1).outliers.isEmpty)
    #expect(FieldStatistics(rows: button.map { $0 * 0 } + [1], columns: 1).outliers.map(\.value) == [1])
}

/// A version that knows nothing of clamping must not act with such a policy.
@Test func clampingPoliciesAreOfANewerFormat() throws {
    var stored = try TinyPolicy().stored
    let model = try DiffusionModel(stored.configuration)
    #expect(PolicyDocument(of: stored, model: model, checksum: "").formatVersion == 1)
    stored.normaliser.action = ComponentwiseMap(scale: [1, 1], offset: [0, 0], isClamped: [true, true])
    #expect(PolicyDocument(of: stored, model: model, checksum: "").formatVersion == 2)
}

// MARK: - Ranges

@Test func policiesKeepWhatTheyLearnedFrom() throws {
    let configuration = try TinyPolicy(clip: nil).configuration
    let far = FieldStatistics(
        minimum: statistics.minimum, maximum: statistics.maximum, mean: statistics.mean,
        standardDeviation: statistics.standardDeviation, origin: [0, 0, 1e9])
    let map = try Normaliser(for: configuration, observation: far, action: actions).observation
    #expect(
        map.demonstratedRanges(of: configuration)
            == DemonstratedRanges(configuration.observations, lower: [10, 5, 1e9 - 1], upper: [30, 5, 1e9 + 3]))
}

/// What was stored before ranges were kept tells them by its scales.
@Test func olderPoliciesTellTheirRangesByTheirScales() throws {
    var configuration = try TinyPolicy(clip: nil).configuration
    configuration.normalisation = Normalisation(fields: ["goal": .gaussian])
    let map = ComponentwiseMap(scale: [0.5, 0.25, 1], offset: [0, 1, -2])
    #expect(
        map.demonstratedRanges(of: configuration)
            == DemonstratedRanges(configuration.observations, lower: [-2, -8, -1], upper: [2, 0, 5]))
    configuration.normalisation = Normalisation(observations: .identity)
    #expect(map.demonstratedRanges(of: configuration).unfamiliar(in: [1e20, 1e20, 1e20]) == nil)
}
