import DPBase
import DPInterface
import Foundation
import Testing

@Suite struct ChunkMergingTests {
    @Test(
        arguments: ChunkMerging.all + [
            .temporalEnsembling(decay: -0.5), .linearBlend(steps: 9), .warmStart(strength: 1),
        ])
    func textsAreRead(merging: ChunkMerging) throws {
        #expect(try ChunkMerging(merging.description) == merging)
        let json = try JSONEncoder().encode([merging])
        #expect(try JSONDecoder().decode([ChunkMerging].self, from: json) == [merging])
    }

    @Test func aNameAloneHasTheUsualNumber() throws {
        #expect(try ChunkMerging("temporal-ensembling") == .temporalEnsembling(decay: 0.01))
        #expect(try ChunkMerging("linear-blend") == .linearBlend(steps: 2))
        #expect(try ChunkMerging("warm-start") == .warmStart(strength: 0.7))
        #expect(
            "\(ChunkMerging.skipStale)" == "skip-stale" && "\(ChunkMerging.linearBlend(steps: 5))" == "linear-blend:5")
    }

    @Test(arguments: [
        "", "smooth", "skip-stale:1", "synchronous:", "linear-blend:", "linear-blend:0", "linear-blend:1.5",
        "linear-blend:-2",
        "temporal-ensembling:nan", "temporal-ensembling:x", "warm-start:0", "warm-start:1.01", "warm-start:nan",
        "warm-start:0.5:1",
    ])
    func otherTextsAreRefused(text: String) throws {
        let error = #expect(throws: InputError.self) { try ChunkMerging(text) }
        #expect("\(try #require(error))".hasPrefix("merging"))
    }

    @Test func unknownNamesAreToldTheKnownOnes() throws {
        let error = #expect(throws: InputError.self) { try ChunkMerging("smooth") }
        #expect("\(try #require(error))".contains("temporal-ensembling:0.01"))
    }
}

@Suite struct ControlConfigurationTests {
    @Test func latenciesAreRoundedUpToWholeSteps() {
        let control = ControlConfiguration()
        let seconds = [0, 0.001, 0.1, 0.1001, 0.25, 0.3, 0.5, 0.7, 1]
        #expect(seconds.map { control.steps(for: $0) } == [0, 1, 1, 2, 3, 3, 5, 7, 10])
        #expect(ControlConfiguration(rate: 30).steps(for: 0.1) == 3)
        // Every whole number of steps is exact, despite binary fractions.
        for steps in 0...600 { #expect(control.steps(for: Double(steps) / 10) == steps) }
    }

    @Test(arguments: [
        ControlConfiguration(interval: 0), ControlConfiguration(rate: 0), ControlConfiguration(rate: .nan),
        ControlConfiguration(merging: .linearBlend(steps: 0)), ControlConfiguration(merging: .warmStart(strength: 2)),
        ControlConfiguration(merging: .temporalEnsembling(decay: .infinity)),
    ])
    func unusableSettingsAreRefused(configuration: ControlConfiguration) {
        #expect(throws: InputError.self) { try configuration.validate() }
    }

    @Test func theDefaultsAreUsable() throws {
        try ControlConfiguration().validate()
        try ControlConfiguration.recedingHorizon.validate()
    }
}
