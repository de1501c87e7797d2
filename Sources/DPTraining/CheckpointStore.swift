import DPBase
import DPDatasets
package import Foundation
package import Logging

/// The checkpoints of a run: the two newest, so that there is a fallback, and the best ones.
package struct CheckpointStore {
    /// A checkpoint in the folder.
    package struct Entry: Sendable {
        /// The file.
        package let url: URL
        /// The metadata of the checkpoint.
        package let header: CheckpointHeader

        /// Opens a checkpoint and reads its header.
        /// - Throws: as `Checkpoint.init(contentsOf:)`.
        package init(_ url: URL) throws { self.init(url: url, header: try Checkpoint(contentsOf: url).header) }

        fileprivate init(url: URL, header: CheckpointHeader) {
            self.url = url
            self.header = header
        }
    }

    private let folder: URL
    private let kept: Int
    private let logger: Logger
    /// The number of damaged checkpoints in the folder.
    private var damagedCount = 0
    /// The intact checkpoints, oldest first.
    package private(set) var entries: [Entry] = []

    /// Reads the checkpoints in a folder.
    ///
    /// Removes partial files that a killed process left behind. Renames damaged checkpoints to `.damaged` and logs
    /// a warning, so that they are not read again.
    /// - Parameters:
    ///   - folder: the folder of the checkpoints.
    ///   - kept: the number of best checkpoints to keep in addition to the two newest.
    ///   - logger: receives warnings.
    /// - Throws: an error when the folder or a checkpoint cannot be read, for example `FileSystemError` for lack of
    ///   permission: such a checkpoint may be intact.
    package init(_ folder: URL, kept: Int, logger: Logger) throws {
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
                } catch let error as InputError where error.place == url.path {
                    try setAside(url, because: error)
                }
            } else if name.hasPrefix("step-"), name.hasSuffix(".checkpoint.damaged") {
                damagedCount += 1
            }
        }
        entries.sort { $0.header.step < $1.header.step }
    }

    /// Returns the readable checkpoints in a folder, oldest first; changes nothing, so it is safe during training.
    package static func readable(in folder: URL) -> [Entry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter(isCheckpoint).sorted().compactMap { try? Entry(folder.appendingPathComponent($0)) }
    }

    private static func isCheckpoint(_ name: String) -> Bool {
        name.hasPrefix("step-") && name.hasSuffix(".checkpoint")
    }

    /// The checkpoint with the most updates.
    package var newest: Entry? { entries.last }

    /// Restores the newest intact checkpoint; sets damaged ones aside with a warning.
    /// - Parameter restore: reads a checkpoint; if it throws a `InputError`, the previous checkpoint is tried.
    /// - Returns: the restored checkpoint, or nil when there never was one.
    /// - Throws: any other error that `restore` throws; or `TrainingError.damaged` when all checkpoints are
    ///   damaged, because starting over would destroy the rest of the run.
    mutating func restoreNewest(_ restore: (Checkpoint, URL) throws -> Void) throws -> Entry? {
        while let entry = entries.last {
            do {
                try restore(Checkpoint(contentsOf: entry.url), entry.url)
                return entry
            } catch let error as InputError where error.place == entry.url.path {
                try setAside(entry.url, because: error)
                entries.removeLast()
            }
        }
        guard damagedCount == 0 else {
            throw TrainingError.damaged(
                path: folder.path, expected: "an intact checkpoint to resume from",
                found: "\(damagedCount) damaged ones",
                hint: "put an intact one back, or start a run in another directory")
        }
        return nil
    }

    /// Saves a checkpoint; removes checkpoints that are no longer needed only after it is on disk.
    /// - Throws: any error that `write` throws; the older checkpoints are then unchanged.
    mutating func save(_ header: CheckpointHeader, write: (URL) throws -> Void) throws {
        let digits = String(header.step)
        let padding = String(repeating: "0", count: max(8 - digits.count, 0))
        let url = folder.appendingPathComponent("step-\(padding)\(digits).checkpoint")
        try write(url)
        entries.removeAll { $0.header.step >= header.step }
        entries.append(Entry(url: url, header: header))
        prune()
    }

    /// Removes all checkpoints except the two newest and the best.
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

    /// Renames a damaged checkpoint.
    /// - Throws: `FileSystemError` when the rename fails, because the file would be read as a checkpoint again.
    private mutating func setAside(_ url: URL, because error: InputError) throws {
        logger.warning("damaged checkpoint, falling back to the previous one: \(error)")
        guard rename(url.path, url.path + ".damaged") == 0 else {
            throw FileSystemError(
                operation: "rename the damaged checkpoint", path: url.path, code: errno, hint: "remove it and try again"
            )
        }
        damagedCount += 1
    }
}

extension Sequence<CheckpointStore.Entry> {
    /// The best measured checkpoint, by score, otherwise by validation loss; nil if none was measured.
    package var best: CheckpointStore.Entry? {
        filter(\.header.isMeasured).max { $1.header.isBetter(than: $0.header) }
    }
}
