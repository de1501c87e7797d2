public import Foundation
public import Logging
import MachineResources
public import PolicyInterface
public import TensorFiles

extension ReplayBuffer {
    /// Reads demonstrations from a zarr v2 folder or `.zarr.zip` in the layout of the reference implementation:
    /// fields in `data` and in groups inside of it (`robot0/position`), all as long as the last number of `meta/episode_ends`.
    ///
    /// An episode without frames is left out with a warning.
    /// - Parameters:
    ///   - url: the folder or archive.
    ///   - names: the fields to read; by default all but images, those of three dimensions or more in a frame.
    ///   - images: the fields to read as camera images; none by default.
    ///   - missingChunks: whether chunks that are not there stand for the fill value, as they do by default.
    ///   - logger: takes warnings.
    /// - Throws: `TensorFileError` naming file, field and frame; `FileSystemError`; or `OutOfMemory`.
    public init(
        contentsOf url: URL, fields names: [String]? = nil, images: [String] = [],
        missingChunks: ZarrArray.MissingChunks = .fill, logger: Logger = Logger(label: "demonstrations")
    ) throws {
        let recording = try Recording(url, missingChunks: missingChunks, logger: logger)
        let vectors = try names ?? recording.vectorNames.filter { !images.contains($0) }
        try self.init(recording, fields: Set(vectors), images: images)
    }

    /// Reads of demonstrations what is to be observed and commanded: all else in the file may be of any kind and is neither read nor checked.
    /// - Parameters:
    ///   - url: a zarr v2 folder or `.zarr.zip`, see above.
    ///   - observations: the fields and images that are observed; of a field with chosen columns, only these have to be finite.
    ///   - action: the field of the actions.
    ///   - logger: takes warnings.
    /// - Throws: as the other initializer.
    public init(
        contentsOf url: URL, observing observations: ObservationSchema, action: String,
        logger: Logger = Logger(label: "demonstrations")
    ) throws {
        let selections = Dictionary(grouping: observations.fields.filter { $0.name != action }, by: \.name)
        let columns = selections.compactMapValues { selections -> [Int]? in
            let chosen = selections.compactMap { $0.indices ?? $0.columns.map(Array.init) }
            return chosen.count == selections.count ? chosen.flatMap { $0 } : nil
        }
        let recording = try Recording(url, logger: logger)
        let images = observations.images.map(\.name)
        for name in images { try recording.requireImage(name) }
        try self.init(recording, fields: Set(selections.keys).union([action]), columns: columns, images: images)
    }

    /// Reads fields and images.
    /// - Parameter columns: those that have to be finite, by field; all where none are given.
    private init(
        _ recording: Recording, fields: Set<String>, columns: [String: [Int]] = [:], images: [String]
    ) throws {
        let cameras = Set(images).sorted()
        let names = fields.subtracting(cameras).sorted()
        let vectors = try names.map { ($0, try recording.array($0)) }
        let pictures = try cameras.map { ($0, try recording.array($0)) }
        // All that is going to be held, before the first number is read.
        let numbers = vectors.reduce(0.0) { $0 + Double($1.1.rowWidth) * 4 }
        let bytes = pictures.reduce(0.0) { $0 + Double($1.1.rowWidth) }
        // A file may claim more than an integer holds.
        try AvailableMemory.check(Int(min(Double(recording.frameCount) * (numbers + bytes), 0x1p62)))
        try self.init(
            fields: vectors.map { name, array in
                let field = try Field(name, of: array)
                try field.check(frames: recording.frameCount, columns: columns[name], source: recording.path)
                return field
            },
            images: pictures.map { try RecordedImages($0, of: $1) }, checkedEpisodeEnds: recording.episodeEnds,
            episodeNumbers: recording.episodeNumbers, source: recording.path)
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
    /// Reads the numbers of an array, in double precision where single precision cannot hold them.
    init(_ name: String, of array: ZarrArray) throws {
        let shape = Array(array.shape.dropFirst())
        if array.metadata.elementType.exceedsSinglePrecision {
            let doubles = try array.doubles()
            // Both are held while numbers are rounded.
            try AvailableMemory.check(doubles.count, of: Float.self)
            self.init(name, shape: shape, doubles: doubles)
        } else {
            self.init(name, shape: shape, values: try array.floats())
        }
    }
}
