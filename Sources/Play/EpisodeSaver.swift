import Demonstrations
import Foundation

/// Brings kept episodes to disk one after another, on a thread of its own so that nobody waits.
///
/// An episode that could not be saved stays, and is tried again before the next one.
final class EpisodeSaver: @unchecked Sendable {
    // Everything but the constants belongs to the queue.
    private let queue = DispatchQueue(label: "episode saver")
    private let set: DemonstrationSet
    private let report: @Sendable (Result<DemonstrationSet.Size, any Error>) -> Void
    private var waiting: [ReplayBuffer] = []

    /// - Parameters:
    ///   - set: where to.
    ///   - report: told of every episode that was saved, and of every failure.
    init(_ set: DemonstrationSet, report: @escaping @Sendable (Result<DemonstrationSet.Size, any Error>) -> Void) {
        self.set = set
        self.report = report
    }

    /// Saves an episode as soon as possible.
    func save(_ episode: ReplayBuffer) {
        queue.async { [self] in
            waiting.append(episode)
            saveAll()
        }
    }

    /// Waits until everything is saved, as far as it can be.
    /// - Returns: how many episodes could not be.
    func finish() -> Int {
        queue.sync {
            saveAll()
            return waiting.count
        }
    }

    private func saveAll() {
        while let episode = waiting.first {
            do {
                let size = try set.append(episode)
                waiting.removeFirst()
                report(.success(size))
            } catch {
                report(.failure(error))
                return
            }
        }
    }
}
