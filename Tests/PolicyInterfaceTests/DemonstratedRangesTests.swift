import PolicyInterface
import Testing

/// Observations far from the demonstrations.
@Suite struct DemonstratedRangesTests {
    /// Joints in radians, a height in meters, a pixel position, a constant.
    private let ranges = DemonstratedRanges(
        ObservationSchema([
            FieldSelection("joints", columns: 1..<4, width: 5), FieldSelection("height", width: 1),
            FieldSelection("place", width: 3), FieldSelection("goal", width: 1),
        ]), lower: [-1, -0.5, 0, 0.25, 10, 20, 15, 3], upper: [1, 0.5, 2, 0.75, 500, 480, 490, 3])

    private let usual = Observation(
        vectors: [
            "joints": [99, 0.5, 0.1, 1, 99], "height": [0.5], "place": [100, 200, 300], "goal": [3], "other": [1e9],
        ])

    private func unfamiliar(_ name: String, _ change: ([Float]) -> [Float]) -> UnfamiliarNumber? {
        var observation = usual
        observation.vectors[name] = observation.vectors[name].map(change)
        return ranges.unfamiliar(in: observation)
    }

    @Test func whatWasDemonstratedIsFamiliar() {
        #expect(ranges.unfamiliar(in: usual) == nil)
        // A little outside is usual: a quarter of the width.
        #expect(unfamiliar("height") { _ in [0.87] } == nil)
        #expect(unfamiliar("height") { _ in [0.13] } == nil)
        #expect(unfamiliar("joints") { [$0[0], 1.4, -0.7, 1, 0] } == nil)
        #expect(ranges.unfamiliar(in: Observation()) == nil)
    }

    @Test func degreesForRadiansAreNot() {
        let found = unfamiliar("joints") { $0.map { $0 * 180 / .pi } }
        #expect(found?.field == "joints" && found?.column == 3 && found?.lower == 0 && found?.upper == 2)
        #expect(found?.description.contains("observation joints[3]: expected about 0.0 … 2.0") == true)
        #expect(unfamiliar("height") { _ in [0.88] } != nil)
        #expect(unfamiliar("height") { _ in [0.12] } != nil)
        #expect(unfamiliar("goal") { _ in [4] } != nil)
    }

    /// Meters for millimeters: each number is near to its range, but never all of them were so small.
    @Test func aThousandthIsNot() {
        #expect(unfamiliar("place") { $0.map { $0 / 1000 } }?.field == "place")
        #expect(unfamiliar("place") { [9, 19, $0[2]] } == nil)
    }

    /// What never changed is not scaled, so a large one may not change by much either.
    @Test func aConstantStaysWhereItWas() {
        let constant = DemonstratedRanges(
            ObservationSchema([FieldSelection("goal", width: 1)]), lower: [1000], upper: [1000])
        for (value, isFamiliar) in [(1000.4, true), (1000.6, false), (999.6, true), (999.4, false), (0, false)] {
            #expect((constant.unfamiliar(in: [value]) == nil) == isFamiliar, "\(value)")
        }
    }

    @Test func zerosOfADeadSensorAreNot() {
        #expect(unfamiliar("place") { _ in [0, 0, 0] }?.value == 0)
        // Zeros lie inside of the ranges of these.
        #expect(unfamiliar("joints") { _ in [0, 0, 0, 0, 0] } == nil)
        let pair = DemonstratedRanges(
            ObservationSchema([FieldSelection("pair", width: 2)]), lower: [-1, 0.1], upper: [1, 2])
        #expect(pair.unfamiliar(in: Observation(vectors: ["pair": [0, 0]]))?.column == 1)
        #expect(pair.unfamiliar(in: Observation(vectors: ["pair": [0.2, 0]])) == nil)
    }

    @Test func vectorsAreTakenAsObservationsAre() {
        var vector: [Double] = [7, 0.5, 0.1, 1, 0.5, 100, 200, 300, 3]
        #expect(ranges.unfamiliar(in: vector[1...]) == nil)
        vector[6] = -900
        #expect(ranges.unfamiliar(in: vector[1...])?.description.contains("place[1]") == true)
        #expect(ranges.unfamiliar(in: Observation(doubles: ["place": [100, -900, 300]]))?.column == 1)
    }

    @Test func numbersChosenOneByOneAreTakenByTheirPlaces() {
        let ranges = DemonstratedRanges(
            ObservationSchema([FieldSelection("joints", indices: [4, 0], width: 5)]), lower: [10, -1], upper: [20, 1])
        #expect(ranges.unfamiliar(in: Observation(vectors: ["joints": [0, 99, 99, 99, 15]])) == nil)
        #expect(ranges.unfamiliar(in: Observation(vectors: ["joints": [0, 99, 99, 99, 0]]))?.column == 4)
        #expect(ranges.unfamiliar(in: Observation(doubles: ["joints": [15, 99, 99, 99, 15]]))?.column == 0)
        #expect(ranges.unfamiliar(in: Observation(vectors: ["joints": [15, 99, 99, 99]])) == nil)
        #expect(ranges.unfamiliar(in: [15, 2])?.description.contains("joints[0]") == true)
    }

    @Test func whatIsNotKnownIsNotJudged() {
        let open = DemonstratedRanges(
            ObservationSchema([FieldSelection("x", width: 2)]), lower: [-.infinity, -.infinity],
            upper: [.infinity, .infinity])
        #expect(open.unfamiliar(in: [1e30, -1e30]) == nil)
        #expect(open.unfamiliar(in: [0, 0]) == nil)
    }
}
