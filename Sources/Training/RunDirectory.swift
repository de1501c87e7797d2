public import Foundation
import PolicyInterface
import TensorFiles

/// The files of a training run.
///
/// ```
/// recipe.yaml     what is trained, with every field
/// metrics.jsonl   a line for each update
/// checkpoints/    step-00001000.checkpoint, …
/// policy/         the trained policy
/// report.html     curves and a film of rollouts
/// .lock           held by the process that trains here
/// ```
public struct RunDirectory: Sendable {
    /// The folder.
    public let url: URL

    /// The run in a folder, which need not be there yet.
    public init(_ url: URL) { self.url = url }

    /// The resolved recipe.
    public var recipe: URL { url.appendingPathComponent("recipe.yaml") }
    /// The metrics, a line for each update.
    public var metrics: URL { url.appendingPathComponent("metrics.jsonl") }
    /// The folder of checkpoints.
    public var checkpoints: URL { url.appendingPathComponent("checkpoints") }
    /// The folder of the trained policy.
    public var policy: URL { url.appendingPathComponent("policy") }
    /// The page with curves and film.
    public var report: URL { url.appendingPathComponent("report.html") }
    /// Held by the process that trains.
    var lock: URL { url.appendingPathComponent(".lock") }

    /// What of a run is in the folder, by name.
    var contents: [String] {
        [recipe, metrics, checkpoints, policy].filter { FileManager.default.fileExists(atPath: $0.path) }
            .map(\.lastPathComponent)
    }

    /// Where the demonstrations of the run were, as its newest readable checkpoint tells; nil if none does.
    public var dataPath: String? {
        CheckpointStore.readable(in: checkpoints).compactMap(\.header.dataPath).last
    }

    /// Checks that a run without checkpoints has nothing that beginning anew would destroy: neither a policy nor more updates than come before the
    /// first checkpoint.
    /// - Throws: `TrainingError.lostCheckpoints`, or when the metrics cannot be read.
    public func checkNothingIsLost(firstCheckpoint: Int) throws {
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

    /// Makes the folder, if it is not there, and takes it for this process.
    /// - Throws: `TrainingError.runInUse` or `FileSystemError`.
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

/// Keeps other processes out of a folder until it is released or the process ends, however it ends.
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
        // Only now: `deinit` also closes for an initializer that throws when every property has its value.
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
