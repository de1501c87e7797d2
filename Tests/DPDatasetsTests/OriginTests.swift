import DPBase
import DPInterface
import Foundation
import TestSupport
import Testing

@testable import DPDatasets

/// Tests of numbers that single precision cannot represent.
@Suite struct OriginTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A northing that varies by ten meters.
    private let northing = (0..<200).map { 4_649_776.25 + 5 * sin(Double($0) / 10) }

    @Test func keepsDigitsFarFromZero() {
        let feature = InMemoryDataset.Feature("pose", shape: [2], doubles: northing.flatMap { [$0, $0 - 4_649_776] })
        #expect(abs(feature.origin[0] - 4_649_776) < 6 && feature.origin[1] == 0)
        for (frame, value) in northing.enumerated() {
            #expect(abs(feature.recorded(frame: frame)[0] - value) < 1e-6)
            #expect(feature.values[2 * frame + 1] == Float(value - 4_649_776))
        }
    }

    /// Features of any stored type have an origin only if they need one.
    @Test(arguments: [0, 1, 1e3, 1_700_000_000, -3e12])
    func onlyDistantFeaturesHaveOrigins(_ offset: Double) {
        let feature = InMemoryDataset.Feature("x", shape: [], doubles: (0..<100).map { offset + Double($0) / 8 })
        #expect((feature.origin != [0]) == (abs(offset) > 800))
        #expect((0..<100).allSatisfy { abs(feature.recorded(frame: $0)[0] - offset - Double($0) / 8) < 1e-3 })
    }

    @Test func outliersDoNotRemoveTheOrigin() {
        var numbers = northing
        numbers[20] = 0
        let feature = InMemoryDataset.Feature("northing", shape: [], doubles: numbers)
        #expect(abs(feature.origin[0] - 4_649_776) < 6)
        #expect(abs(feature.recorded(frame: 20)[0]) < 0.5)
        #expect(abs(feature.recorded(frame: 21)[0] - numbers[21]) < 1e-6)
    }

    @Test func roundingOfDoublePrecisionIsNoChange() {
        let noisy = InMemoryDataset.Feature("x", shape: [], doubles: (0..<9).map { $0 % 2 == 0 ? 0.3 : 0.1 + 0.2 })
        #expect(Set(noisy.values).count == 1)
        #expect(FeatureStatistics(rows: noisy.values, components: 1, origin: noisy.origin).isConstant(0))
        let constant = InMemoryDataset.Feature("x", shape: [], doubles: Array(repeating: 1_700_000_000.125, count: 3))
        #expect(constant.recorded(frame: 2) == [1_700_000_000.125])
        let plain = InMemoryDataset.Feature("x", shape: [], doubles: [5, 5, 5])
        #expect(plain.origin == [0] && plain.values == [5, 5, 5])
    }

    private func write(_ name: String, _ body: (ZarrWriter) throws -> Void) throws -> URL {
        try ZarrWriter.create(at: folder(name)) { writer in
            try body(writer)
            try writer.write("meta/episode_ends", shape: [1], integers: [200])
        }
        return folder(name)
    }

    @Test func doublesAndWholeNumbersAreReadWithTheirOrigins() throws {
        let counts = (0..<200).map { 3_000_000_000 + Int64($0) * 7 }
        let url = try write("far.zarr") { writer in
            try writer.write("data/northing", shape: [200], doubles: northing)
            try writer.write("data/count", shape: [200, 1], integers: counts)
            try writer.write("data/near", shape: [200], floats: northing.map(Float.init))
        }
        let buffer = try InMemoryDataset(contentsOf: url)
        #expect(abs(try buffer.feature("northing").recorded(frame: 77)[0] - northing[77]) < 1e-6)
        #expect(try (0..<200).allSatisfy { try buffer.feature("count").recorded(frame: $0) == [Double(counts[$0])] })
        // Single-precision recordings stay unchanged.
        #expect(try buffer.feature("near").values == northing.map(Float.init))
        #expect(try buffer.feature("near").origin == [0])
        let schema = ObservationSchema([FeatureSelection("near"), FeatureSelection("count")])
        #expect(try buffer.origin(of: schema) == [0] + buffer.feature("count").origin)
        #expect(try buffer.statistics(of: schema).origin == buffer.origin(of: schema))
        let description = try DatasetDescription(contentsOf: url)
        #expect(description.description.contains("3000000000.0 … 3000001393.0"))

        // A written and reread dataset keeps its numbers.
        try buffer.write(to: folder("copy.zarr"))
        let copy = try InMemoryDataset(contentsOf: folder("copy.zarr"))
        #expect(try copy.feature("count").recorded(frame: 199) == [Double(counts[199])])
        #expect(abs(try copy.feature("northing").recorded(frame: 5)[0] - northing[5]) < 1e-6)
    }

    /// Components that are not selected may be NaN, and origins follow the selected ones.
    @Test func singleColumnsHaveTheirOrigins() throws {
        let url = try write("columns.zarr") { writer in
            try writer.write("data/pose", shape: [200, 3], doubles: northing.flatMap { [$0, .nan, $0 - 4_649_776] })
            try writer.write("data/action", shape: [200], floats: northing.map(Float.init))
        }
        let schema = ObservationSchema([FeatureSelection("pose", indices: [2, 0])])
        let buffer = try InMemoryDataset(contentsOf: url, observing: schema, action: "action")
        let origin = try buffer.origin(of: schema)
        #expect(origin[0] == 0 && abs(origin[1] - 4_649_776) < 6)
        #expect(try buffer.statistics(of: schema, episodes: [0]).origin == origin)
        let rows = try buffer.observations(schema)
        for (frame, value) in northing.enumerated() {
            #expect(rows[2 * frame] == Float(value - 4_649_776))
            #expect(rows[2 * frame + 1] == Float(value - origin[1]))
        }
        #expect(
            try schema.vector(from: RobotObservation(doubles: ["pose": [northing[7], .nan, 0.5]]), origin: origin)
                == [0.5, rows[15]])
        #expect(throws: InputError.self) { try InMemoryDataset(contentsOf: url) }
        let described = try DatasetDescription(contentsOf: url).features.first { $0.name == "pose" }
        #expect(described?.obstacle?.contains("component 1") == true)
    }

    @Test func demonstrationsOfOtherOriginsAreAppended() throws {
        func buffer(_ offset: Double) throws -> InMemoryDataset {
            try InMemoryDataset(
                features: [.init("x", shape: [], doubles: northing.map { $0 + offset })], episodeEnds: [200])
        }
        let both = try buffer(0).appending(buffer(20))
        #expect(abs(try both.feature("x").recorded(frame: 9)[0] - northing[9]) < 1e-5)
        #expect(abs(try both.feature("x").recorded(frame: 209)[0] - northing[9] - 20) < 1e-5)
    }
}
