package import Foundation

/// Downloads, checks and unpacks a published dataset.
package struct DatasetFetcher: Sendable {
    /// The dataset to fetch.
    package var dataset: PublishedDataset

    /// Creates a fetcher for a published dataset.
    package init(_ dataset: PublishedDataset) { self.dataset = dataset }

    /// Fetches the dataset into a folder, unless it is already there, and returns its zarr folder.
    ///
    /// Checks the archive, which may be a local file, array by array before unpacking it. Removes a downloaded
    /// archive afterward. Resumes an interrupted download on the next call. Returns when the dataset is complete.
    /// - Parameters:
    ///   - folder: the parent of the zarr folder; created if necessary.
    ///   - progress: receives the number of bytes received so far, and the total if the server reports it.
    /// - Throws: `DownloadError`, `InputError` when the archive differs from the published one, or
    ///   `FileSystemError`.
    package func fetch(
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
        // Remove a downloaded archive whether it is damaged or unpacked, but never the user's own file.
        defer { if !isHere { try? FileManager.default.removeItem(at: archive) } }
        try dataset.verify(archive)
        try ZarrGroup(contentsOf: archive).copy(to: destination)
        return destination
    }
}
