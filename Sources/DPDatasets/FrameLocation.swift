/// The location of a frame within the recorded file, for messages.
package struct FrameLocation: Sendable, Equatable, CustomStringConvertible {
    /// The episode, from 0, numbered as in the file: episodes without frames count too.
    package let episode: Int
    /// The frame within the episode, from 0.
    package let frame: Int

    /// Locates a frame given by its index over all episodes.
    /// - Parameters:
    ///   - frame: the index of the frame.
    ///   - episodes: the frames of each non-empty episode.
    ///   - numbers: the number of each non-empty episode in the file.
    init(_ frame: Int, in episodes: [Range<Int>], numbers: [Int]) {
        let index = episodes.firstIndex { $0.contains(frame) } ?? 0
        episode = numbers[index]
        self.frame = frame - episodes[index].lowerBound
    }

    package var description: String { "frame \(frame) of episode \(episode)" }
}

extension InMemoryDataset {
    /// The location of a frame given by its index over all episodes.
    package func place(of frame: Int) -> FrameLocation { FrameLocation(frame, in: episodes, numbers: episodeNumbers) }
}
