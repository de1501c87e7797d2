import DPBase
package import DPInterface

/// Demonstrations in memory: frames of named features and camera images in sequence, and the end of each episode.
///
/// ```swift
/// let demonstrations = try InMemoryDataset(contentsOf: "Demonstrations/pusht.zarr")
/// print("features:", demonstrations.features.keys.sorted())
/// for frames in demonstrations.episodes.prefix(3) { print("episode of", frames.count, "frames") }
/// ```
public struct InMemoryDataset: Sendable, Equatable {
    /// One named quantity, recorded in every frame.
    ///
    /// ```swift
    /// let joints: [Float] = [0, 0, 0.1, 0.05, 0.2, 0.1]  // three frames of two joints, in radians
    /// let commands: [Float] = [0.1, 0.05, 0.2, 0.1, 0.2, 0.1]
    /// let state = InMemoryDataset.Feature("joint_positions", shape: [2], values: joints)
    /// let action = InMemoryDataset.Feature("action", shape: [2], values: commands)
    /// let demonstrations = try InMemoryDataset(features: [state, action], episodeEnds: [3])
    /// ```
    public struct Feature: Sendable, Equatable {
        /// The name, such as `state` or `action`.
        public var name: String
        /// The dimensions in one frame; empty for a single number.
        public var shape: [Int]
        /// The numbers relative to the origin, `[frames, size]` in row-major order.
        public var values: [Float]
        /// The value to add to each component to restore the recorded numbers; 0 unless single precision cannot
        /// hold them.
        package var origin: [Double]

        /// Creates a feature.
        /// - Parameter origin: the value that was subtracted from each component; zeros by default.
        public init(_ name: String, shape: [Int], values: [Float], origin: [Double]? = nil) {
            self.name = name
            self.shape = shape
            self.values = values
            self.origin = origin ?? [Double](repeating: 0, count: shape.reduce(1, *))
        }

        /// The number of values per frame.
        package var size: Int { shape.reduce(1, *) }
    }

    /// The features by name.
    public let features: [String: Feature]
    /// The camera images by name.
    public let images: [String: RecordedImages]
    /// The frames of each episode.
    public let episodes: [Range<Int>]
    /// The numbers of these episodes in the file, which may also contain episodes without frames.
    let episodeNumbers: [Int]

    /// Creates a dataset.
    /// - Parameters:
    ///   - features: features with the same number of frames and finite numbers only.
    ///   - images: camera images of the same frames; none by default.
    ///   - episodeEnds: the cumulative number of frames at the end of each episode, ascending.
    /// - Throws: `InputError` with the feature and the frame.
    public init(features: [Feature], images: [RecordedImages] = [], episodeEnds: [Int]) throws {
        try self.init(features: features, images: images, episodeEnds: episodeEnds, source: "dataset")
    }

    /// Creates a dataset, with the path to use in errors.
    init(features: [Feature], images: [RecordedImages], episodeEnds: [Int], source: String) throws {
        let frames = try Self.checkEpisodeEnds(episodeEnds, source: source)
        for feature in features { try feature.check(frames: frames, components: nil, source: source) }
        try self.init(features: features, images: images, checkedEpisodeEnds: episodeEnds, source: source)
    }

    /// Creates a dataset from features and episodes that were already checked.
    /// - Parameter episodeNumbers: the numbers of these episodes in the file; from 0 by default.
    init(
        features: [Feature], images: [RecordedImages], checkedEpisodeEnds episodeEnds: [Int],
        episodeNumbers: [Int]? = nil,
        source: String
    ) throws {
        for camera in images { try camera.check(frames: episodeEnds.last ?? 0, source: source) }
        self.features = Dictionary(features.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.images = Dictionary(images.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = features.map(\.name) + images.map(\.name)
        guard Set(names).count == names.count else {
            throw InputError(
                at: source, expected: "features of different names", found: names.sorted().joined(separator: ", "))
        }
        episodes = zip([0] + episodeEnds, episodeEnds).map { $0..<$1 }
        self.episodeNumbers = episodeNumbers ?? Array(episodes.indices)
    }

    /// The total number of frames.
    package var frameCount: Int { episodes.last?.upperBound ?? 0 }
    /// The cumulative number of frames at the end of each episode.
    package var episodeEnds: [Int] { episodes.map(\.upperBound) }
    /// The size of each feature.
    package var featureSizes: [String: Int] { features.mapValues(\.size) }
    /// The size of each camera's images.
    package var imageSizes: [String: ImageSize] { images.mapValues(\.size) }

    /// Returns the feature with a name.
    /// - Throws: `InputError` when there is none.
    package func feature(_ name: String) throws -> Feature {
        guard let feature = features[name] else {
            throw InputError.missingFeature(name, available: features.keys.sorted())
        }
        return feature
    }

    /// Returns the images with a name.
    /// - Throws: `InputError` when there are none.
    package func images(_ name: String) throws -> RecordedImages {
        guard let camera = images[name] else {
            throw InputError.missingImage(name, available: images.keys.sorted())
        }
        return camera
    }

    /// Returns the observation vectors of all frames relative to `origin(of:)`, `[frames, dimension]` in row-major
    /// order, without images.
    /// - Throws: `InputError` when the dataset lacks a feature or image, or has it in another shape; or
    ///   `OutOfMemory`.
    package func observations(_ schema: ObservationSchema) throws -> [Float] {
        let parts = try schema.resolved(featureSizes: featureSizes, sizes: imageSizes).features.map { selection in
            let feature = try feature(selection.name)
            return (values: feature.values, size: feature.size, chosen: selection.selectedIndices(ofSize: feature.size))
        }
        let count = frameCount * parts.reduce(0) { $0 + $1.chosen.count }
        try AvailableMemory.check(count, of: Float.self)
        var rows: [Float] = []
        rows.reserveCapacity(count)
        for frame in 0..<frameCount {
            for part in parts {
                let start = frame * part.size
                for index in part.chosen { rows.append(part.values[start + index]) }
            }
        }
        return rows
    }

    /// Returns the origin of each number of the observation vector, `[dimension]`: add it to restore the recorded
    /// numbers.
    /// - Throws: `InputError` when the dataset lacks a feature or has it in another shape.
    package func origin(of schema: ObservationSchema) throws -> [Double] {
        try schema.resolved(featureSizes: featureSizes, sizes: imageSizes).features.flatMap { selection in
            let feature = try feature(selection.name)
            return selection.selectedIndices(ofSize: feature.size).map { feature.origin[$0] }
        }
    }

    /// Returns the statistics of a feature over all frames or over some episodes; the rows of outliers are frames.
    /// - Throws: `InputError` when there is no such feature; or `OutOfMemory`.
    package func statistics(of name: String, episodes: [Int]? = nil) throws -> FeatureStatistics {
        let feature = try feature(name)
        return try statistics(of: feature.values, origin: feature.origin, in: episodes)
    }

    /// Returns the statistics of the observation vectors over all frames or over some episodes, one component per
    /// number of the vector.
    /// - Throws: as `observations(_:)`.
    package func statistics(of schema: ObservationSchema, episodes: [Int]? = nil) throws -> FeatureStatistics {
        let all = try observations(schema)
        return all.isEmpty ? .none : try statistics(of: all, origin: try origin(of: schema), in: episodes)
    }

    private func statistics(
        of values: [Float], origin: [Double], in episodes: [Int]?
    ) throws -> FeatureStatistics {
        var statistics = FeatureStatistics(
            rows: try rows(of: values, in: episodes), components: origin.count, origin: origin)
        for index in statistics.outliers.indices {
            statistics.outliers[index].row = frame(ofRow: statistics.outliers[index].row, in: episodes)
        }
        return statistics
    }

    /// Returns the rows of some episodes, or all rows, from the values of all frames.
    /// - Throws: `OutOfMemory`.
    package func rows<Number>(of values: [Number], in episodes: [Int]?) throws -> [Number] {
        guard let episodes, episodes.count < self.episodes.count else { return values }
        let size = values.count / frameCount
        try AvailableMemory.check(values.count, of: Number.self)
        return episodes.flatMap { index in
            let frames = self.episodes[index]
            return values[frames.lowerBound * size..<frames.upperBound * size]
        }
    }

    /// The frame of a row of `rows(of:in:)`.
    private func frame(ofRow row: Int, in episodes: [Int]?) -> Int {
        guard let episodes, episodes.count < self.episodes.count else { return row }
        var before = 0
        for index in episodes {
            let frames = self.episodes[index]
            if row < before + frames.count { return frames.lowerBound + row - before }
            before += frames.count
        }
        return row
    }

    /// Checks that episode ends are ascending and returns the number of frames.
    /// - Parameter numbers: the numbers of these episodes in the file; from 0 by default.
    static func checkEpisodeEnds(_ ends: [Int], numbers: [Int]? = nil, source: String) throws -> Int {
        func failure(expected: String, found: String) -> InputError {
            InputError(at: source, key: "meta/episode_ends", expected: expected, found: found)
        }
        guard let last = ends.last else { throw failure(expected: "at least one episode", found: "none") }
        for (episode, (previous, end)) in zip([0] + ends, ends).enumerated() where end <= previous {
            throw failure(
                expected: "more than \(previous) for episode \(numbers?[episode] ?? episode)", found: "\(end)")
        }
        return last
    }
}

extension InMemoryDataset.Feature {
    /// Checks the number of frames, and that the given components, or all, are finite.
    func check(frames: Int, components: [Int]?, source: String) throws {
        precondition(origin.count == size, "\(origin.count) origins for \(size) components")
        let key = "data/\(name)"
        guard size > 0, values.count % size == 0, values.count / size == frames else {
            throw InputError(
                at: source, key: key, expected: "\(frames) frames, as the last of meta/episode_ends says",
                found: size > 0 ? "\(values.count / size)" : "frames of no numbers")
        }
        let chosen = components.map(Set.init)
        let index = values.indices.first { !values[$0].isFinite && chosen?.contains($0 % size) ?? true }
        if let index {
            throw InputError(
                at: source, key: key, expected: "finite numbers",
                found: "\(values[index]) in frame \(index / size), component \(index % size)")
        }
    }
}
