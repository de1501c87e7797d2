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
    }

    private let folder: URL
    private let kept: Int
    private let logger: Logger
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
    /// - Throws: when the folder cannot be read.
    public init(_ folder: URL, kept: Int, logger: Logger) throws {
        self.folder = folder
        self.kept = kept
        self.logger = logger
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let url = folder.appendingPathComponent(name)
            if name.hasPrefix(".step-"), let end = name.range(of: ".checkpoint.") {
                AtomicFile.removeLeftovers(
                    of: folder.appendingPathComponent("\(name[..<end.lowerBound].dropFirst()).checkpoint"))
            } else if name.hasPrefix("step-"), name.hasSuffix(".checkpoint") {
                do { entries.append(Entry(url: url, header: try Checkpoint(contentsOf: url).header)) } catch {
                    setAside(url, because: error)
                }
            }
        }
        entries.sort { $0.header.step < $1.header.step }
    }

    /// The checkpoint of the most updates.
    public var newest: Entry? { entries.last }

    /// The best of those that were measured; the newest if none was.
    public var best: Entry? {
        entries.filter(\.header.isMeasured).max { $1.header.isBetter(than: $0.header) } ?? newest
    }

    /// Restores the newest intact checkpoint; damaged ones are set aside with a warning.
    /// - Parameter restore: reads a checkpoint; when it throws anything but a `TrainingError`, the one before is tried.
    /// - Returns: the checkpoint that was restored, or nil when there is none.
    /// - Throws: the `TrainingError` of a checkpoint that is intact but of another run.
    mutating func restoreNewest(_ restore: (Checkpoint, URL) throws -> Void) throws -> Entry? {
        while let entry = entries.last {
            do {
                try restore(Checkpoint(contentsOf: entry.url), entry.url)
                return entry
            } catch let error as TrainingError {
                throw error
            } catch {
                setAside(entry.url, because: error)
                entries.removeLast()
            }
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

    private func setAside(_ url: URL, because error: any Error) {
        logger.warning("damaged checkpoint, going back to the one before: \(error)")
        rename(url.path, url.path + ".damaged")
    }
}
