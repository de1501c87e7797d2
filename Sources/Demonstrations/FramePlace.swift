/// Where a frame is, for people who look for it in their file.
package struct FramePlace: Sendable, Equatable, CustomStringConvertible {
    /// The episode, from 0, as the file counts: those without frames count too.
    package let episode: Int
    /// The frame in the episode, from 0.
    package let frame: Int

    /// The place of a frame that is counted over all episodes.
    /// - Parameters:
    ///   - frame: which frame.
    ///   - episodes: the frames of each episode that has any.
    ///   - numbers: the number of each of these in the file.
    init(_ frame: Int, in episodes: [Range<Int>], numbers: [Int]) {
        let index = episodes.firstIndex { $0.contains(frame) } ?? 0
        episode = numbers[index]
        self.frame = frame - episodes[index].lowerBound
    }

    package var description: String { "frame \(frame) of episode \(episode)" }
}

extension ReplayBuffer {
    /// Where a frame is that is counted over all episodes.
    package func place(of frame: Int) -> FramePlace { FramePlace(frame, in: episodes, numbers: episodeNumbers) }
}
