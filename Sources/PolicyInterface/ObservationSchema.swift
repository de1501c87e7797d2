/// A part of what a robot perceives: a named field, or some of its columns.
public struct FieldSelection: Codable, Sendable, Hashable {
    /// The field, by its name in the demonstrations and in an `Observation`.
    public var name: String
    /// Which numbers of the field, half-open and counted from 0 (in a recipe: `[0, 2]`); all of them by default.
    public var columns: Range<Int>?
    /// Which numbers of the field one by one, in this order, counted from 0 (in a recipe: `[0, 2, 5]`); instead of `columns`.
    public var indices: [Int]?
    /// How many numbers the whole field has; unknown until the selection is resolved against demonstrations.
    public var width: Int?

    /// A field, or some of its columns.
    public init(_ name: String, columns: Range<Int>? = nil, indices: [Int]? = nil, width: Int? = nil) {
        self.name = name
        self.columns = columns
        self.indices = indices
        self.width = width
    }

    /// How many numbers are chosen; nil while the width of a field taken whole is unknown.
    public var count: Int? { indices?.count ?? columns?.count ?? width }

    /// The chosen numbers of a field of a width, by their places in it.
    public func chosen(of width: Int) -> [Int] { indices ?? Array(columns ?? 0..<width) }

    /// How wide the field has to be for what is chosen; nil for a field taken whole.
    public var leastWidth: Int? {
        columns?.upperBound ?? indices.map { indices in indices.max().map { $0 == .max ? $0 : $0 + 1 } ?? 0 }
    }
}

extension FieldSelection {
    /// Reads a name and, if not all numbers are chosen, `columns: [first, end]` or `indices: [0, 2, 5]`.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try fields.decode(String.self, forKey: .name))
        width = try fields.decodeIfPresent(Int.self, forKey: .width)
        indices = try fields.decodeIfPresent([Int].self, forKey: .indices)
        func refusal(_ key: CodingKeys, _ reason: String) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: fields, debugDescription: reason)
        }
        if let indices {
            guard !indices.isEmpty, indices.allSatisfy({ $0 >= 0 }), Set(indices).count == indices.count else {
                throw refusal(.indices, "indices are numbers from 0, each once, such as [0, 2, 5]")
            }
        }
        guard let bounds = try fields.decodeIfPresent([Int].self, forKey: .columns) else { return }
        guard indices == nil else { throw refusal(.columns, "either columns or indices, not both") }
        guard bounds.count == 2, bounds[0] <= bounds[1] else {
            throw refusal(
                .columns, "columns are two numbers, [first, end] without the end; single ones are indices: \(bounds)")
        }
        columns = bounds[0]..<bounds[1]
    }
}

/// What a policy sees at one instant: fields that make up a vector, and camera images.
///
/// A network that looks at images gets, for each instant, the vector's numbers in the order of `fields`, then the features of each image in the order
/// of `images`; the instants follow one after another, the oldest first.
public struct ObservationSchema: Codable, Sendable, Hashable {
    /// The parts of the vector, the first one first.
    public var fields: [FieldSelection]
    /// The camera images, the first one first.
    public var images: [ImageSelection]

    private enum CodingKeys: String, CodingKey {
        case fields
        case images
    }

    /// An observation of the given parts.
    public init(_ fields: [FieldSelection] = [], images: [ImageSelection] = []) {
        self.fields = fields
        self.images = images
    }

    /// Reads the fields and images, either of which may be left out, or a name that stands for fields: `pusht_state` or
    /// `pusht_keypoints`.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: CodingKeys.self) {
            images = try container.decodeIfPresent([ImageSelection].self, forKey: .images) ?? []
            fields =
                images.isEmpty
                ? try container.decode([FieldSelection].self, forKey: .fields)
                : try container.decodeIfPresent([FieldSelection].self, forKey: .fields) ?? []
            return
        }
        let presets = ["pusht_state": Self.pushTState, "pusht_keypoints": Self.pushTKeypoints]
        guard let preset = presets[try String(from: decoder)] else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription:
                        "fields have to be listed; the names \(presets.keys.sorted().joined(separator: " and ")) "
                        + "stand for those of Push-T"))
        }
        self = preset
    }

    /// Writes the fields, and the images where there are any.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(fields, forKey: .fields)
        if !images.isEmpty { try container.encode(images, forKey: .images) }
    }

    /// Push-T, 5 numbers: the agent's x and y, the block's x, y and angle.
    public static let pushTState = ObservationSchema([FieldSelection("state")])
    /// Push-T, 20 numbers: x and y of the nine keypoints, then of the agent.
    ///
    /// This is the order of the reference's low-dimensional dataset.
    public static let pushTKeypoints = ObservationSchema([
        FieldSelection("keypoint"), FieldSelection("state", columns: 0..<2),
    ])

    /// How many numbers the vector has, 0 if there are only images, or `nil` while the width of a field taken whole is unknown.
    public var dimension: Int? {
        var sum = 0
        for field in fields {
            guard let count = field.count else { return nil }
            sum += count
        }
        return sum
    }

    /// What each number of the vector is called: `state[3]`, by the field and the column in it.
    /// - Precondition: the width of each field taken whole is known.
    public var componentNames: [String] {
        fields.flatMap { field in field.chosen(of: field.width ?? 0).map { "\(field.name)[\($0)]" } }
    }

    /// The same schema with the width of every field and the size of every image filled in.
    /// - Parameters:
    ///   - widths: how many numbers each field has, by name.
    ///   - sizes: the size of each camera's images, by name; needed only where there are images.
    /// - Throws: `ObservationError` when a field is missing or too narrow for the columns chosen, an image is missing or of another size, a
    ///   name is chosen as image twice, or nothing is chosen.
    public func resolved(widths: [String: Int], sizes: [String: ImageSize] = [:]) throws -> ObservationSchema {
        guard !fields.isEmpty || !images.isEmpty else { throw ObservationError.nothingChosen }
        let resolvedImages = try images.map { image in
            guard let size = sizes[image.name] else {
                throw ObservationError.missingImage(image.name, available: sizes.keys.sorted())
            }
            try image.check(size)
            return ImageSelection(image.name, size: size, resize: image.resize, crop: image.crop)
        }
        return ObservationSchema(
            try fields.map { field in
                guard let width = widths[field.name] else {
                    throw ObservationError.missingField(field.name, available: widths.keys.sorted())
                }
                try field.check(width: width)
                return FieldSelection(field.name, columns: field.columns, indices: field.indices, width: width)
            }, images: resolvedImages)
    }

    /// The images of an observation, in order.
    ///
    /// An observation may hold more than a policy looks at.
    /// - Throws: `ObservationError` when an image is missing or of another size.
    public func images(from observation: Observation) throws -> [RGBImage] {
        try images.map { selection in
            guard let image = observation.images[selection.name] else {
                throw ObservationError.missingImage(
                    selection.name,
                    available: observation.images.keys.sorted()
                        + observation.vectors.keys.sorted().map { "\($0) (a vector)" })
            }
            try selection.check(image.size)
            return image
        }
    }

    /// The vector of an observation, `[dimension]`, in raw units.
    /// - Parameter origin: what is subtracted in double precision before numbers are rounded to single precision, one number a component;
    ///   nothing if not given.
    /// - Throws: `ObservationError` when a field is missing, has another width, or holds a number that is not finite.
    public func vector(from observation: Observation, origin: [Double]? = nil) throws -> [Float] {
        var vector: [Float] = []
        for field in fields {
            if let values = observation.doubles[field.name] {
                try field.append(values, less: origin, to: &vector)
            } else if let values = observation.vectors[field.name] {
                try field.append(values, less: origin, to: &vector)
            } else {
                let names = Set(observation.vectors.keys).union(observation.doubles.keys)
                throw ObservationError.missingField(field.name, available: names.sorted())
            }
        }
        return vector
    }
}

extension FieldSelection {
    /// Appends the numbers of a field that are meant.
    /// - Parameter origin: what is subtracted from each component of the vector before it is rounded; nothing if nil.
    fileprivate func append<Number: BinaryFloatingPoint>(
        _ values: [Number], less origin: [Double]?, to vector: inout [Float]
    ) throws {
        try check(width: values.count)
        func append(_ chosen: some Collection<Int>) throws {
            if let index = chosen.first(where: { !values[$0].isFinite }) {
                throw ObservationError.notFinite(field: name, index: index, value: "\(values[index])")
            }
            for index in chosen { vector.append(Float(Double(values[index]) - (origin?[vector.count] ?? 0))) }
        }
        if let indices {
            try append(indices)
        } else {
            try append(columns ?? 0..<values.count)
        }
    }

    /// Checks that a field of this width is the one that is meant.
    fileprivate func check(width found: Int) throws {
        if let width, width != found {
            throw ObservationError.wrongWidth(field: name, expected: "\(width) numbers", found: found)
        }
        if let columns, columns.isEmpty || columns.lowerBound < 0 || columns.upperBound > found {
            throw ObservationError.wrongWidth(
                field: name, expected: "columns \(columns.lowerBound)..<\(columns.upperBound) inside the field",
                found: found)
        }
        if let indices, !indices.allSatisfy((0..<found).contains) {
            throw ObservationError.wrongWidth(
                field: name, expected: "indices \(indices) inside the field", found: found)
        }
        if found == 0 { throw ObservationError.wrongWidth(field: name, expected: "at least 1 number", found: 0) }
    }
}

/// An observation that does not hold what a policy needs.
public enum ObservationError: Error, Equatable, CustomStringConvertible {
    /// No field of this name.
    case missingField(String, available: [String])
    /// A field of another width.
    case wrongWidth(field: String, expected: String, found: Int)
    /// No image of this name.
    case missingImage(String, available: [String])
    /// An image that the policy does not look at.
    case unexpectedImage(String, known: [String])
    /// An image of another size.
    case wrongSize(image: String, expected: String, found: ImageSize)
    /// A number that is infinite or none at all.
    case notFinite(field: String, index: Int, value: String)
    /// A schema without fields.
    case nothingChosen

    /// One line: where, what was expected, what was found.
    public var description: String {
        switch self {
        case .missingField(let name, let available):
            "observation: expected a field \"\(name)\", found "
                + (available.isEmpty ? "none" : available.joined(separator: ", "))
        case .wrongWidth(let field, let expected, let found):
            "observation field \"\(field)\": expected \(expected), found \(found) numbers"
        case .missingImage(let name, let available):
            "observation: expected an image \"\(name)\", found "
                + (available.isEmpty ? "none" : available.joined(separator: ", "))
        case .unexpectedImage(let name, let known):
            "observation image \"\(name)\": expected "
                + (known.isEmpty ? "no images" : "only \(known.joined(separator: ", "))") + ", found this one"
        case .wrongSize(let image, let expected, let found):
            "observation image \"\(image)\": expected \(expected), found \(found)"
        case .notFinite(let field, let index, let value):
            "observation field \"\(field)\", number \(index): expected a finite number, found \(value)"
        case .nothingChosen: "observation: expected at least one field, found none"
        }
    }
}
