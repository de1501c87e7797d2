import DPBase
package import DPInterface

/// Windows of a fixed length over episodes: the observations that a policy receives and the actions that it
/// predicts.
///
/// In the notation of the paper, a policy receives `To = horizon.observation` observations, predicts
/// `Tp = horizon.prediction` actions and executes `Ta = horizon.action` of them. A window is `Tp` consecutive steps
/// of an episode: the observations of the first `To` steps (of all steps when observations are denoised too) and
/// the actions of all steps. The newest observation is that of step `To − 1`; the actions before it lie in the
/// past.
///
/// So that a policy also learns to start and end an episode, a window may begin up to `To − 1` steps before the
/// episode and end up to `Ta − 1` steps after it. Steps outside the episode repeat its first or last frame. They
/// count in the loss like other steps unless masked (`isInEpisode(window:step:)`). (Padding before and after as in
/// the reference's `SequenceSampler`.)
///
/// The sampler returns frame indices only; the numbers stay in the dataset.
package struct SequenceSampler: Sendable {
    /// The horizons of the policy.
    package let horizon: Horizon
    private let windows: [Window]

    private struct Window {
        /// The frame of the first step, which may lie before the episode.
        var start: Int
        var episode: Range<Int>
    }

    /// Creates the windows over some episodes, in order.
    /// - Parameters:
    ///   - dataset: the dataset to divide into windows.
    ///   - horizon: the horizons of the policy.
    ///   - episodes: the indices of the episodes; all by default.
    /// - Throws: `InputError`, also when every episode is too short for one window.
    package init(_ dataset: InMemoryDataset, horizon: Horizon, episodes: [Int]? = nil) throws {
        try horizon.validate()
        self.horizon = horizon
        let chosen = episodes ?? Array(dataset.episodes.indices)
        let (before, after) = (horizon.observation - 1, horizon.action - 1)
        try AvailableMemory.check(2 * dataset.frameCount, of: Window.self)
        windows = chosen.flatMap { index in
            let episode = dataset.episodes[index]
            let first = episode.lowerBound - before
            let last = episode.upperBound - horizon.prediction + after
            return last < first ? [] : (first...last).map { Window(start: $0, episode: episode) }
        }
        if windows.isEmpty {
            let longest = chosen.map { dataset.episodes[$0].count }.max() ?? 0
            throw InputError(
                at: "windows",
                expected: """
                    an episode of at least \(horizon.shortestEpisode) frames for horizons \(horizon.observation)/\
                    \(horizon.prediction)/\(horizon.action) (observation/prediction/action)
                    """,
                found: "\(chosen.count) episodes of at most \(longest)",
                hint: """
                    with these, the prediction horizon may be at most \
                    \(horizon.longestPrediction(inEpisodeOf: longest))
                    """)
        }
    }

    /// The number of windows.
    package var count: Int { windows.count }

    /// Whether a step of a window lies inside its episode, as opposed to repeating the first or last frame.
    package func isInEpisode(window: Int, step: Int) -> Bool {
        windows[window].episode.contains(windows[window].start + step)
    }

    /// The frame at a step of a window.
    package func frame(window: Int, step: Int) -> Int {
        let window = windows[window]
        return min(max(window.start + step, window.episode.lowerBound), window.episode.upperBound - 1)
    }
}

extension Horizon {
    /// The maximum number of steps of a window that may lie outside its episode.
    private var padding: Int { observation - 1 + action - 1 }
    /// The minimum number of frames for an episode to have a window.
    package var shortestEpisode: Int { max(prediction - padding, 1) }
    /// The longest prediction horizon for which an episode of this length has a window, with the same observation
    /// and action horizons.
    package func longestPrediction(inEpisodeOf frames: Int) -> Int { frames + padding }
}
