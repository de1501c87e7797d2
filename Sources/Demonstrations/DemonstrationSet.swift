public import Foundation
import PolicyInterface
import TensorFiles

/// Demonstrations on disk that grow by an episode at a time.
///
/// Each append writes the whole set anew beside the old one and exchanges the two in one step. So a reader finds complete demonstrations
/// at every moment, and whatever ends the process loses no more than the episode that was being appended. The cost grows with the set: it is made for
/// what a person records, which is small as long as there are no images. Several processes may append to one set: they wait for each other.
public struct DemonstrationSet: Sendable {
    /// The zarr folder, which need not be there yet.
    public let url: URL
    /// Every field of a frame and its dimensions: an existing set has to hold the same.
    public let fields: [String: [Int]]

    /// How much there is on disk.
    public struct Size: Codable, Sendable, Equatable {
        /// How many episodes.
        public var episodes: Int
        /// How many frames they have together.
        public var frames: Int

        /// So many episodes of so many frames together.
        public init(episodes: Int, frames: Int) {
            self.episodes = episodes
            self.frames = frames
        }
    }

    /// A set in a folder.
    /// - Parameters:
    ///   - url: the zarr folder, which need not be there yet.
    ///   - fields: the fields of a frame and their dimensions.
    public init(_ url: URL, fields: [String: [Int]]) {
        self.url = url
        self.fields = fields
    }

    /// Checks that there is nothing yet or a set of the same fields, and removes what a killed process left half written.
    ///
    /// Call it before recording begins, to learn in time what could go wrong later.
    /// - Returns: what is there already.
    /// - Throws: `TensorFileError` when something else is there, or the folder that is to hold it is not; `FileSystemError`.
    public func open() throws -> Size {
        let parent = url.resolvingSymlinksInPath().deletingLastPathComponent().path
        guard access(parent, W_OK | X_OK) == 0 else {
            throw TensorFileError(
                file: url.path, expected: "a folder that can be written to", found: "none at \(parent)")
        }
        return try exclusively {
            let buffer = try read()
            return Size(episodes: buffer?.episodes.count ?? 0, frames: buffer?.frameCount ?? 0)
        }
    }

    /// Appends an episode to what is at the path now.
    /// - Parameter episode: one episode or more, with the set's fields and no images.
    /// - Returns: what is there then.
    /// - Throws: as `open()`; what was there before is then as it was.
    @discardableResult
    public func append(_ episode: ReplayBuffer) throws -> Size {
        try check(episode.fields.mapValues(\.shape), images: Array(episode.images.keys), source: "episode")
        return try exclusively {
            let whole = try read()?.appending(episode) ?? episode
            try whole.write(replacing: url)
            return Size(episodes: whole.episodes.count, frames: whole.frameCount)
        }
    }

    /// Does something while nobody else reads or appends to the set; what is half written then is a killed process's.
    private func exclusively<Value>(_ body: () throws -> Value) throws -> Value {
        try AtomicFolder.exclusively(at: url) {
            AtomicFolder.removeLeftovers(of: url)
            return try body()
        }
    }

    private func read() throws -> ReplayBuffer? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        guard isFolder.boolValue else {
            throw TensorFileError(
                file: url.path, expected: "a zarr folder, which can grow, or nothing yet", found: "a file")
        }
        let names = try ZarrGroup(contentsOf: url).arrayNames(in: "data")
        let unknown = names.filter { fields[$0] == nil }
        guard unknown.isEmpty else { throw refusal(found: unknown.joined(separator: ", "), source: url.path) }
        let buffer = try ReplayBuffer(contentsOf: url)
        try check(buffer.fields.mapValues(\.shape), images: [], source: url.path)
        return buffer
    }

    private func check(_ found: [String: [Int]], images: [String], source: String) throws {
        if found == fields, images.isEmpty { return }
        let names = found.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" } + images.sorted()
        throw refusal(found: names.joined(separator: ", "), source: source)
    }

    private func refusal(found: String, source: String) -> TensorFileError {
        let expected = fields.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return TensorFileError(
            file: source, key: "data", expected: "the fields \(expected) and no others", found: found,
            hint: "record into a set of its own")
    }
}

extension ReplayBuffer {
    /// These demonstrations with others behind them.
    ///
    /// - Throws: `TensorFileError` or `ObservationError` when the others do not have the same fields and images.
    public func appending(_ other: ReplayBuffer) throws -> ReplayBuffer {
        try ReplayBuffer(
            fields: fields.values.map { field in
                try field.appending(other.field(field.name))
            },
            images: images.values.map { camera in
                RecordedImages(
                    camera.name, size: camera.size, pixels: camera.pixels + (try other.images(camera.name)).pixels,
                    drawnFrom: camera.drawnFrom)
            }, episodeEnds: episodeEnds + other.episodeEnds.map { frameCount + $0 })
    }
}

extension ReplayBuffer.Field {
    /// The numbers of both, one after the other.
    fileprivate func appending(_ other: Self) -> Self {
        if origin == other.origin { return Self(name, shape: shape, values: values + other.values, origin: origin) }
        func recorded(_ field: Self) -> [Double] {
            (0..<field.values.count / max(width, 1)).flatMap { field.recorded(frame: $0) }
        }
        return Self(name, shape: shape, doubles: recorded(self) + recorded(other))
    }
}
