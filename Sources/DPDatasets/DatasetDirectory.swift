import DPBase
import DPInterface
package import Foundation

/// A dataset on disk that grows one episode at a time.
///
/// Each append writes the whole dataset to a new folder next to the old one and swaps the two atomically. A reader
/// always finds a complete dataset, and a crash loses at most the episode being appended. The cost of an append
/// grows with the dataset, so this type suits datasets that a person records, which are small without images.
/// Several processes may append to the same dataset; they wait for each other.
package struct DatasetDirectory: Sendable {
    /// The zarr folder, which does not have to exist yet.
    package let url: URL
    /// Every feature of a frame with its dimensions; an existing dataset must have the same features.
    package let features: [String: [Int]]

    /// The size of a dataset on disk.
    package struct Size: Codable, Sendable, Equatable {
        /// The number of episodes.
        package var episodes: Int
        /// The total number of frames.
        package var frames: Int

        /// Creates a size.
        package init(episodes: Int, frames: Int) {
            self.episodes = episodes
            self.frames = frames
        }
    }

    /// Creates a dataset directory.
    /// - Parameters:
    ///   - url: the zarr folder, which does not have to exist yet.
    ///   - features: the features of a frame and their dimensions.
    package init(_ url: URL, features: [String: [Int]]) {
        self.url = url
        self.features = features
    }

    /// Checks that the path is empty or holds a dataset of the same features, and removes leftovers of killed
    /// processes.
    ///
    /// Call it before recording to detect problems early.
    /// - Returns: the size of the existing dataset.
    /// - Throws: `InputError` when the path holds something else or its parent folder is not writable;
    ///   `FileSystemError`.
    package func open() throws -> Size {
        let parent = url.resolvingSymlinksInPath().deletingLastPathComponent().path
        guard access(parent, W_OK | X_OK) == 0 else {
            throw InputError(
                at: url.path, expected: "a folder that can be written to", found: "none at \(parent)")
        }
        return try exclusively {
            let buffer = try read()
            return Size(episodes: buffer?.episodes.count ?? 0, frames: buffer?.frameCount ?? 0)
        }
    }

    /// Appends an episode to the dataset at the path.
    /// - Parameter episode: one or more episodes with the features of this dataset and no images.
    /// - Returns: the new size of the dataset.
    /// - Throws: as `open()`; the dataset is then unchanged.
    @discardableResult
    package func append(_ episode: InMemoryDataset) throws -> Size {
        try check(episode.features.mapValues(\.shape), images: Array(episode.images.keys), source: "episode")
        return try exclusively {
            let whole = try read()?.appending(episode) ?? episode
            try whole.write(replacing: url)
            return Size(episodes: whole.episodes.count, frames: whole.frameCount)
        }
    }

    /// Runs a closure while no other process reads or appends to the dataset; any leftovers then come from killed
    /// processes.
    private func exclusively<Value>(_ body: () throws -> Value) throws -> Value {
        try AtomicFolder.exclusively(at: url) {
            AtomicFolder.removeLeftovers(of: url)
            return try body()
        }
    }

    private func read() throws -> InMemoryDataset? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        guard isFolder.boolValue else {
            throw InputError(
                at: url.path, expected: "a zarr folder, or nothing at this path", found: "a file")
        }
        let names = try ZarrGroup(contentsOf: url).arrayNames(in: "data")
        let unknown = names.filter { features[$0] == nil }
        guard unknown.isEmpty else { throw refusal(found: unknown.joined(separator: ", "), source: url.path) }
        let buffer = try InMemoryDataset(contentsOf: url)
        try check(buffer.features.mapValues(\.shape), images: [], source: url.path)
        return buffer
    }

    private func check(_ found: [String: [Int]], images: [String], source: String) throws {
        if found == features, images.isEmpty { return }
        let names = found.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" } + images.sorted()
        throw refusal(found: names.joined(separator: ", "), source: source)
    }

    private func refusal(found: String, source: String) -> InputError {
        let expected = features.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return InputError(
            at: source, key: "data", expected: "the features \(expected) and no others", found: found,
            hint: "record into a separate dataset")
    }
}

extension InMemoryDataset {
    /// Returns this dataset with another one appended.
    ///
    /// - Throws: `InputError` when the other dataset does not have the same features and
    ///   images.
    package func appending(_ other: InMemoryDataset) throws -> InMemoryDataset {
        try InMemoryDataset(
            features: features.values.map { feature in
                try feature.appending(other.feature(feature.name))
            },
            images: images.values.map { camera in
                RecordedImages(
                    camera.name, size: camera.size, pixels: camera.pixels + (try other.images(camera.name)).pixels,
                    drawnFrom: camera.drawnFrom)
            }, episodeEnds: episodeEnds + other.episodeEnds.map { frameCount + $0 })
    }
}

extension InMemoryDataset.Feature {
    /// Returns the numbers of both features, one after the other.
    fileprivate func appending(_ other: Self) -> Self {
        if origin == other.origin { return Self(name, shape: shape, values: values + other.values, origin: origin) }
        func recorded(_ feature: Self) -> [Double] {
            (0..<feature.values.count / max(size, 1)).flatMap { feature.recorded(frame: $0) }
        }
        return Self(name, shape: shape, doubles: recorded(self) + recorded(other))
    }
}
