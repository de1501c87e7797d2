import Demonstrations
import Foundation
import PolicyInterface
import TestSupport
import Testing

@Suite(.enabled(if: HumanDemonstrations.folder != nil, Comment(rawValue: HumanDemonstrations.hint)))
struct HumanDemonstrationsTests {
    private func load() throws -> ReplayBuffer {
        try ReplayBuffer(contentsOf: try #require(HumanDemonstrations.folder))
    }

    @Test func holdsAllEpisodesWithoutImages() throws {
        let buffer = try load()
        #expect(buffer.widths == ["state": 5, "action": 2, "keypoint": 18, "n_contacts": 1])
        #expect(buffer.episodes.count == 206)
        #expect(buffer.frameCount == 25_650)
        #expect(buffer.fields["keypoint"]?.shape == [9, 2])
    }

    @Test func hasAsManyWindowsAsTheReference() throws {
        let sampler = try SequenceSampler(try load(), horizon: Horizon(), observation: .pushTKeypoints)
        #expect(sampler.count == 24_208)
        #expect(sampler.observationDimension == 20)
        #expect(sampler.actionDimension == 2)
    }
}
