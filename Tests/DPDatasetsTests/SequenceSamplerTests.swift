import DPBase
import DPDatasets
import DPInterface
import TestSupport
import Testing

@Suite struct SequenceSamplerTests {
    /// Returns a dataset with episodes of the given lengths.
    private func buffer(_ lengths: [Int]) throws -> InMemoryDataset {
        let ends = lengths.indices.map { lengths[...$0].reduce(0, +) }
        let values = [Float](repeating: 0, count: ends.last ?? 0)
        return try InMemoryDataset(features: [.init("action", shape: [1], values: values)], episodeEnds: ends)
    }

    /// Returns the frames of all steps of a window.
    private func frames(_ window: Int, of sampler: SequenceSampler) -> [Int] {
        (0..<sampler.horizon.prediction).map { sampler.frame(window: window, step: $0) }
    }

    @Test func windowsReachBeyondTheEpisodeAndRepeatItsEdges() throws {
        let sampler = try SequenceSampler(
            buffer([5, 6]), horizon: Horizon(observation: 2, prediction: 4, action: 2))
        // Starts −1 … 5 − 4 + 1, then −1 … 6 − 4 + 1 in the second episode.
        #expect(sampler.count == 4 + 5)
        #expect(frames(0, of: sampler) == [0, 0, 1, 2])
        #expect(frames(3, of: sampler) == [2, 3, 4, 4])
        #expect(frames(4, of: sampler) == [5, 5, 6, 7])
        #expect(frames(8, of: sampler) == [8, 9, 10, 10])
    }

    @Test func chosenEpisodesAloneGiveWindows() throws {
        let sampler = try SequenceSampler(
            buffer([5, 6, 7]), horizon: Horizon(observation: 2, prediction: 4, action: 2),
            episodes: [2])
        #expect(sampler.count == 6)
        #expect(frames(0, of: sampler) == [11, 11, 12, 13])
    }

    @Test func anEpisodeShorterThanTheHorizonGivesWindowsWhilePaddingSuffices() throws {
        let sampler = try SequenceSampler(buffer([8, 9, 7]), horizon: Horizon())
        #expect(sampler.count == 1 + 2)
        #expect(frames(0, of: sampler) == [0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7, 7])
    }

    @Test func onlyEpisodesThatAreTooShortAreAnError() throws {
        let text = message {
            _ = try SequenceSampler(buffer([7, 3]), horizon: Horizon())
        }
        #expect(
            text
                == "windows: expected an episode of at least 8 frames for horizons 2/16/8 (observation/prediction/action), "
                + "found 2 episodes of at most 7; with these, the prediction horizon may be at most 15")
    }

    @Test func impossibleHorizonsAreErrors() throws {
        let horizon = Horizon(observation: 2, prediction: 8, action: 8)
        #expect(throws: InputError.self) { try SequenceSampler(buffer([9]), horizon: horizon) }
    }

    @Test func splitsDependOnTheKeyAlone() throws {
        let key = RandomKey(seed: 42)
        let split = try EpisodeSplit(episodeCount: 206, validationRatio: 0.02, maximumTrainingEpisodes: 90, key: key)
        #expect(split.validation.count == 4)
        #expect(split.training.count == 90)
        #expect(Set(split.training).isDisjoint(with: split.validation))
        #expect(split.training == split.training.sorted())
        let again = try EpisodeSplit(episodeCount: 206, validationRatio: 0.02, maximumTrainingEpisodes: 90, key: key)
        #expect(again == split)
        let uncapped = try EpisodeSplit(episodeCount: 206, validationRatio: 0.02, key: key)
        #expect(uncapped.validation == split.validation)
        #expect(Set(uncapped.training + uncapped.validation) == Set(0..<206))
        let other = try EpisodeSplit(episodeCount: 206, validationRatio: 0.02, key: RandomKey(seed: 43))
        #expect(other.validation != split.validation)
    }

    @Test func splitsKeepAnEpisodeOnEitherSide() throws {
        let key = RandomKey(seed: 0)
        #expect(try EpisodeSplit(episodeCount: 3, validationRatio: 0.99, key: key).training.count == 1)
        #expect(try EpisodeSplit(episodeCount: 3, validationRatio: 0.01, key: key).validation.count == 1)
        #expect(try EpisodeSplit(episodeCount: 1, validationRatio: 0.5, key: key).training == [0])
        #expect(try EpisodeSplit(episodeCount: 3, key: key).training == [0, 1, 2])
        for (count, ratio, cap) in [(0, 0, nil), (3, 1, nil), (3, -0.1, nil), (3, .nan, nil), (3, 0, 0)]
            as [(Int, Double, Int?)]
        {
            #expect(throws: InputError.self) {
                try EpisodeSplit(episodeCount: count, validationRatio: ratio, maximumTrainingEpisodes: cap, key: key)
            }
        }
    }
}
