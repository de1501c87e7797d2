import DPInterface
import Testing

/// Observations far from the training data.
@Suite struct DemonstratedRangesTests {
    /// Joints in radians, a height in meters, a pixel position, a constant.
    private let ranges = TrainingRanges(
        ObservationSchema([
            FeatureSelection("joints", slice: 1..<4, size: 5), FeatureSelection("height", size: 1),
            FeatureSelection("place", size: 3), FeatureSelection("goal", size: 1),
        ]), lower: [-1, -0.5, 0, 0.25, 10, 20, 15, 3], upper: [1, 0.5, 2, 0.75, 500, 480, 490, 3])

    private let usual = RobotObservation(
        vectors: [
            "joints": [99, 0.5, 0.1, 1, 99], "height": [0.5], "place": [100, 200, 300], "goal": [3], "other": [1e9],
        ])

    private func outOfRange(_ name: String, _ change: ([Float]) -> [Float]) -> OutOfRangeValue? {
        var observation = usual
        observation.vectors[name] = observation.vectors[name].map(change)
        return ranges.outOfRangeValue(in: observation)
    }

    @Test func whatWasDemonstratedIsFamiliar() {
        #expect(ranges.outOfRangeValue(in: usual) == nil)
        // A small distance outside is accepted: a quarter of the width.
        #expect(outOfRange("height") { _ in [0.87] } == nil)
        #expect(outOfRange("height") { _ in [0.13] } == nil)
        #expect(outOfRange("joints") { [$0[0], 1.4, -0.7, 1, 0] } == nil)
        #expect(ranges.outOfRangeValue(in: RobotObservation()) == nil)
    }

    @Test func degreesForRadiansAreNot() {
        let found = outOfRange("joints") { $0.map { $0 * 180 / .pi } }
        #expect(found?.feature == "joints" && found?.component == 3 && found?.lower == 0 && found?.upper == 2)
        #expect(found?.description.contains("observation joints[3]: expected about 0.0 … 2.0") == true)
        #expect(outOfRange("height") { _ in [0.88] } != nil)
        #expect(outOfRange("height") { _ in [0.12] } != nil)
        #expect(outOfRange("goal") { _ in [4] } != nil)
    }

    /// Meters instead of millimeters: each number is close to its range, but they were never all so small.
    @Test func aThousandthIsNot() {
        #expect(outOfRange("place") { $0.map { $0 / 1000 } }?.feature == "place")
        #expect(outOfRange("place") { [9, 19, $0[2]] } == nil)
    }

    /// A constant component is not scaled, so even a large one may change only slightly.
    @Test func aConstantStaysWhereItWas() {
        let constant = TrainingRanges(
            ObservationSchema([FeatureSelection("goal", size: 1)]), lower: [1000], upper: [1000])
        for (value, isFamiliar) in [(1000.4, true), (1000.6, false), (999.6, true), (999.4, false), (0, false)] {
            #expect((constant.outOfRangeValue(in: [value]) == nil) == isFamiliar, "\(value)")
        }
    }

    @Test func zerosOfADeadSensorAreNot() {
        #expect(outOfRange("place") { _ in [0, 0, 0] }?.value == 0)
        // Zeros lie inside these ranges.
        #expect(outOfRange("joints") { _ in [0, 0, 0, 0, 0] } == nil)
        let pair = TrainingRanges(
            ObservationSchema([FeatureSelection("pair", size: 2)]), lower: [-1, 0.1], upper: [1, 2])
        #expect(pair.outOfRangeValue(in: RobotObservation(vectors: ["pair": [0, 0]]))?.component == 1)
        #expect(pair.outOfRangeValue(in: RobotObservation(vectors: ["pair": [0.2, 0]])) == nil)
    }

    @Test func vectorsAreTakenAsObservationsAre() {
        var vector: [Double] = [7, 0.5, 0.1, 1, 0.5, 100, 200, 300, 3]
        #expect(ranges.outOfRangeValue(in: vector[1...]) == nil)
        vector[6] = -900
        #expect(ranges.outOfRangeValue(in: vector[1...])?.description.contains("place[1]") == true)
        #expect(ranges.outOfRangeValue(in: RobotObservation(doubles: ["place": [100, -900, 300]]))?.component == 1)
    }

    @Test func numbersChosenOneByOneAreTakenByTheirPlaces() {
        let ranges = TrainingRanges(
            ObservationSchema([FeatureSelection("joints", indices: [4, 0], size: 5)]), lower: [10, -1], upper: [20, 1])
        #expect(ranges.outOfRangeValue(in: RobotObservation(vectors: ["joints": [0, 99, 99, 99, 15]])) == nil)
        #expect(ranges.outOfRangeValue(in: RobotObservation(vectors: ["joints": [0, 99, 99, 99, 0]]))?.component == 4)
        #expect(
            ranges.outOfRangeValue(in: RobotObservation(doubles: ["joints": [15, 99, 99, 99, 15]]))?.component == 0)
        #expect(ranges.outOfRangeValue(in: RobotObservation(vectors: ["joints": [15, 99, 99, 99]])) == nil)
        #expect(ranges.outOfRangeValue(in: [15, 2])?.description.contains("joints[0]") == true)
    }

    @Test func whatIsNotKnownIsNotJudged() {
        let open = TrainingRanges(
            ObservationSchema([FeatureSelection("x", size: 2)]), lower: [-.infinity, -.infinity],
            upper: [.infinity, .infinity])
        #expect(open.outOfRangeValue(in: [1e30, -1e30]) == nil)
        #expect(open.outOfRangeValue(in: [0, 0]) == nil)
    }
}
