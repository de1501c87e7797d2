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
        for field in fields {
            try Self.check(field, frames: frames, source: source)
        }
        for camera in images { try camera.check(frames: frames, source: source) }
        self.fields = Dictionary(fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.images = Dictionary(images.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = fields.map(\.name) + images.map(\.name)
        guard Set(names).count == names.count else {
            throw TensorFileError(
                file: source, expected: "fields of different names", found: names.sorted().joined(separator: ", "))
        }
        episodes = zip([0] + episodeEnds, episodeEnds).map { $0..<$1 }
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
            return (values: field.values, width: field.width, columns: selection.columns ?? 0..<field.width)
        }
        let count = frameCount * parts.reduce(0) { $0 + $1.columns.count }
        try AvailableMemory.check(count, of: Float.self)
        var rows: [Float] = []
        rows.reserveCapacity(count)
        for frame in 0..<frameCount {
            for part in parts {
                let start = frame * part.width
                rows.append(contentsOf: part.values[start + part.columns.lowerBound..<start + part.columns.upperBound])
            }
        }
        return rows
    }

    /// What has to be added to each number of the observation vectors to have it as it was recorded, `[dimension]`.
    /// - Throws: `ObservationError` when the demonstrations lack a field or hold it in another shape.
    public func origin(of schema: ObservationSchema) throws -> [Double] {
        try schema.resolved(widths: widths, sizes: imageSizes).fields.flatMap { selection in
            let field = try field(selection.name)
            return field.origin[selection.columns ?? 0..<field.width]
        }
    }

    /// The statistics of a field over all frames.
    /// - Throws: `ObservationError` when there is no such field.
    public func statistics(of name: String) throws -> FieldStatistics {
        let field = try field(name)
        return FieldStatistics(rows: field.values, columns: field.width, origin: field.origin)
    }

    /// The statistics of the observation vectors over all frames, one column a number of the vector.
    /// - Throws: as `observations(_:)`.
    public func statistics(of schema: ObservationSchema) throws -> FieldStatistics {
        let rows = try observations(schema)
        if rows.isEmpty { return .none }
        return FieldStatistics(rows: rows, columns: rows.count / frameCount, origin: try origin(of: schema))
    }

    /// Checks that episodes end one after another and returns the number of frames.
    static func checkEpisodeEnds(_ ends: [Int], source: String) throws -> Int {
        func failure(expected: String, found: String) -> TensorFileError {
            TensorFileError(file: source, key: "meta/episode_ends", expected: expected, found: found)
        }
        guard let last = ends.last else { throw failure(expected: "at least one episode", found: "none") }
        for (episode, (previous, end)) in zip([0] + ends, ends).enumerated() where end <= previous {
            throw failure(expected: "more than \(previous) for episode \(episode)", found: "\(end)")
        }
        return last
    }

    /// Checks that a field has the right number of frames and only finite numbers.
    private static func check(_ field: Field, frames: Int, source: String) throws {
        precondition(field.origin.count == field.width, "\(field.origin.count) origins for \(field.width) columns")
        let key = "data/\(field.name)"
        guard field.width > 0, field.values.count % field.width == 0, field.values.count / field.width == frames else {
            throw TensorFileError(
                file: source, key: key, expected: "\(frames) frames, as the last of meta/episode_ends says",
                found: field.width > 0 ? "\(field.values.count / field.width)" : "frames of no numbers")
        }
        if let index = field.values.firstIndex(where: { !$0.isFinite }) {
            throw TensorFileError(
                file: source, key: key, expected: "finite numbers",
                found: "\(field.values[index]) in frame \(index / field.width), column \(index % field.width)")
        }
    }
}
