public import Foundation
public import Logging
public import PolicyInterface
public import TensorFiles

/// What a dataset holds, and which settings of a recipe fit it.
public struct DatasetDescription: Codable, Sendable, Equatable {
    /// What one field holds.
    public struct Field: Codable, Sendable, Equatable {
        /// The name.
        public var name: String
        /// How the numbers are stored; nil if that cannot be told.
        public var elementType: ElementType?
        /// The dimensions in one frame; empty for a single number.
        public var shape: [Int]
        /// What the numbers range over, one column each; none for images, whose numbers are not read.
        public var statistics: FieldStatistics?
        /// The columns that never change; see `FieldStatistics.isConstant(_:)`.
        public var constantColumns: [Int] = []
        /// Extremes that lie far from all other numbers of their columns.
        public var outliers: [Outlier] = []
        /// How many chunks are absent and stand for the fill value.
        public var absentChunks = 0
        /// How many chunks there are to be.
        public var chunks = 0
        /// Why nothing can be learned from the field; nil if something can.
        public var obstacle: String?

        /// How many numbers a frame has.
        var width: Int { shape.reduce(1, *) }

        enum CodingKeys: String, CodingKey {
            case name
            case elementType = "element_type"
            case shape
            case statistics
            case constantColumns = "constant_columns"
            case outliers
            case absentChunks = "absent_chunks"
            case chunks
            case obstacle
        }
    }

    /// An extreme far from the quantiles of its column, and where it is; see `FieldStatistics.Outlier`.
    public struct Outlier: Codable, Sendable, Equatable {
        /// The column of the field.
        public var column: Int
        /// The number, without the origin that `statistics` tells.
        public var value: Float
        /// The episode that it is in, from 0, as the file counts: those without frames count too.
        public var episode: Int
        /// The frame in the episode, from 0.
        public var frame: Int
    }

    /// How long episodes are.
    public struct Episodes: Codable, Sendable, Equatable {
        /// How many there are.
        public var count: Int
        /// The frames of the shortest.
        public var shortest: Int
        /// The frames of the one in the middle.
        public var median: Int
        /// The frames of the longest.
        public var longest: Int
        /// How many have no frames; they are not counted above.
        public var empty: Int
        /// Those that are too short for the default horizons, and so would not be learned from.
        public var tooShort: TooShort

        /// Episodes without a window.
        public struct TooShort: Codable, Sendable, Equatable {
            /// How many.
            public var count: Int
            /// Their frames together.
            public var frames: Int
            /// The frames that an episode needs.
            public var needed: Int
        }

        enum CodingKeys: String, CodingKey {
            case count
            case shortest
            case median
            case longest
            case empty
            case tooShort = "too_short"
        }
    }

    /// Settings of a recipe that would train on this dataset.
    public struct Suggestion: Codable, Sendable, Equatable {
        /// The fields of an observation.
        public var observation: ObservationSchema
        /// How many numbers an observation has.
        public var observationDimension: Int
        /// The cameras, with settings that an encoder sees nearly all of a picture with.
        public var images: [ImageSelection]
        /// The field of the actions.
        public var action: String
        /// How many numbers an action has.
        public var actionDimension: Int

        enum CodingKeys: String, CodingKey {
            case observation
            case observationDimension = "observation_dimension"
            case images
            case action
            case actionDimension = "action_dimension"
        }
    }

    /// The path of the dataset.
    public var path: String
    /// The frames of all episodes.
    public var frameCount: Int
    /// How long the episodes are.
    public var episodes: Episodes
    /// The fields by name.
    public var fields: [Field]
    /// Settings that fit, if there is a field of actions and one to observe.
    public var suggestion: Suggestion?

    enum CodingKeys: String, CodingKey {
        case path
        case frameCount = "frames"
        case episodes
        case fields
        case suggestion
    }

    /// Looks through a zarr v2 folder or `.zarr.zip`; every vector is read and checked, one after another, images are not.
    ///
    /// A field that cannot be learned from is described with the reason.
    /// - Parameters:
    ///   - url: the folder or archive.
    ///   - action: the field of the actions.
    ///   - logger: takes warnings.
    /// - Throws: `TensorFileError` or `FileSystemError` when these are no demonstrations.
    public init(
        contentsOf url: URL, action: String = "action", logger: Logger = Logger(label: "demonstrations")
    ) throws {
        let recording = try Recording(url, logger: logger)
        path = url.path
        frameCount = recording.frameCount
        let ends = recording.episodeEnds
        let lengths = zip(ends, [0] + ends).map { $0 - $1 }.sorted()
        let needed = Horizon().shortestEpisode
        let short = lengths.prefix { $0 < needed }
        episodes = Episodes(
            count: lengths.count, shortest: lengths[0], median: lengths[lengths.count / 2],
            longest: lengths[lengths.count - 1], empty: recording.emptyEpisodes,
            tooShort: Episodes.TooShort(count: short.count, frames: short.reduce(0, +), needed: needed))
        fields = try recording.group.arrays(in: "data").map { name, array in Field(name, array, of: recording) }
        suggestion = try Self.suggestion(for: fields.filter { $0.obstacle == nil }, action: action)
    }

    /// The keypoints of Push-T where they are, else every vector except the actions and what never changes.
    private static func suggestion(for fields: [Field], action: String) throws -> Suggestion? {
        let vectors = fields.filter { $0.statistics != nil }
        let widths = Dictionary(uniqueKeysWithValues: vectors.map { ($0.name, $0.width) })
        guard let dimension = widths[action] else { return nil }
        var schema = ObservationSchema.pushTKeypoints
        if widths["keypoint"] != 18 || widths["state"] != 5 {
            let varying = vectors.filter { $0.name != action && $0.constantColumns.count < $0.width }
            schema = ObservationSchema(varying.map { FieldSelection($0.name) })
        }
        let images = fields.filter { $0.statistics == nil }.map { field in
            ImageSelection(suggestedFor: field.name, of: ImageSize(height: field.shape[0], width: field.shape[1]))
        }
        guard !schema.fields.isEmpty || !images.isEmpty else { return nil }
        let resolved = schema.fields.isEmpty ? schema : try schema.resolved(widths: widths)
        return Suggestion(
            observation: schema, observationDimension: resolved.dimension ?? 0, images: images, action: action,
            actionDimension: dimension)
    }
}

extension DatasetDescription.Field {
    /// The most numbers of a vector, as many as policies take.
    private static let largestWidth = 65_536

    /// What a field holds, or why that cannot be told; its numbers are let go of again.
    fileprivate init(_ name: String, _ array: Result<ZarrArray, any Error>, of recording: Recording) {
        self.init(name: name, shape: [])
        do {
            let array = try array.get()
            elementType = array.metadata.elementType
            shape = Array(array.shape.dropFirst())
            (absentChunks, chunks) = try array.absentChunks()
            try recording.check(array)
            guard !array.isImage else {
                try RecordedImages.check(array)
                return
            }
            guard width <= Self.largestWidth else {
                obstacle = "a frame of \(width) numbers, more than \(Self.largestWidth)"
                return
            }
            let field = try ReplayBuffer.Field(name, of: array)
            try field.check(frames: recording.frameCount, columns: nil, source: recording.path)
            let statistics = FieldStatistics(rows: field.values, columns: width, origin: field.origin)
            self.statistics = statistics
            constantColumns = statistics.constantColumns
            outliers = statistics.outliers.map { DatasetDescription.Outlier($0, in: recording) }
        } catch { obstacle = Self.reason(error) }
    }

    private init(name: String, shape: [Int]) {
        self.name = name
        self.shape = shape
    }

    /// An error without the path of the dataset, which is known.
    private static func reason(_ error: any Error) -> String {
        guard let error = error as? TensorFileError else { return "\(error)" }
        let key = error.key.flatMap { $0.hasPrefix("data/") ? nil : "\($0): " } ?? ""
        return "\(key)expected \(error.expected), found \(error.found)" + (error.hint.map { "; \($0)" } ?? "")
    }
}

extension DatasetDescription: CustomStringConvertible {
    /// The same for people: a line on the episodes, a table of the fields, the settings that fit.
    public var description: String {
        var lines = [
            path,
            "\(episodes.count) episodes, \(frameCount) frames; an episode has \(episodes.shortest) to "
                + "\(episodes.longest) frames, the median is \(episodes.median)",
        ]
        if episodes.empty > 0 { lines.append("\(episodes.empty) more have no frames and are left out") }
        if episodes.tooShort.count > 0 {
            let horizon = Horizon()
            lines.append(
                """
                \(episodes.tooShort.count) of them, \(episodes.tooShort.frames) frames, are too short to learn from with horizons \
                \(horizon.observation)/\(horizon.prediction)/\(horizon.action) (observation/prediction/action), which need \
                \(episodes.tooShort.needed) frames
                """)
        }
        lines.append("")
        let rows = [["field", "stored as", "frame", "range"]] + fields.map(Self.row)
        let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            lines.append((cells + [row[3]]).joined(separator: "  "))
        }
        for field in fields where field.absentChunks > 0 {
            lines.append(
                "\(field.name): \(field.absentChunks) of \(field.chunks) chunks are absent, and stand for the fill value"
            )
        }
        lines.append("")
        if let constants { lines += [constants, ""] }
        if !outliers.isEmpty { lines += ["far from all others, so check them:"] + outliers + [""] }
        if let suggestion {
            lines += [
                "what to set in a recipe, for observations of \(suggestion.observationDimension) numbers:", "policy:",
                "  observations:", suggestion.observation.fields.isEmpty ? "    fields: []" : "    fields:",
            ]
            for field in suggestion.observation.fields {
                lines.append("      - name: \(Self.yaml(field.name))")
                if let columns = field.columns {
                    lines.append("        columns: [\(columns.lowerBound), \(columns.upperBound)]")
                }
            }
            if !suggestion.images.isEmpty {
                let mark = suggestion.observation.fields.isEmpty ? "" : "# "
                lines.append(
                    "    \(mark)images:" + (mark.isEmpty ? "" : "  (without the marks, pictures are seen too)"))
                for image in suggestion.images {
                    lines.append("    \(mark)  - {name: \(Self.yaml(image.name)), \(image.settings)}")
                }
            }
            lines += [
                "  action:", "    field: \(Self.yaml(suggestion.action))",
                "    dimension: \(suggestion.actionDimension)",
            ]
        } else {
            lines.append("no recipe fits: there has to be a field of actions, and another one that changes")
        }
        return lines.joined(separator: "\n")
    }

    /// The components that never change; nil when all do.
    private var constants: String? {
        let shown = fields.flatMap { field in
            field.constantColumns.compactMap { column in
                field.statistics.map { "\(field.name)[\(column)] (\($0.constant(column)))" }
            }
        }
        return shown.isEmpty ? nil : "constant in all frames, so not scaled: \(shown.joined(separator: ", "))"
    }

    /// A line for each extreme that lies far from everything else.
    private var outliers: [String] {
        fields.flatMap { field in
            field.outliers.compactMap { outlier in
                guard let statistics = field.statistics else { return nil }
                let value = statistics.raw(outlier.value, column: outlier.column)
                return """
                      \(field.name)[\(outlier.column)]  \(value) in frame \(outlier.frame) of episode \(outlier.episode), \
                    while 98 % lie in \(statistics.usualRange(outlier.column))
                    """
            }
        }
    }

    /// A name as YAML takes it for text: in quotes, unless it is a plain word.
    private static func yaml(_ name: String) -> String {
        let isPlain = name.range(of: "^[A-Za-z][A-Za-z0-9_]*$", options: .regularExpression) != nil
        let isText = isPlain && !["null", "true", "false", "yes", "no", "on", "off"].contains(name.lowercased())
        return isText ? name : "'\(name.replacingOccurrences(of: "'", with: "''"))'"
    }

    private static func row(_ field: Field) -> [String] {
        let shape = "[" + field.shape.map(String.init).joined(separator: ", ") + "]"
        let head = [field.name, field.elementType?.rawValue ?? "?", shape]
        if let obstacle = field.obstacle { return head + ["cannot be learned from: \(obstacle)"] }
        guard let statistics = field.statistics,
            let low = zip(statistics.minimum, statistics.origin).map({ Double($0) + $1 }).min(),
            let high = zip(statistics.maximum, statistics.origin).map({ Double($0) + $1 }).max()
        else { return head + ["image"] }
        // A few columns are told apart; many are not.
        let ranges =
            statistics.minimum.count <= 6
            ? statistics.minimum.indices.map { column in
                [statistics.minimum[column], statistics.maximum[column]].map { end in
                    statistics.origin[column] == 0 ? short(Double(end)) : statistics.raw(end, column: column)
                }.joined(separator: " … ")
            } : ["\(short(low)) … \(short(high)) over all"]
        return head + [ranges.joined(separator: ", ")]
    }

    /// A number with four digits.
    private static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}

extension DatasetDescription.Outlier {
    fileprivate init(_ outlier: FieldStatistics.Outlier, in recording: Recording) {
        let place = FramePlace(outlier.row, in: recording.episodes, numbers: recording.episodeNumbers)
        self.init(column: outlier.column, value: outlier.value, episode: place.episode, frame: place.frame)
    }
}
