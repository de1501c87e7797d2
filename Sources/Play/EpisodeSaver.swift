public import Demonstrations
import Foundation

/// Brings kept episodes to disk one after another, on a thread of its own so that nobody waits.
///
/// An episode that could not be saved stays, and is tried again before the next one.
final class EpisodeSaver: @unchecked Sendable {
    /// Told how much is on disk once an episode is, or why it is not.
    typealias Report = @Sendable (Result<DemonstrationSet.Size, any Error>) -> Void

    // Everything but the constants belongs to the queue.
    private let queue = DispatchQueue(label: "episode saver")
    private let set: DemonstrationSet
    /// What is on disk.
    private var saved: DemonstrationSet.Size
    private var waiting: [(episode: ReplayBuffer, report: Report)] = []

    /// - Parameters:
    ///   - set: where to.
    ///   - saved: what is there already.
    init(_ set: DemonstrationSet, saved: DemonstrationSet.Size) {
        self.set = set
        self.saved = saved
    }

    /// Saves an episode as soon as possible.
    /// - Parameter report: told when it is saved, and of every failure until then.
    func save(_ episode: ReplayBuffer, report: @escaping Report) {
        queue.async { [self] in
            waiting.append((episode, report))
            saveAll()
        }
    }

    /// Waits until everything is saved, as far as it can be.
    func finish() -> RecordingOutcome {
        queue.sync {
            saveAll()
            return RecordingOutcome(saved: saved, lost: waiting.count)
        }
    }

    private func saveAll() {
        while let (episode, report) = waiting.first {
            do {
                saved = try set.append(episode)
                waiting.removeFirst()
                report(.success(saved))
            } catch {
                report(.failure(error))
                return
            }
        }
    }
}

/// What became of a recording.
public struct RecordingOutcome: Sendable, Equatable {
    /// What is on disk.
    public let saved: DemonstrationSet.Size
    /// How many episodes were kept and could not be saved.
    public let lost: Int
}
