package import DPBase

/// A part of an observation: a named feature, or some of its components.
///
/// ```swift
/// let position = FeatureSelection("end_effector_pose", slice: 0..<3)  // x, y and z, without the rotation
/// let joints = FeatureSelection("joint_positions", indices: [0, 1, 3])
/// let schema = ObservationSchema([position, joints])
/// ```
public struct FeatureSelection: Codable, Sendable, Hashable {
    /// The feature's name in the dataset and in a `RobotObservation`.
    public var name: String
    /// The range of components, half-open and counted from 0 (in a recipe: `[0, 2]`); all of them by default.
    public var slice: Range<Int>?
    /// The indices of single components, in this order and counted from 0 (in a recipe: `[0, 2, 5]`); instead of
    /// `slice`.
    public var indices: [Int]?
    /// The number of components of the whole feature; unknown until the selection is resolved against a dataset.
    package var size: Int?

    /// Creates a selection of a feature or of some of its components.
    public init(_ name: String, slice: Range<Int>? = nil, indices: [Int]? = nil, size: Int? = nil) {
        self.name = name
        self.slice = slice
        self.indices = indices
        self.size = size
    }

    /// The number of selected components; nil while the size of a whole feature is unknown.
    package var count: Int? { indices?.count ?? slice?.count ?? size }

    /// Returns the indices of the selected components in a feature of a given size.
    package func selectedIndices(ofSize size: Int) -> [Int] { indices ?? Array(slice ?? 0..<size) }

    /// The smallest size of the feature that contains the selection; nil for a whole feature.
    package var minimumSize: Int? {
        slice?.upperBound ?? indices.map { indices in indices.max().map { $0 == .max ? $0 : $0 + 1 } ?? 0 }
    }
}

extension FeatureSelection {
    /// Reads a name and, unless all components are selected, `slice: [first, end]` or `indices: [0, 2, 5]`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try container.decode(String.self, forKey: .name))
        size = try container.decodeIfPresent(Int.self, forKey: .size)
        indices = try container.decodeIfPresent([Int].self, forKey: .indices)
        func decodingError(_ key: CodingKeys, _ reason: String) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: reason)
        }
        if let indices {
            guard !indices.isEmpty, indices.allSatisfy({ $0 >= 0 }), Set(indices).count == indices.count else {
                throw decodingError(.indices, "indices are numbers from 0, each once, such as [0, 2, 5]")
            }
        }
        guard let bounds = try container.decodeIfPresent([Int].self, forKey: .slice) else { return }
        guard indices == nil else { throw decodingError(.slice, "either slice or indices, not both") }
        guard bounds.count == 2, bounds[0] <= bounds[1] else {
            throw decodingError(
                .slice, "slice is [first, end] with the end excluded; use indices for single components: \(bounds)")
        }
        slice = bounds[0]..<bounds[1]
    }
}

/// The inputs of a policy at one instant: features that form a vector, and camera images.
///
/// A network with image inputs receives, for each instant, the numbers of the vector in the order of `features`,
/// then the encoded features of each image in the order of `images`; the instants follow one another, oldest first.
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot-cameras")
/// recipe.policy.observations = ObservationSchema(
///     [FeatureSelection("joint_positions"), FeatureSelection("gripper_width")],
///     images: [ImageSelection("wrist"), ImageSelection("scene")])
/// ```
public struct ObservationSchema: Codable, Sendable, Hashable {
    /// The parts of the vector, in order.
    public var features: [FeatureSelection]
    /// The camera images, in order.
    public var images: [ImageSelection]

    private enum CodingKeys: String, CodingKey {
        case features
        case images
    }

    /// Creates a schema from its parts.
    public init(_ features: [FeatureSelection] = [], images: [ImageSelection] = []) {
        self.features = features
        self.images = images
    }

    /// Reads the features and images, either of which may be omitted, or the name of a preset: `pusht_state` or
    /// `pusht_keypoints`.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: CodingKeys.self) {
            images = try container.decodeIfPresent([ImageSelection].self, forKey: .images) ?? []
            features =
                images.isEmpty
                ? try container.decode([FeatureSelection].self, forKey: .features)
                : try container.decodeIfPresent([FeatureSelection].self, forKey: .features) ?? []
            return
        }
        let presets = ["pusht_state": Self.pushTState, "pusht_keypoints": Self.pushTKeypoints]
        guard let preset = presets[try String(from: decoder)] else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription:
                        "features have to be listed; the names \(presets.keys.sorted().joined(separator: " and ")) "
                        + "stand for those of Push-T"))
        }
        self = preset
    }

    /// Push-T, 5 numbers: the agent's x and y, the block's x, y and angle.
    package static let pushTState = ObservationSchema([FeatureSelection("state")])
    /// Push-T, 20 numbers: x and y of the nine keypoints, then of the agent.
    ///
    /// This is the order of the reference's low-dimensional dataset.
    package static let pushTKeypoints = ObservationSchema([
        FeatureSelection("keypoint"), FeatureSelection("state", slice: 0..<2),
    ])

    /// The size of the vector, 0 if there are only images, or `nil` while the size of a whole feature is unknown.
    package var dimension: Int? {
        var sum = 0
        for feature in features {
            guard let count = feature.count else { return nil }
            sum += count
        }
        return sum
    }

    /// The name of each component of the vector, from the feature and the index in it: `state[3]`.
    /// - Precondition: the size of each whole feature is known.
    package var componentNames: [String] {
        features.flatMap { feature in
            feature.selectedIndices(ofSize: feature.size ?? 0).map { "\(feature.name)[\($0)]" }
        }
    }

    /// Returns the same schema with the size of every feature and of every image filled in.
    /// - Parameters:
    ///   - featureSizes: the size of each feature, by name.
    ///   - sizes: the size of each camera's images, by name; required only if there are images.
    /// - Throws: `InputError` if a feature is missing or too small for the selection, an image is missing or
    ///   of another size, or nothing is selected.
    package func resolved(featureSizes: [String: Int], sizes: [String: ImageSize] = [:]) throws -> ObservationSchema {
        guard !features.isEmpty || !images.isEmpty else { throw InputError.nothingChosen }
        let resolvedImages = try images.map { image in
            guard let size = sizes[image.name] else {
                throw InputError.missingImage(image.name, available: sizes.keys.sorted())
            }
            try image.check(size)
            return ImageSelection(image.name, size: size, resize: image.resize, crop: image.crop)
        }
        return ObservationSchema(
            try features.map { feature in
                guard let size = featureSizes[feature.name] else {
                    throw InputError.missingFeature(feature.name, available: featureSizes.keys.sorted())
                }
                try feature.check(size: size)
                return FeatureSelection(feature.name, slice: feature.slice, indices: feature.indices, size: size)
            }, images: resolvedImages)
    }

    /// Returns the images of an observation, in order.
    ///
    /// An observation may contain additional images.
    /// - Throws: `InputError` if an image is missing or of another size.
    package func images(from observation: RobotObservation) throws -> [RGBImage] {
        try images.map { selection in
            guard let image = observation.images[selection.name] else {
                throw InputError.missingImage(
                    selection.name,
                    available: observation.images.keys.sorted()
                        + observation.vectors.keys.sorted().map { "\($0) (a vector)" })
            }
            try selection.check(image.size)
            return image
        }
    }

    /// Returns the vector of an observation, `[dimension]`, in raw units.
    /// - Parameter origin: the value to subtract from each component in double precision before rounding to single
    ///   precision; nothing if nil.
    /// - Throws: `InputError` if a feature is missing, has another size, or contains a number that is not
    ///   finite.
    package func vector(from observation: RobotObservation, origin: [Double]? = nil) throws -> [Float] {
        var vector: [Float] = []
        for feature in features {
            if let values = observation.doubles[feature.name] {
                try feature.append(values, subtracting: origin, to: &vector)
            } else if let values = observation.vectors[feature.name] {
                try feature.append(values, subtracting: origin, to: &vector)
            } else {
                let names = Set(observation.vectors.keys).union(observation.doubles.keys)
                throw InputError.missingFeature(feature.name, available: names.sorted())
            }
        }
        return vector
    }
}

extension FeatureSelection {
    /// Appends the selected components of a feature.
    /// - Parameter origin: the value to subtract from each component of the vector before rounding; nothing if nil.
    fileprivate func append<Number: BinaryFloatingPoint>(
        _ values: [Number], subtracting origin: [Double]?, to vector: inout [Float]
    ) throws {
        try check(size: values.count)
        func append(_ chosen: some Collection<Int>) throws {
            if let index = chosen.first(where: { !values[$0].isFinite }) {
                throw InputError.notFinite(feature: name, index: index, value: "\(values[index])")
            }
            for index in chosen { vector.append(Float(Double(values[index]) - (origin?[vector.count] ?? 0))) }
        }
        if let indices {
            try append(indices)
        } else {
            try append(slice ?? 0..<values.count)
        }
    }

    /// Checks that a feature has the expected size and contains the selected components.
    fileprivate func check(size found: Int) throws {
        if let size, size != found {
            throw InputError.wrongSize(feature: name, expected: "\(size) numbers", found: found)
        }
        if let slice, slice.isEmpty || slice.lowerBound < 0 || slice.upperBound > found {
            throw InputError.wrongSize(
                feature: name, expected: "slice \(slice.lowerBound)..<\(slice.upperBound) inside the feature",
                found: found)
        }
        if let indices, !indices.allSatisfy((0..<found).contains) {
            throw InputError.wrongSize(
                feature: name, expected: "indices \(indices) inside the feature", found: found)
        }
        if found == 0 { throw InputError.wrongSize(feature: name, expected: "at least 1 number", found: 0) }
    }
}

// MARK: - Errors

extension InputError {
    /// The error for a missing feature.
    package static func missingFeature(_ name: String, available: [String]) -> InputError {
        InputError(at: "observation", expected: "a feature \"\(name)\"", found: list(available, otherwise: "none"))
    }

    /// The error for a feature of another size.
    package static func wrongSize(feature: String, expected: String, found: Int) -> InputError {
        InputError(at: "observation feature \"\(feature)\"", expected: expected, found: "\(found) numbers")
    }

    /// The error for a missing image.
    package static func missingImage(_ name: String, available: [String]) -> InputError {
        InputError(at: "observation", expected: "an image \"\(name)\"", found: list(available, otherwise: "none"))
    }

    /// The error for an image that the policy does not use.
    package static func unexpectedImage(_ name: String, known: [String]) -> InputError {
        let expected = known.isEmpty ? "no images" : "only \(known.joined(separator: ", "))"
        return InputError(
            at: "observation image \"\(name)\"", expected: expected, found: "an image that the policy does not use")
    }

    /// The error for an image of another size.
    package static func wrongSize(image: String, expected: String, found: ImageSize) -> InputError {
        InputError(at: "observation image \"\(image)\"", expected: expected, found: found)
    }

    /// The error for a number that is infinite or NaN.
    package static func notFinite(feature: String, index: Int, value: String) -> InputError {
        InputError(
            at: "observation feature \"\(feature)\", number \(index)", expected: "a finite number", found: value)
    }

    /// The error for a schema without features and images.
    package static let nothingChosen = InputError(
        at: "observation", expected: "at least one feature or image", found: "none")

    private static func list(_ names: [String], otherwise: String) -> String {
        names.isEmpty ? otherwise : names.joined(separator: ", ")
    }
}
