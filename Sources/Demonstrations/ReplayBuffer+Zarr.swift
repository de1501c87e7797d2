public import Foundation
import PolicyInterface
public import TensorFiles

extension ReplayBuffer {
    /// Reads demonstrations from a zarr v2 folder or `.zarr.zip` in the layout of the reference implementation:
    /// fields in `data`, all as long as the last number of `meta/episode_ends`.
    /// - Parameters:
    ///   - url: the folder or archive.
    ///   - names: the fields to read; by default all but images, those of three dimensions or more in a frame.
    ///   - images: the fields to read as camera images; none by default.
    ///   - missingChunks: whether chunks that are not there stand for the fill value.
    /// - Throws: `TensorFileError` naming file, field and frame; `FileSystemError`.
    public init(
        contentsOf url: URL, fields names: [String]? = nil, images: [String] = [],
        missingChunks: ZarrArray.MissingChunks = .refuse
    ) throws {
        let group = try ZarrGroup(contentsOf: url)
        let ends = try group.episodeEnds(missingChunks: missingChunks)
        let frames = try Self.checkEpisodeEnds(ends, source: group.path)
        let available = try group.arrayNames(in: "data")
        guard !available.isEmpty else {
            throw TensorFileError(file: group.path, key: "data", expected: "at least one field", found: "none")
        }
        func array(_ name: String) throws -> ZarrArray {
            guard available.contains(name) else {
                throw TensorFileError(
                    file: group.path, key: "data/\(name)", expected: "a field of this name",
                    found: available.joined(separator: ", "))
            }
            let array = try group.array("data/\(name)", missingChunks: missingChunks)
            guard array.shape.first == frames else {
                throw TensorFileError(
                    file: group.path, key: array.name,
                    expected: "\(frames) frames, as the last of meta/episode_ends says",
                    found: array.shape.first.map { "\($0)" } ?? "a single number")
            }
            return array
        }
        let cameras = Set(images).sorted()
        let vectors = try (names.map { Set($0).sorted() } ?? available).filter { !cameras.contains($0) }.map(array)
            .filter { names != nil || !$0.isImage }
        try self.init(
            fields: vectors.map(Field.init(of:)),
            images: cameras.map { try RecordedImages($0, of: array($0)) }, episodeEnds: ends, source: group.path)
    }

    /// Writes the demonstrations as a new zarr v2 folder in the layout that they are read from; it appears complete
    /// or not at all.
    /// - Parameters:
    ///   - url: the folder to create.
    ///   - compression: how chunks are stored.
    /// - Throws: `TensorFileError` when there is something at `url` already; `FileSystemError`.
    public func write(to url: URL, compression: ZarrCompression = .blosc(BloscSettings())) throws {
        try ZarrWriter.create(at: url) { try write(with: $0, compression: compression) }
    }

    /// Writes the demonstrations into the place of what is at a path, if there is anything; at every moment the old or the new ones are there,
    /// complete.
    /// - Throws: `FileSystemError`; the old ones are then as they were.
    func write(replacing url: URL, compression: ZarrCompression = .blosc(BloscSettings())) throws {
        try ZarrWriter.replace(at: url) { try write(with: $0, compression: compression) }
    }

    private func write(with writer: ZarrWriter, compression: ZarrCompression) throws {
        for field in fields.values.sorted(by: { $0.name < $1.name }) {
            let shape = [frameCount] + field.shape
            let name = "data/\(field.name)"
            if field.origin.allSatisfy({ $0 == 0 }) {
                try writer.write(name, shape: shape, floats: field.values, compression: compression)
            } else {
                let recorded = (0..<frameCount).flatMap { field.recorded(frame: $0) }
                try writer.write(name, shape: shape, doubles: recorded, compression: compression)
            }
        }
        for camera in images.values.sorted(by: { $0.name < $1.name }) {
            try writer.write(
                "data/\(camera.name)", shape: [frameCount, camera.size.height, camera.size.width, 3],
                bytes: camera.pixels, compression: compression)
        }
        let ends = episodeEnds.map(Int64.init)
        try writer.write("meta/episode_ends", shape: [ends.count], integers: ends, compression: compression)
    }
}

extension ReplayBuffer.Field {
    /// Reads the numbers of an array.
    fileprivate init(of array: ZarrArray) throws {
        let shape = Array(array.shape.dropFirst())
        if array.metadata.elementType.exceedsSinglePrecision {
            try self.init(array.fieldName, shape: shape, doubles: array.doubles())
        } else {
            try self.init(array.fieldName, shape: shape, values: array.floats())
        }
    }
}

extension ZarrArray {
    /// Whether a frame is an image (or several): three dimensions or more.
    var isImage: Bool { shape.count >= 4 }

    /// The name without the group's.
    fileprivate var fieldName: String { String(name.dropFirst("data/".count)) }
}

extension ZarrGroup {
    /// The numbers of `meta/episode_ends`, not yet checked against the fields.
    func episodeEnds(missingChunks: ZarrArray.MissingChunks) throws -> [Int] {
        let array = try array("meta/episode_ends", missingChunks: missingChunks)
        guard array.shape.count == 1 else {
            throw TensorFileError(
                file: path, key: array.name, expected: "one dimension", found: "\(array.shape.count)")
        }
        return try array.integers().map { Int($0) }
    }
}
