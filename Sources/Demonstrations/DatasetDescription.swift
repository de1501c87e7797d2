public import Foundation
public import PolicyInterface
public import TensorFiles

/// What a dataset holds, and which settings of a recipe fit it.
public struct DatasetDescription: Codable, Sendable, Equatable {
    /// What one field holds.
    public struct Field: Codable, Sendable, Equatable {
        /// The name.
        public var name: String
        /// How the numbers are stored.
        public var elementType: ElementType
        /// The dimensions in one frame; empty for a single number.
        public var shape: [Int]
        /// What the numbers range over, one column each; none for images, whose numbers are not read.
        public var statistics: FieldStatistics?
        /// The columns that never change; see `FieldStatistics.isConstant(_:)`.
        public var constantColumns: [Int]
        /// Extremes that lie far from all other numbers of their columns.
        public var outliers: [Outlier]

        enum CodingKeys: String, CodingKey {
            case name
            case elementType = "element_type"
            case shape
            case statistics
            case constantColumns = "constant_columns"
            case outliers
        }
    }

    /// An extreme far from the quantiles of its column, and where it is; see `FieldStatistics.Outlier`.
    public struct Outlier: Codable, Sendable, Equatable {
        /// The column of the field.
        public var column: Int
        /// The number, without the origin that `statistics` tells.
        public var value: Float
        /// The episode that it is in, from 0.
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
    }

    /// Settings of a recipe that would train on this dataset.
    public struct Suggestion: Codable, Sendable, Equatable {
        /// The fields of an observation.
        public var observation: ObservationSchema
        /// How many numbers an observation has.
        public var observationDimension: Int
        /// The field of the actions.
        public var action: String
        /// How many numbers an action has.
        public var actionDimension: Int

        enum CodingKeys: String, CodingKey {
            case observation
            case observationDimension = "observation_dimension"
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

    /// Looks through a zarr v2 folder or `.zarr.zip`; every vector is read and checked, images are not.
    /// - Parameters:
    ///   - url: the folder or archive.
    ///   - action: the field of the actions.
    /// - Throws: as `ReplayBuffer.init(contentsOf:fields:images:missingChunks:)`.
    public init(contentsOf url: URL, action: String = "action") throws {
        let buffer = try ReplayBuffer(contentsOf: url)
        let group = try ZarrGroup(contentsOf: url)
        path = url.path
        frameCount = buffer.frameCount
        let lengths = buffer.episodes.map(\.count).sorted()
        episodes = Episodes(
            count: lengths.count, shortest: lengths[0], median: lengths[lengths.count / 2],
            longest: lengths[lengths.count - 1])
        fields = try group.arrayNames(in: "data").map { name in
            let array = try group.array("data/\(name)")
            let statistics = try buffer.fields[name].map { _ in try buffer.statistics(of: name) }
            return Field(
                name: name, elementType: array.metadata.elementType, shape: Array(array.shape.dropFirst()),
                statistics: statistics, constantColumns: statistics?.constantColumns ?? [],
                outliers: (statistics?.outliers ?? []).map { Outlier($0, in: buffer.episodes) })
        }
        suggestion = try Self.suggestion(for: buffer, action: action)
    }

    /// The keypoints of Push-T where they are, else every vector except the actions and what never changes.
    private static func suggestion(for buffer: ReplayBuffer, action: String) throws -> Suggestion? {
        guard let actions = buffer.fields[action] else { return nil }
        var schema = ObservationSchema.pushTKeypoints
        if buffer.widths["keypoint"] != 18 || buffer.widths["state"] != 5 {
            let varying = try buffer.fields.keys.sorted().filter { name in
                let statistics = try buffer.statistics(of: name)
                return name != action && statistics.constantColumns.count < statistics.minimum.count
            }
            schema = ObservationSchema(varying.map { FieldSelection($0) })
        }
        guard !schema.fields.isEmpty else { return nil }
        let resolved = try schema.resolved(widths: buffer.widths)
        return Suggestion(
            observation: schema, observationDimension: resolved.dimension ?? 0, action: action,
            actionDimension: actions.width)
    }
}

extension DatasetDescription: CustomStringConvertible {
    /// The same for people: a line on the episodes, a table of the fields, the settings that fit.
    public var description: String {
        var lines = [
            path,
            "\(episodes.count) episodes, \(frameCount) frames; an episode has \(episodes.shortest) to "
                + "\(episodes.longest) frames, the median is \(episodes.median)",
            "",
        ]
        let rows = [["field", "stored as", "frame", "range"]] + fields.map(Self.row)
        let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            lines.append((cells + [row[3]]).joined(separator: "  "))
        }
        lines.append("")
        if let constants { lines += [constants, ""] }
        if !outliers.isEmpty { lines += ["far from all others, so check them:"] + outliers + [""] }
        if let suggestion {
            lines += [
                "what to set in a recipe, for observations of \(suggestion.observationDimension) numbers:", "policy:",
                "  observations:", "    fields:",
            ]
            for field in suggestion.observation.fields {
                lines.append("      - name: \(Self.yaml(field.name))")
                if let columns = field.columns {
                    lines.append("        columns: [\(columns.lowerBound), \(columns.upperBound)]")
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
                field.statistics.map { "\(field.name)[\(column)] (\($0.raw($0.minimum[column], column: column)))" }
            }
        }
        return shown.isEmpty ? nil : "constant in all frames, so not scaled: \(shown.joined(separator: ", "))"
    }

    /// A line for each extreme that lies far from everything else.
    private var outliers: [String] {
        fields.flatMap { field in
            field.outliers.compactMap { outlier in
                guard let statistics = field.statistics else { return nil }
                func raw(_ value: Float) -> String { statistics.raw(value, column: outlier.column) }
                let (lower, upper) = (
                    statistics.lowerQuantile[outlier.column], statistics.upperQuantile[outlier.column]
                )
                return """
                      \(field.name)[\(outlier.column)]  \(raw(outlier.value)) in frame \(outlier.frame) of episode \(outlier.episode), \
                    while 98 % lie in \(raw(lower)) … \(raw(upper))
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
        guard let statistics = field.statistics,
            let low = zip(statistics.minimum, statistics.origin).map({ Double($0) + $1 }).min(),
            let high = zip(statistics.maximum, statistics.origin).map({ Double($0) + $1 }).max()
        else { return [field.name, field.elementType.rawValue, shape, "image"] }
        // A few columns are told apart; many are not.
        let ranges =
            statistics.minimum.count <= 6
            ? statistics.minimum.indices.map { column in
                [statistics.minimum[column], statistics.maximum[column]].map { end in
                    statistics.origin[column] == 0 ? short(Double(end)) : statistics.raw(end, column: column)
                }.joined(separator: " … ")
            } : ["\(short(low)) … \(short(high)) over all"]
        return [field.name, field.elementType.rawValue, shape, ranges.joined(separator: ", ")]
    }

    /// A number with four digits.
    private static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}

extension DatasetDescription.Outlier {
    fileprivate init(_ outlier: FieldStatistics.Outlier, in episodes: [Range<Int>]) {
        let episode = episodes.firstIndex { $0.contains(outlier.row) } ?? 0
        self.init(
            column: outlier.column, value: outlier.value, episode: episode,
            frame: outlier.row - episodes[episode].lowerBound)
    }
}
