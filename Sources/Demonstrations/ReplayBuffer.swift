import MachineResources
public import PolicyInterface
import TensorFiles

/// Demonstrations: frames of named fields and camera images, one after another, and where each episode ends.
public struct ReplayBuffer: Sendable, Equatable {
    /// One named quantity, recorded in every frame.
    public struct Field: Sendable, Equatable {
        /// The name, such as `state` or `action`.
        public var name: String
        /// The dimensions in one frame; empty for a single number.
        public var shape: [Int]
        /// The numbers without the origin, `[frames, width]` in row-major order.
        public var values: [Float]
        /// What has to be added to the numbers of each column to have them as they were recorded, 0 unless single precision cannot hold them.
        public var origin: [Double]

        /// A recorded quantity.
        /// - Parameter origin: what was subtracted from the numbers of each column; nothing if not given.
        public init(_ name: String, shape: [Int], values: [Float], origin: [Double]? = nil) {
            self.name = name
            self.shape = shape
            self.values = values
            self.origin = origin ?? [Double](repeating: 0, count: shape.reduce(1, *))
        }

        /// How many numbers one frame has.
        public var width: Int { shape.reduce(1, *) }
    }

    /// The recorded quantities by name.
    public let fields: [String: Field]
    /// What cameras recorded, by name.
    public let images: [String: RecordedImages]
    /// The frames of each episode.
    public let episodes: [Range<Int>]
    /// Which episodes these are in the file that they were read from, which may hold some without frames.
    let episodeNumbers: [Int]

    /// Demonstrations held in memory.
    /// - Parameters:
    ///   - fields: all with the same number of frames, all numbers finite.
    ///   - images: what cameras recorded in the same frames; nothing by default.
    ///   - episodeEnds: the number of frames up to and with each episode, rising.
    /// - Throws: `TensorFileError` naming the field and the frame.
    public init(fields: [Field], images: [RecordedImages] = [], episodeEnds: [Int]) throws {
        try self.init(fields: fields, images: images, episodeEnds: episodeEnds, source: "replay buffer")
    }

    /// As above, with the path that errors name.
    init(fields: [Field], images: [RecordedImages], episodeEnds: [Int], source: String) throws {
        let frames = try Self.checkEpisodeEnds(episodeEnds, source: source)
        for field in fields { try field.check(frames: frames, columns: nil, source: source) }
        try self.init(fields: fields, images: images, checkedEpisodeEnds: episodeEnds, source: source)
    }

    /// Fields and episodes that were checked.
    /// - Parameter episodeNumbers: which episodes these are in the file; from 0 if not given.
    init(
        fields: [Field], images: [RecordedImages], checkedEpisodeEnds episodeEnds: [Int], episodeNumbers: [Int]? = nil,
        source: String
    ) throws {
        for camera in images { try camera.check(frames: episodeEnds.last ?? 0, source: source) }
        self.fields = Dictionary(fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.images = Dictionary(images.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = fields.map(\.name) + images.map(\.name)
        guard Set(names).count == names.count else {
            throw TensorFileError(
                file: source, expected: "fields of different names", found: names.sorted().joined(separator: ", "))
        }
        episodes = zip([0] + episodeEnds, episodeEnds).map { $0..<$1 }
        self.episodeNumbers = episodeNumbers ?? Array(episodes.indices)
    }

    /// How many frames all episodes have together.
    public var frameCount: Int { episodes.last?.upperBound ?? 0 }
    /// The number of frames up to and with each episode.
    public var episodeEnds: [Int] { episodes.map(\.upperBound) }
    /// How many numbers each field has in a frame.
    public var widths: [String: Int] { fields.mapValues(\.width) }
    /// The size of each camera's images.
    public var imageSizes: [String: ImageSize] { images.mapValues(\.size) }

    /// The field of this name.
    /// - Throws: `ObservationError` when there is none.
    public func field(_ name: String) throws -> Field {
        guard let field = fields[name] else {
            throw ObservationError.missingField(name, available: fields.keys.sorted())
        }
        return field
    }

    /// The images of this name.
    /// - Throws: `ObservationError` when there are none.
    public func images(_ name: String) throws -> RecordedImages {
        guard let camera = images[name] else {
            throw ObservationError.missingImage(name, available: images.keys.sorted())
        }
        return camera
    }

    /// The observation vectors of all frames, `[frames, dimension]` in row-major order, without `origin(of:)`; images are left out.
    /// - Throws: `ObservationError` when the demonstrations lack a field or image, or hold it in another shape; or `OutOfMemory`.
    public func observations(_ schema: ObservationSchema) throws -> [Float] {
        let parts = try schema.resolved(widths: widths, sizes: imageSizes).fields.map { selection in
            let field = try field(selection.name)
            return (values: field.values, width: field.width, chosen: selection.chosen(of: field.width))
        }
        let count = frameCount * parts.reduce(0) { $0 + $1.chosen.count }
        try AvailableMemory.check(count, of: Float.self)
        var rows: [Float] = []
        rows.reserveCapacity(count)
        for frame in 0..<frameCount {
            for part in parts {
                let start = frame * part.width
                for index in part.chosen { rows.append(part.values[start + index]) }
            }
        }
        return rows
    }

    /// What has to be added to each number of the observation vectors to have it as it was recorded, `[dimension]`.
    /// - Throws: `ObservationError` when the demonstrations lack a field or hold it in another shape.
    public func origin(of schema: ObservationSchema) throws -> [Double] {
        try schema.resolved(widths: widths, sizes: imageSizes).fields.flatMap { selection in
            let field = try field(selection.name)
            return selection.chosen(of: field.width).map { field.origin[$0] }
        }
    }

    /// The statistics of a field over all frames, or over those of some episodes; the rows of outliers are frames.
    /// - Throws: `ObservationError` when there is no such field; or `OutOfMemory`.
    public func statistics(of name: String, episodes: [Int]? = nil) throws -> FieldStatistics {
        let field = try field(name)
        return try statistics(of: field.values, origin: field.origin, in: episodes)
    }

    /// The statistics of the observation vectors over all frames, or over those of some episodes, one column a number of the vector.
    /// - Throws: as `observations(_:)`.
    public func statistics(of schema: ObservationSchema, episodes: [Int]? = nil) throws -> FieldStatistics {
        let all = try observations(schema)
        return all.isEmpty ? .none : try statistics(of: all, origin: try origin(of: schema), in: episodes)
    }

    private func statistics(
        of values: [Float], origin: [Double], in episodes: [Int]?
    ) throws -> FieldStatistics {
        var statistics = FieldStatistics(
            rows: try rows(of: values, in: episodes), columns: origin.count, origin: origin)
        for index in statistics.outliers.indices {
            statistics.outliers[index].row = frame(ofRow: statistics.outliers[index].row, in: episodes)
        }
        return statistics
    }

    /// Of numbers of all frames, those of some episodes, or all of them.
    /// - Throws: `OutOfMemory`.
    public func rows<Number>(of values: [Number], in episodes: [Int]?) throws -> [Number] {
        guard let episodes, episodes.count < self.episodes.count else { return values }
        let width = values.count / frameCount
        try AvailableMemory.check(values.count, of: Number.self)
        return episodes.flatMap { index in
            let frames = self.episodes[index]
            return values[frames.lowerBound * width..<frames.upperBound * width]
        }
    }

    /// The frame that a row of `rows(of:in:)` is of.
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

    /// Checks that episodes end one after another and returns the number of frames.
    /// - Parameter numbers: which episodes these are in the file; from 0 if not given.
    static func checkEpisodeEnds(_ ends: [Int], numbers: [Int]? = nil, source: String) throws -> Int {
        func failure(expected: String, found: String) -> TensorFileError {
            TensorFileError(file: source, key: "meta/episode_ends", expected: expected, found: found)
        }
        guard let last = ends.last else { throw failure(expected: "at least one episode", found: "none") }
        for (episode, (previous, end)) in zip([0] + ends, ends).enumerated() where end <= previous {
            throw failure(
                expected: "more than \(previous) for episode \(numbers?[episode] ?? episode)", found: "\(end)")
        }
        return last
    }
}

extension ReplayBuffer.Field {
    /// Checks that there is the right number of frames, and only finite numbers in some columns, or in all.
    func check(frames: Int, columns: [Int]?, source: String) throws {
        precondition(origin.count == width, "\(origin.count) origins for \(width) columns")
        let key = "data/\(name)"
        guard width > 0, values.count % width == 0, values.count / width == frames else {
            throw TensorFileError(
                file: source, key: key, expected: "\(frames) frames, as the last of meta/episode_ends says",
                found: width > 0 ? "\(values.count / width)" : "frames of no numbers")
        }
        let chosen = columns.map(Set.init)
        let index = values.indices.first { !values[$0].isFinite && chosen?.contains($0 % width) ?? true }
        if let index {
            throw TensorFileError(
                file: source, key: key, expected: "finite numbers",
                found: "\(values[index]) in frame \(index / width), column \(index % width)")
        }
    }
}
