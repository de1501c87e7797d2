package import DPDatasets
import Foundation

/// Saves kept episodes to disk in order, on its own queue so that callers do not block.
///
/// An episode that could not be saved stays queued and is retried before the next one.
final class EpisodeSaver: @unchecked Sendable {
    /// Receives the size of the saved dataset after an episode is saved, or the error if saving failed.
    typealias Report = @Sendable (Result<DatasetDirectory.Size, any Error>) -> Void

    // All mutable state is accessed only on the queue.
    private let queue = DispatchQueue(label: "episode saver")
    private let dataset: DatasetDirectory
    /// The episodes and frames on disk.
    private var saved: DatasetDirectory.Size
    private var waiting: [(episode: InMemoryDataset, report: Report)] = []

    /// - Parameters:
    ///   - dataset: the dataset to save to.
    ///   - saved: the size that the dataset already has.
    init(_ dataset: DatasetDirectory, saved: DatasetDirectory.Size) {
        self.dataset = dataset
        self.saved = saved
    }

    /// Saves an episode as soon as possible.
    /// - Parameter report: called for every failed attempt and once the episode is saved.
    func save(_ episode: InMemoryDataset, report: @escaping Report) {
        queue.async { [self] in
            waiting.append((episode, report))
            saveAll()
        }
    }

    /// Tries to save everything that is still queued, and waits for it.
    func finish() -> RecordingOutcome {
        queue.sync {
            saveAll()
            return RecordingOutcome(saved: saved, lost: waiting.count)
        }
    }

    private func saveAll() {
        while let (episode, report) = waiting.first {
            do {
                saved = try dataset.append(episode)
                waiting.removeFirst()
                report(.success(saved))
            } catch {
                report(.failure(error))
                return
            }
        }
    }
}

/// The outcome of a recording.
package struct RecordingOutcome: Sendable, Equatable {
    /// The episodes and frames on disk.
    package let saved: DatasetDirectory.Size
    /// Number of kept episodes that could not be saved.
    package let lost: Int
}
