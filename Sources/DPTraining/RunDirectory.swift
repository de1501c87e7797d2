import DPBase
import DPDatasets
package import Foundation

/// The files of a training run.
///
/// ```
/// recipe.yaml     the recipe, with every setting
/// metrics.jsonl   a line for each update
/// checkpoints/    step-00001000.checkpoint, …
/// policy/         the trained policy
/// report.html     curves and a video of rollouts
/// .lock           held by the process that trains here
/// ```
///
/// The command line adds `rollouts.mp4`, `keypoints.png` and `evaluation.json`.
package struct RunDirectory: Sendable {
    /// The folder.
    package let url: URL

    /// Creates a reference to a run's folder, which does not have to exist yet.
    package init(_ url: URL) { self.url = url }

    /// The resolved recipe.
    package var recipe: URL { url.appendingPathComponent("recipe.yaml") }
    /// The metrics, one line per update.
    package var metrics: URL { url.appendingPathComponent("metrics.jsonl") }
    /// The folder of checkpoints.
    package var checkpoints: URL { url.appendingPathComponent("checkpoints") }
    /// The folder of the trained policy.
    package var policy: URL { url.appendingPathComponent("policy") }
    /// The page with curves and a video.
    package var report: URL { url.appendingPathComponent("report.html") }
    /// The lock file of the training process.
    var lock: URL { url.appendingPathComponent(".lock") }

    /// The names of the run's files that exist.
    var contents: [String] {
        [recipe, metrics, checkpoints, policy].filter { FileManager.default.fileExists(atPath: $0.path) }
            .map(\.lastPathComponent)
    }

    /// The path of the run's dataset, from its newest readable checkpoint; nil if none records it.
    package var dataPath: String? {
        CheckpointStore.readable(in: checkpoints).compactMap(\.header.dataPath).last
    }

    /// Checks that starting over would not destroy results of a run without checkpoints: neither a policy nor more
    /// updates than the first checkpoint needs.
    /// - Throws: `TrainingError.lostCheckpoints`, or an error when the metrics cannot be read.
    package func checkNothingIsLost(firstCheckpoint: Int) throws {
        var found: [String] = []
        if FileManager.default.fileExists(atPath: metrics.path) {
            let updates = try MetricsFile.rows(contentsOf: metrics).last?.step ?? 0
            if updates > firstCheckpoint { found.append("metrics of \(updates) updates") }
        }
        if FileManager.default.fileExists(atPath: policy.path) { found.append("a policy") }
        guard found.isEmpty else {
            throw TrainingError.lostCheckpoints(path: url.path, found: found.joined(separator: " and "))
        }
    }

    /// Creates the folder if necessary and locks it for this process.
    /// - Throws: `TrainingError.runInUse`, `TrainingError.damaged` when the folder cannot be created, or
    ///   `FileSystemError`.
    func claim() throws -> RunLock {
        do {
            try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
        } catch {
            throw TrainingError.damaged(
                path: url.path, expected: "a folder that can be made or written to", found: systemReason(of: error),
                hint: nil)
        }
        return try RunLock(lock, of: url)
    }
}

/// A lock that keeps other processes out of a folder until it is released or the process ends.
final class RunLock {
    private let descriptor: Int32

    /// - Throws: `TrainingError.runInUse` or `FileSystemError`.
    init(_ url: URL, of directory: URL) throws {
        let descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileSystemError(operation: "write", path: url.path, code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw TrainingError.runInUse(path: directory.path)
        }
        // Assign last: once every property is set, `deinit` also runs for an initializer that throws.
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
