public import Foundation
import TensorFiles

/// Brings published demonstrations to this machine: downloads, checks, unpacks.
public struct DatasetFetcher: Sendable {
    /// What is fetched.
    public var dataset: PublishedDataset

    /// A fetcher of the given demonstrations.
    public init(_ dataset: PublishedDataset) { self.dataset = dataset }

    /// Fetches the demonstrations into a folder, unless they are there already, and returns their zarr folder.
    ///
    /// The archive, which may be a file of this machine, is checked array by array before it is unpacked, and removed afterwards if it was downloaded; what a broken download
    /// left is continued the next time. The call returns when all is done.
    /// - Parameters:
    ///   - folder: where the zarr folder is to be; created if need be.
    ///   - progress: is told of bytes that have arrived, and how many there will be if the server says so.
    /// - Throws: `DownloadError`, `TensorFileError` when the archive is not what was published, or `FileSystemError`.
    public func fetch(
        to folder: URL, progress: @escaping @Sendable (_ received: Int, _ total: Int?) -> Void = { _, _ in }
    ) throws -> URL {
        let destination = folder.appendingPathComponent(dataset.folderName, isDirectory: true)
        if FileManager.default.fileExists(atPath: destination.path) {
            try dataset.verify(destination)
            return destination
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let isHere = dataset.url.isFileURL
        let archive = isHere ? dataset.url : folder.appendingPathComponent(dataset.name + ".zip")
        if !isHere, !FileManager.default.fileExists(atPath: archive.path) {
            try FileDownload(from: dataset.url, to: archive).run(progress: progress)
        }
        // An archive that fails the check is of no more use than one that is unpacked, unless it is the user's own.
        defer { if !isHere { try? FileManager.default.removeItem(at: archive) } }
        try dataset.verify(archive)
        try ZarrGroup(contentsOf: archive).copy(to: destination)
        return destination
    }
}
