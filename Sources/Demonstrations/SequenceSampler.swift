import MachineResources
public import PolicyInterface

/// Windows of a fixed length over episodes: what a policy sees and what it is to predict.
///
/// With the paper's letters, a policy sees `To = horizon.observation` observations, predicts `Tp = horizon.prediction` actions and executes
/// `Ta = horizon.action` of them. A window is `Tp` neighbouring steps of an episode: the observations of the first `To` steps (of all
/// when observations are denoised too) and the actions of all. The newest observation is thus that of step `To − 1`, and the actions before it lie in the past.
///
/// So that a policy also learns to start and to end an episode, a window may begin up to `To − 1` steps before the episode and end up to
/// `Ta − 1` steps after it; steps outside repeat the first or the last frame. Repeated steps count
/// in the loss like others, unless they are left out (`isInEpisode(window:step:)`). (Padding before and after as in the reference's `SequenceSampler`.)
///
/// It tells frames; their numbers stay where they are, in one copy however many windows show them.
public struct SequenceSampler: Sendable {
    /// How far the policy looks.
    public let horizon: Horizon
    private let windows: [Window]

    private struct Window {
        /// The frame of the first step, which may lie before the episode.
        var start: Int
        var episode: Range<Int>
    }

    /// The windows over some episodes, in order.
    /// - Parameters:
    ///   - buffer: the demonstrations.
    ///   - horizon: how far the policy looks.
    ///   - episodes: which episodes, by number; all by default.
    /// - Throws: `HorizonError`; `WindowError` when every episode is too short for one window.
    public init(_ buffer: ReplayBuffer, horizon: Horizon, episodes: [Int]? = nil) throws {
        try horizon.validate()
        self.horizon = horizon
        let chosen = episodes ?? Array(buffer.episodes.indices)
        let (before, after) = (horizon.observation - 1, horizon.action - 1)
        try AvailableMemory.check(2 * buffer.frameCount, of: Window.self)
        windows = chosen.flatMap { index in
            let episode = buffer.episodes[index]
            let first = episode.lowerBound - before
            let last = episode.upperBound - horizon.prediction + after
            return last < first ? [] : (first...last).map { Window(start: $0, episode: episode) }
        }
        if windows.isEmpty {
            throw WindowError(
                horizon: horizon, episodeCount: chosen.count,
                longestEpisode: chosen.map { buffer.episodes[$0].count }.max() ?? 0)
        }
    }

    /// How many windows there are.
    public var count: Int { windows.count }

    /// Whether a step of a window lies in its episode, rather than repeating the first or the last frame.
    public func isInEpisode(window: Int, step: Int) -> Bool {
        windows[window].episode.contains(windows[window].start + step)
    }

    /// The frame that a step of a window shows.
    public func frame(window: Int, step: Int) -> Int {
        let window = windows[window]
        return min(max(window.start + step, window.episode.lowerBound), window.episode.upperBound - 1)
    }
}

extension Horizon {
    /// How many steps of a window may lie outside of its episode.
    private var padding: Int { observation - 1 + action - 1 }
    /// The fewest frames of an episode that has a window.
    public var shortestEpisode: Int { max(prediction - padding, 1) }
    /// The longest prediction that an episode of so many frames has a window for, with the same observations and executed actions.
    public func longestPrediction(inEpisodeOf frames: Int) -> Int { frames + padding }
}

/// Episodes that are all too short for one window.
public struct WindowError: Error, Equatable, CustomStringConvertible {
    /// How far the policy looks.
    public let horizon: Horizon
    /// How many episodes were chosen.
    public let episodeCount: Int
    /// The frames of the longest of them.
    public let longestEpisode: Int

    /// What was expected, what was found and what to do.
    public var description: String {
        """
        windows: expected an episode of at least \(horizon.shortestEpisode) frames for horizons \
        \(horizon.observation)/\(horizon.prediction)/\(horizon.action) (observation/prediction/action), found \
        \(episodeCount) episodes of at most \(longestEpisode); with these, the prediction horizon may be at most \
        \(horizon.longestPrediction(inEpisodeOf: longestEpisode))
        """
    }
}
