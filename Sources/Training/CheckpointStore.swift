public import Foundation
public import Logging
import TensorFiles

/// The checkpoints of a run: the two newest, so that there is one to fall back to, and the best ones.
public struct CheckpointStore {
    /// A checkpoint in the folder.
    public struct Entry: Sendable {
        /// The file.
        public let url: URL
        /// What it tells of itself.
        public let header: CheckpointHeader

        /// Opens a checkpoint and reads its header.
        /// - Throws: as `Checkpoint.init(contentsOf:)`.
        public init(_ url: URL) throws { self.init(url: url, header: try Checkpoint(contentsOf: url).header) }

        fileprivate init(url: URL, header: CheckpointHeader) {
            self.url = url
            self.header = header
        }
    }

    private let folder: URL
    private let kept: Int
    private let logger: Logger
    /// How many damaged checkpoints are in the folder.
    private var damagedCount = 0
    /// The intact checkpoints, the oldest first.
    public private(set) var entries: [Entry] = []

    /// Looks through a folder.
    ///
    /// Files that a killed process left half-written are removed; damaged ones get the ending `.damaged` and a warning, so that no
    /// one takes them for a checkpoint again.
    /// - Parameters:
    ///   - folder: where the checkpoints are.
    ///   - kept: how many of the best ones stay beside the two newest.
    ///   - logger: takes warnings.
    /// - Throws: when the folder or a checkpoint cannot be read, for example `FileSystemError` for want of a permission: such a
    ///   checkpoint may be intact.
    public init(_ folder: URL, kept: Int, logger: Logger) throws {
        self.folder = folder
        self.kept = kept
        self.logger = logger
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let url = folder.appendingPathComponent(name)
            if name.hasPrefix(".step-"), let end = name.range(of: ".checkpoint.") {
                AtomicFile.removeLeftovers(
                    of: folder.appendingPathComponent("\(name[..<end.lowerBound].dropFirst()).checkpoint"))
            } else if Self.isCheckpoint(name) {
                do {
                    entries.append(try Entry(url))
                } catch let error as TensorFileError {
                    try setAside(url, because: error)
                }
            } else if name.hasPrefix("step-"), name.hasSuffix(".checkpoint.damaged") {
                damagedCount += 1
            }
        }
        entries.sort { $0.header.step < $1.header.step }
    }

    /// The checkpoints in a folder that can be read, the oldest first; nothing is changed there, so a training may be under way.
    public static func readable(in folder: URL) -> [Entry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter(isCheckpoint).sorted().compactMap { try? Entry(folder.appendingPathComponent($0)) }
    }

    private static func isCheckpoint(_ name: String) -> Bool {
        name.hasPrefix("step-") && name.hasSuffix(".checkpoint")
    }

    /// The checkpoint of the most updates.
    public var newest: Entry? { entries.last }

    /// Restores the newest intact checkpoint; damaged ones are set aside with a warning.
    /// - Parameter restore: reads a checkpoint; when it throws a `TensorFileError`, the one before is tried.
    /// - Returns: the checkpoint that was restored, or nil when there never was one.
    /// - Throws: what else `restore` throws; or `TrainingError.damaged` when there are checkpoints but none is intact, because to begin
    ///   anew would destroy what is left of the run.
    mutating func restoreNewest(_ restore: (Checkpoint, URL) throws -> Void) throws -> Entry? {
        while let entry = entries.last {
            do {
                try restore(Checkpoint(contentsOf: entry.url), entry.url)
                return entry
            } catch let error as TensorFileError {
                try setAside(entry.url, because: error)
                entries.removeLast()
            }
        }
        guard damagedCount == 0 else {
            throw TrainingError.damaged(
                path: folder.path, expected: "an intact checkpoint to go on from",
                found: "\(damagedCount) damaged ones",
                hint: "put an intact one back, or begin another run in another directory")
        }
        return nil
    }

    /// Saves a checkpoint; only when it is on the disk, those that are no longer wanted are removed.
    /// - Throws: what `write` throws; all older checkpoints are then as before.
    mutating func save(_ header: CheckpointHeader, write: (URL) throws -> Void) throws {
        let digits = String(header.step)
        let padding = String(repeating: "0", count: max(8 - digits.count, 0))
        let url = folder.appendingPathComponent("step-\(padding)\(digits).checkpoint")
        try write(url)
        entries.removeAll { $0.header.step >= header.step }
        entries.append(Entry(url: url, header: header))
        prune()
    }

    /// Removes all but the two newest and the best.
    private mutating func prune() {
        let best = entries.filter(\.header.isMeasured).sorted { $0.header.isBetter(than: $1.header) }.prefix(kept)
        let wanted = Set((best + entries.suffix(2)).map(\.url))
        for entry in entries where !wanted.contains(entry.url) {
            do { try FileManager.default.removeItem(at: entry.url) } catch {
                logger.warning("cannot remove the old checkpoint \(entry.url.path): \(error.localizedDescription)")
            }
        }
        entries.removeAll { !wanted.contains($0.url) }
    }

    /// Gives a damaged checkpoint another name.
    /// - Throws: `FileSystemError` when that is not possible: it would be taken for a checkpoint again.
    private mutating func setAside(_ url: URL, because error: TensorFileError) throws {
        logger.warning("damaged checkpoint, going back to the one before: \(error)")
        guard rename(url.path, url.path + ".damaged") == 0 else {
            throw FileSystemError(
                operation: "rename the damaged checkpoint", path: url.path, code: errno, hint: "remove it and try again"
            )
        }
        damagedCount += 1
    }
}

extension Sequence<CheckpointStore.Entry> {
    /// The best of those that were measured: by score, else by validation loss; nil if none was.
    public var best: CheckpointStore.Entry? {
        filter(\.header.isMeasured).max { $1.header.isBetter(than: $0.header) }
    }
}
