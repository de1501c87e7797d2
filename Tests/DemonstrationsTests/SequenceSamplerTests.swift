import Demonstrations
import PolicyInterface
import TestSupport
import Testing

@Suite struct SequenceSamplerTests {
    /// Episodes of the given lengths, whose one observation and two actions tell the frame.
    private func buffer(_ lengths: [Int]) throws -> ReplayBuffer {
        let ends = lengths.indices.map { lengths[...$0].reduce(0, +) }
        let frames = (0..<(ends.last ?? 0)).map { Float($0) }
        return try ReplayBuffer(
            fields: [
                .init("state", shape: [1], values: frames),
                .init("action", shape: [2], values: frames.flatMap { [$0, -$0] }),
            ], episodeEnds: ends)
    }

    private let state = ObservationSchema([FieldSelection("state")])

    /// The frames that a window's observations and actions come from.
    private func window(_ index: Int, of sampler: SequenceSampler) -> (observations: [Float], actions: [Float]) {
        var observations = [Float](repeating: .nan, count: sampler.horizon.observation)
        var actions = [Float](repeating: .nan, count: sampler.horizon.prediction * 2)
        observations.withUnsafeMutableBufferPointer { observations in
            actions.withUnsafeMutableBufferPointer { actions in
                sampler.fill(window: index, observations: observations, actions: actions)
            }
        }
        return (observations, actions)
    }

    @Test func windowsReachBeyondTheEpisodeAndRepeatItsEdges() throws {
        let sampler = try SequenceSampler(
            buffer([5, 6]), horizon: Horizon(observation: 2, prediction: 4, action: 2), observation: state)
        // Starts −1 … 5 − 4 + 1, then −1 … 6 − 4 + 1 in the second episode.
        #expect(sampler.count == 4 + 5)
        #expect(window(0, of: sampler).observations == [0, 0])
        #expect(window(0, of: sampler).actions == [0, 0, 0, 0, 1, -1, 2, -2])
        #expect(window(3, of: sampler).observations == [2, 3])
        #expect(window(3, of: sampler).actions == [2, -2, 3, -3, 4, -4, 4, -4])
        #expect(window(4, of: sampler).observations == [5, 5])
        #expect(window(8, of: sampler).actions == [8, -8, 9, -9, 10, -10, 10, -10])
        #expect((0..<4).map { sampler.frame(window: 4, step: $0) } == [5, 5, 6, 7])
    }

    @Test func chosenEpisodesAloneGiveWindows() throws {
        let sampler = try SequenceSampler(
            buffer([5, 6, 7]), horizon: Horizon(observation: 2, prediction: 4, action: 2), observation: state,
            episodes: [2])
        #expect(sampler.count == 6)
        #expect(window(0, of: sampler).observations == [11, 11])
    }

    @Test func anEpisodeShorterThanTheHorizonGivesWindowsWhilePaddingSuffices() throws {
        let sampler = try SequenceSampler(buffer([8, 9, 7]), horizon: Horizon(), observation: state)
        #expect(sampler.count == 1 + 2)
        let frames: [Float] = [0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7, 7]
        #expect(window(0, of: sampler).actions == frames.flatMap { [$0, -$0] })
    }

    @Test func onlyEpisodesThatAreTooShortAreAnError() throws {
        let text = message {
            _ = try SequenceSampler(buffer([7, 3]), horizon: Horizon(), observation: state)
        }
        #expect(
            text
                == "windows: expected an episode of at least 8 frames for horizons 2/16/8 (observation/prediction/action), "
                + "found 2 episodes of at most 7; with these, the prediction horizon may be at most 15")
    }

    @Test func impossibleHorizonsAndAbsentFieldsAreErrors() throws {
        let horizon = Horizon(observation: 2, prediction: 8, action: 8)
        #expect(throws: HorizonError.self) { try SequenceSampler(buffer([9]), horizon: horizon, observation: state) }
        #expect(
            message { _ = try SequenceSampler(buffer([9]), horizon: Horizon(), observation: state, action: "torque") }
                == #"observation: expected a field "torque", found action, state"#)
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
            #expect(throws: InvalidSetting.self) {
                try EpisodeSplit(episodeCount: count, validationRatio: ratio, maximumTrainingEpisodes: cap, key: key)
            }
        }
    }
}
