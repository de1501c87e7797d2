package import DPBase
package import DPInterface
package import Foundation
package import Logging

/// The contents of a dataset, and the recipe settings that fit it.
package struct DatasetDescription: Codable, Sendable, Equatable {
    /// One feature of a dataset.
    package struct Feature: Codable, Sendable, Equatable {
        /// The name.
        package var name: String
        /// The stored type of the numbers; nil if unknown.
        package var elementType: ElementType?
        /// The dimensions in one frame; empty for a single number.
        package var shape: [Int]
        /// Statistics per component; nil for images, whose numbers are not read.
        package var statistics: FeatureStatistics?
        /// The components that never change; see `FeatureStatistics.isConstant(_:)`.
        package var constantComponents: [Int] = []
        /// Extremes that lie far from all other numbers of their components.
        package var outliers: [Outlier] = []
        /// The number of absent chunks, which are read as the fill value.
        package var absentChunks = 0
        /// The number of chunks in the array's grid.
        package var chunks = 0
        /// The reason why training cannot use the feature; nil if it can.
        package var obstacle: String?

        /// The number of values per frame.
        var width: Int { shape.reduce(1, *) }

        enum CodingKeys: String, CodingKey {
            case name
            case elementType = "element_type"
            case shape
            case statistics
            case constantComponents = "constant_components"
            case outliers
            case absentChunks = "absent_chunks"
            case chunks
            case obstacle
        }
    }

    /// An extreme far from the quantiles of its component, with its location; see `FeatureStatistics.Outlier`.
    package struct Outlier: Codable, Sendable, Equatable {
        /// The component of the feature.
        package var component: Int
        /// The number, relative to the origin in `statistics`.
        package var value: Float
        /// The episode, from 0, numbered as in the file: episodes without frames count too.
        package var episode: Int
        /// The frame within the episode, from 0.
        package var frame: Int
    }

    /// The lengths of the episodes.
    package struct Episodes: Codable, Sendable, Equatable {
        /// The number of episodes with frames.
        package var count: Int
        /// The number of frames of the shortest episode.
        package var shortest: Int
        /// The number of frames of the median episode.
        package var median: Int
        /// The number of frames of the longest episode.
        package var longest: Int
        /// The number of episodes without frames, which the other figures leave out.
        package var empty: Int
        /// The episodes that are too short for the default horizons and would not be used for training.
        package var tooShort: TooShort

        /// Episodes without a window.
        package struct TooShort: Codable, Sendable, Equatable {
            /// The number of episodes.
            package var count: Int
            /// The total number of frames.
            package var frames: Int
            /// The number of frames that an episode needs.
            package var needed: Int
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

    /// Recipe settings for training on this dataset.
    package struct Suggestion: Codable, Sendable, Equatable {
        /// The features of an observation.
        package var observation: ObservationSchema
        /// The size of the observation vector.
        package var observationDimension: Int
        /// The cameras, with settings that show an encoder nearly all of each image.
        package var images: [ImageSelection]
        /// The feature of the actions.
        package var action: String
        /// The size of an action.
        package var actionDimension: Int

        enum CodingKeys: String, CodingKey {
            case observation
            case observationDimension = "observation_dimension"
            case images
            case action
            case actionDimension = "action_dimension"
        }
    }

    /// The path of the dataset.
    package var path: String
    /// The number of frames of all episodes.
    package var frameCount: Int
    /// The lengths of the episodes.
    package var episodes: Episodes
    /// The features by name.
    package var features: [Feature]
    /// Suggested settings; nil without an action feature and at least one feature to observe.
    package var suggestion: Suggestion?

    enum CodingKeys: String, CodingKey {
        case path
        case frameCount = "frames"
        case episodes
        case features
        case suggestion
    }

    /// Inspects a zarr v2 folder or `.zarr.zip`.
    ///
    /// Reads and checks the vectors one at a time; does not read images.
    ///
    /// A feature that training cannot use is listed with the reason.
    /// - Parameters:
    ///   - url: the folder or archive.
    ///   - action: the feature of the actions.
    ///   - logger: receives warnings.
    /// - Throws: `InputError` or `FileSystemError` when `url` is not a dataset.
    package init(
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
        features = try recording.group.arrays(in: "data").map { name, array in Feature(name, array, of: recording) }
        suggestion = try Self.suggestion(for: features.filter { $0.obstacle == nil }, action: action)
    }

    /// Suggests the keypoints of Push-T if present, otherwise every vector except the actions and constant features.
    private static func suggestion(for features: [Feature], action: String) throws -> Suggestion? {
        let vectors = features.filter { $0.statistics != nil }
        let widths = Dictionary(uniqueKeysWithValues: vectors.map { ($0.name, $0.width) })
        guard let dimension = widths[action] else { return nil }
        var schema = ObservationSchema.pushTKeypoints
        if widths["keypoint"] != 18 || widths["state"] != 5 {
            let varying = vectors.filter { $0.name != action && $0.constantComponents.count < $0.width }
            schema = ObservationSchema(varying.map { FeatureSelection($0.name) })
        }
        let images = features.filter { $0.statistics == nil }.map { feature in
            ImageSelection(suggestedFor: feature.name, of: ImageSize(height: feature.shape[0], width: feature.shape[1]))
        }
        guard !schema.features.isEmpty || !images.isEmpty else { return nil }
        let resolved = schema.features.isEmpty ? schema : try schema.resolved(featureSizes: widths)
        return Suggestion(
            observation: schema, observationDimension: resolved.dimension ?? 0, images: images, action: action,
            actionDimension: dimension)
    }
}

extension DatasetDescription.Feature {
    /// The largest feature size that policies accept.
    private static let largestWidth = 65_536

    /// Describes a feature, or records why it cannot be read; does not keep its numbers.
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
            let feature = try InMemoryDataset.Feature(name, of: array)
            try feature.check(frames: recording.frameCount, components: nil, source: recording.path)
            let statistics = FeatureStatistics(rows: feature.values, components: width, origin: feature.origin)
            self.statistics = statistics
            constantComponents = statistics.constantComponents
            outliers = statistics.outliers.map { DatasetDescription.Outlier($0, in: recording) }
        } catch { obstacle = Self.reason(error) }
    }

    private init(name: String, shape: [Int]) {
        self.name = name
        self.shape = shape
    }

    /// An error without the path of the dataset, which the reader already knows.
    private static func reason(_ error: any Error) -> String {
        guard let error = error as? InputError else { return "\(error)" }
        let key = error.key.flatMap { $0.hasPrefix("data/") ? nil : "\($0): " } ?? ""
        return "\(key)expected \(error.expected), found \(error.found)" + (error.hint.map { "; \($0)" } ?? "")
    }
}

extension DatasetDescription: CustomStringConvertible {
    /// A human-readable summary: the episodes, a table of the features, and suggested recipe settings.
    package var description: String {
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
                \(episodes.tooShort.count) of them, \(episodes.tooShort.frames) frames, are too short for training with horizons \
                \(horizon.observation)/\(horizon.prediction)/\(horizon.action) (observation/prediction/action), which need \
                \(episodes.tooShort.needed) frames
                """)
        }
        lines.append("")
        let rows = [["feature", "stored as", "frame", "range"]] + features.map(Self.row)
        let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            lines.append((cells + [row[3]]).joined(separator: "  "))
        }
        for feature in features where feature.absentChunks > 0 {
            lines.append(
                "\(feature.name): \(feature.absentChunks) of \(feature.chunks) chunks are absent, and stand for the fill value"
            )
        }
        lines.append("")
        if let constants { lines += [constants, ""] }
        if !outliers.isEmpty { lines += ["far from all others, so check them:"] + outliers + [""] }
        if let suggestion {
            lines += [
                "recipe settings for observations of \(suggestion.observationDimension) numbers:", "policy:",
                "  observations:", suggestion.observation.features.isEmpty ? "    features: []" : "    features:",
            ]
            for feature in suggestion.observation.features {
                lines.append("      - name: \(Self.yaml(feature.name))")
                if let components = feature.slice {
                    lines.append("        slice: [\(components.lowerBound), \(components.upperBound)]")
                }
            }
            if !suggestion.images.isEmpty {
                let mark = suggestion.observation.features.isEmpty ? "" : "# "
                lines.append(
                    "    \(mark)images:" + (mark.isEmpty ? "" : "  (remove the # to observe images too)"))
                for image in suggestion.images {
                    lines.append("    \(mark)  - {name: \(Self.yaml(image.name)), \(image.settings)}")
                }
            }
            lines += [
                "  action:", "    feature: \(Self.yaml(suggestion.action))",
                "    dimension: \(suggestion.actionDimension)",
            ]
        } else {
            lines.append("no recipe fits: expected an action feature and at least one other feature that varies")
        }
        return lines.joined(separator: "\n")
    }

    /// The components that never change; nil if there are none.
    private var constants: String? {
        let shown = features.flatMap { feature in
            feature.constantComponents.compactMap { component in
                feature.statistics.map { "\(feature.name)[\(component)] (\($0.constant(component)))" }
            }
        }
        return shown.isEmpty ? nil : "constant in all frames, so not scaled: \(shown.joined(separator: ", "))"
    }

    /// One line for each extreme that lies far from all other numbers.
    private var outliers: [String] {
        features.flatMap { feature in
            feature.outliers.compactMap { outlier in
                guard let statistics = feature.statistics else { return nil }
                let value = statistics.raw(outlier.value, component: outlier.component)
                return """
                      \(feature.name)[\(outlier.component)]  \(value) in frame \(outlier.frame) of episode \(outlier.episode), \
                    while 98 % lie in \(statistics.usualRange(outlier.component))
                    """
            }
        }
    }

    /// A name as YAML text: in quotes unless it is a plain word.
    private static func yaml(_ name: String) -> String {
        let isPlain = name.range(of: "^[A-Za-z][A-Za-z0-9_]*$", options: .regularExpression) != nil
        let isText = isPlain && !["null", "true", "false", "yes", "no", "on", "off"].contains(name.lowercased())
        return isText ? name : "'\(name.replacingOccurrences(of: "'", with: "''"))'"
    }

    private static func row(_ feature: Feature) -> [String] {
        let shape = "[" + feature.shape.map(String.init).joined(separator: ", ") + "]"
        let head = [feature.name, feature.elementType?.rawValue ?? "?", shape]
        if let obstacle = feature.obstacle { return head + ["cannot be used for training: \(obstacle)"] }
        guard let statistics = feature.statistics,
            let low = zip(statistics.minimum, statistics.origin).map({ Double($0) + $1 }).min(),
            let high = zip(statistics.maximum, statistics.origin).map({ Double($0) + $1 }).max()
        else { return head + ["image"] }
        // List the ranges of a few components; summarize many.
        let ranges =
            statistics.minimum.count <= 6
            ? statistics.minimum.indices.map { component in
                [statistics.minimum[component], statistics.maximum[component]].map { end in
                    statistics.origin[component] == 0 ? short(Double(end)) : statistics.raw(end, component: component)
                }.joined(separator: " … ")
            } : ["\(short(low)) … \(short(high)) over all"]
        return head + [ranges.joined(separator: ", ")]
    }

    /// A number with four significant digits.
    private static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}

extension DatasetDescription.Outlier {
    fileprivate init(_ outlier: FeatureStatistics.Outlier, in recording: Recording) {
        let place = FrameLocation(outlier.row, in: recording.episodes, numbers: recording.episodeNumbers)
        self.init(component: outlier.component, value: outlier.value, episode: place.episode, frame: place.frame)
    }
}
