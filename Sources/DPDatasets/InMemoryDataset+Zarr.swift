import DPBase
package import DPInterface
package import Foundation
package import Logging

extension InMemoryDataset {
    /// Reads a dataset from a zarr v2 folder or `.zarr.zip` in the layout of the reference implementation: features
    /// in `data` and its subgroups (`robot0/position`), each as long as the last number of `meta/episode_ends`.
    ///
    /// Skips episodes without frames and logs a warning.
    /// - Parameters:
    ///   - url: the folder or archive.
    ///   - names: the features to read; by default all except images, which have three or more dimensions per frame.
    ///   - images: the features to read as camera images; none by default.
    ///   - missingChunks: whether missing chunks are read as the fill value (the default) or rejected.
    ///   - logger: receives warnings.
    /// - Throws: `InputError` with file, feature and frame; `FileSystemError`; or `OutOfMemory`.
    package init(
        contentsOf url: URL, features names: [String]? = nil, images: [String] = [],
        missingChunks: ZarrArray.MissingChunks = .fill, logger: Logger = Logger(label: "demonstrations")
    ) throws {
        let recording = try Recording(url, missingChunks: missingChunks, logger: logger)
        let vectors = try names ?? recording.vectorNames.filter { !images.contains($0) }
        try self.init(recording, features: Set(vectors), images: images)
    }

    /// Reads only the observed features and the actions of a dataset; neither reads nor checks other features,
    /// which may be of any kind.
    /// - Parameters:
    ///   - url: a zarr v2 folder or `.zarr.zip`; see above.
    ///   - observations: the observed features and images. If a feature has selected components, only these have to
    ///     be finite.
    ///   - action: the feature of the actions.
    ///   - logger: receives warnings.
    /// - Throws: as the other initializer.
    package init(
        contentsOf url: URL, observing observations: ObservationSchema, action: String,
        logger: Logger = Logger(label: "demonstrations")
    ) throws {
        let selections = Dictionary(grouping: observations.features.filter { $0.name != action }, by: \.name)
        let components = selections.compactMapValues { selections -> [Int]? in
            let chosen = selections.compactMap { $0.indices ?? $0.slice.map(Array.init) }
            return chosen.count == selections.count ? chosen.flatMap { $0 } : nil
        }
        let recording = try Recording(url, logger: logger)
        let images = observations.images.map(\.name)
        for name in images { try recording.requireImage(name) }
        try self.init(recording, features: Set(selections.keys).union([action]), components: components, images: images)
    }

    /// Reads features and images.
    /// - Parameter components: the components that have to be finite, by feature; all if absent.
    private init(
        _ recording: Recording, features: Set<String>, components: [String: [Int]] = [:], images: [String]
    ) throws {
        let cameras = Set(images).sorted()
        let names = features.subtracting(cameras).sorted()
        let vectors = try names.map { ($0, try recording.array($0)) }
        let pictures = try cameras.map { ($0, try recording.array($0)) }
        // Check the memory for all arrays before reading the first number.
        let numbers = vectors.reduce(0.0) { $0 + Double($1.1.rowWidth) * 4 }
        let bytes = pictures.reduce(0.0) { $0 + Double($1.1.rowWidth) }
        // A file may claim more than an integer can hold.
        try AvailableMemory.check(Int(min(Double(recording.frameCount) * (numbers + bytes), 0x1p62)))
        try self.init(
            features: vectors.map { name, array in
                let feature = try Feature(name, of: array)
                try feature.check(frames: recording.frameCount, components: components[name], source: recording.path)
                return feature
            },
            images: pictures.map { try RecordedImages($0, of: $1) }, checkedEpisodeEnds: recording.episodeEnds,
            episodeNumbers: recording.episodeNumbers, source: recording.path)
    }

    /// Writes the dataset as a new zarr v2 folder in the layout that `init` reads.
    ///
    /// The folder appears complete or not at all.
    /// - Parameters:
    ///   - url: the folder to create.
    ///   - compression: the compression of the chunks.
    /// - Throws: `InputError` when `url` already exists; `FileSystemError`.
    package func write(to url: URL, compression: ZarrCompression = .blosc(BloscSettings())) throws {
        try ZarrWriter.create(at: url) { try write(with: $0, compression: compression) }
    }

    /// Writes the dataset to a path, atomically replacing an existing one.
    /// - Throws: `FileSystemError`; the existing dataset is then unchanged.
    func write(replacing url: URL, compression: ZarrCompression = .blosc(BloscSettings())) throws {
        try ZarrWriter.replace(at: url) { try write(with: $0, compression: compression) }
    }

    private func write(with writer: ZarrWriter, compression: ZarrCompression) throws {
        for feature in features.values.sorted(by: { $0.name < $1.name }) {
            let shape = [frameCount] + feature.shape
            let name = "data/\(feature.name)"
            if feature.origin.allSatisfy({ $0 == 0 }) {
                try writer.write(name, shape: shape, floats: feature.values, compression: compression)
            } else {
                let recorded = (0..<frameCount).flatMap { feature.recorded(frame: $0) }
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

extension InMemoryDataset.Feature {
    /// Reads the numbers of an array, in double precision if single precision cannot hold them.
    init(_ name: String, of array: ZarrArray) throws {
        let shape = Array(array.shape.dropFirst())
        if array.metadata.elementType.exceedsSinglePrecision {
            let doubles = try array.doubles()
            // Both arrays are in memory during the conversion.
            try AvailableMemory.check(doubles.count, of: Float.self)
            self.init(name, shape: shape, doubles: doubles)
        } else {
            self.init(name, shape: shape, values: try array.floats())
        }
    }
}
