import DPBase
package import DPInterface

/// The conversion of raw observations and actions to normalized values, and back.
///
/// Each component has its own scale and offset, `normalized = scale · raw + offset`, and, where raw values need
/// double precision, an origin that is subtracted first. They are fitted to all frames of the dataset like those of
/// the reference implementation's `LinearNormalizer`: by limits (smallest to −1, largest to 1), by quantiles (1 %
/// to −1, 99 % to 1), by mean and standard deviation (mean to 0, standard deviation to 1), or not at all. Training
/// normalizes its windows with it; a policy normalizes its observations and converts its predictions back.
package struct Normalizer: Codable, Sendable, Hashable {
    /// The map from raw to normalized observation vectors, `[D]`.
    package var observation: ElementwiseAffine
    /// The map from raw to normalized actions, `[A]`.
    package var action: ElementwiseAffine

    /// Creates a normalizer from its parts.
    package init(observation: ElementwiseAffine, action: ElementwiseAffine) {
        self.observation = observation
        self.action = action
    }

    /// Creates the normalizer of a configuration, fitted to a dataset.
    /// - Parameters:
    ///   - observation: statistics of the components of the observation vector, in the order of the configuration's
    ///     features.
    ///   - action: statistics of the components of the actions.
    /// - Precondition: the number of statistics is the number of components of the configuration.
    /// - Throws: `InputError` when a component's range does not fit into single precision.
    package init(
        for configuration: PolicyConfiguration, observation: FeatureStatistics, action: FeatureStatistics
    ) throws {
        _ = try configuration.observationDimension()
        let modes = configuration.observations.features.flatMap { feature in
            let count = feature.count ?? 0
            return Array(repeating: configuration.normalization.mode(ofFeature: feature.name), count: count)
        }
        self.observation = ElementwiseAffine(fitting: observation, modes: modes)
        self.action = ElementwiseAffine(
            fitting: action,
            modes: Array(repeating: configuration.normalization.action, count: configuration.action.dimension))
        try validate(for: configuration)
    }

    /// Checks that there is a valid scale and offset for each component of a configuration.
    /// - Throws: `InputError`, which names the component.
    package func validate(for configuration: PolicyConfiguration) throws {
        let parts = [
            ("observation", observation, try configuration.observationDimension()),
            ("action", action, configuration.action.dimension),
        ]
        for (name, map, dimension) in parts {
            guard map.scale.count == dimension, map.offset.count == dimension else {
                throw InputError(
                    key: "normalizer.\(name)", expected: "\(dimension) scales and offsets",
                    found: "\(map.scale.count) and \(map.offset.count)")
            }
            for index in 0..<dimension {
                guard map.scale[index].isFinite, map.scale[index] > 0, map.offset[index].isFinite,
                    map.origin[index].isFinite
                else {
                    throw InputError(
                        key: "normalizer.\(name), component \(index)",
                        expected: "a finite scale above 0, offset and origin",
                        found: "\(map.scale[index]), \(map.offset[index]) and \(map.origin[index])")
                }
            }
            if let extent = map.demonstrated {
                guard extent.lower.count == dimension, extent.upper.count == dimension,
                    zip(extent.lower, extent.upper).allSatisfy({ $0.isFinite && $1.isFinite && $0 <= $1 })
                else {
                    throw InputError(
                        key: "normalizer.\(name).demonstrated",
                        expected: "\(dimension) finite numbers, the lower ones first",
                        found: "\(extent.lower) and \(extent.upper)")
                }
            }
        }
    }
}

/// An affine map of each component of a vector, `y = scale · (x − origin) + offset`.
///
/// The origin is subtracted in double precision; some components are clamped to −1 … 1.
package struct ElementwiseAffine: Sendable, Hashable {
    /// The factors, one per component; never 0.
    package private(set) var scale: [Float]
    /// The offsets, one per component.
    package private(set) var offset: [Float]
    /// The numbers that are subtracted first from raw values, in double precision; 0 where single precision is
    /// sufficient.
    ///
    /// Values with the origin subtracted are called relative.
    package private(set) var origin: [Double]
    /// The ranges of the components in the dataset; nil if they were not stored, as in policies of earlier versions.
    package private(set) var demonstrated: Extent?
    /// Which components are clamped to −1 … 1 when they are mapped.
    package private(set) var isClamped: [Bool]

    /// The smallest and the largest relative value of each component; with quantiles, the 1 % and 99 % quantiles.
    package struct Extent: Codable, Sendable, Hashable {
        /// The smallest values.
        package var lower: [Float]
        /// The largest values; equal to the smallest for a constant component.
        package var upper: [Float]

        /// Creates an extent from the ends of its ranges, one per component.
        package init(lower: [Float], upper: [Float]) {
            self.lower = lower
            self.upper = upper
        }
    }

    /// Creates a map from its numbers.
    /// - Precondition: the numbers of factors and offsets are equal.
    package init(
        scale: [Float], offset: [Float], origin: [Double]? = nil, demonstrated: Extent? = nil, isClamped: [Bool]? = nil
    ) {
        precondition(scale.count == offset.count, "\(scale.count) factors and \(offset.count) offsets")
        self.scale = scale
        self.offset = offset
        self.origin = origin ?? [Double](repeating: 0, count: scale.count)
        precondition(self.origin.count == scale.count, "\(scale.count) factors and \(self.origin.count) origins")
        self.demonstrated = demonstrated
        self.isClamped = isClamped ?? [Bool](repeating: false, count: scale.count)
        precondition(self.isClamped.count == scale.count, "\(scale.count) factors, \(self.isClamped.count) clamps")
    }

    /// Number of components of a vector.
    package var dimension: Int { scale.count }

    /// Whether any component has an origin other than 0.
    package var hasOrigin: Bool { origin.contains { $0 != 0 } }

    /// Maps consecutive raw vectors, `[…, dimension]`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    package func apply(to values: inout [Float]) {
        makeRelative(&values)
        applyToRelative(&values)
    }

    /// Subtracts the origin from raw vectors, which makes them relative.
    package func makeRelative(_ values: inout [Float]) { shift(&values) { Float(Double($0) - $1) } }

    /// Adds the origin to relative vectors, which makes them raw, rounded to single precision.
    package func makeRaw(_ values: inout [Float]) { shift(&values) { Float(Double($0) + $1) } }

    /// Returns raw vectors with the origin subtracted.
    /// - Precondition: the number of elements is a multiple of the dimension.
    package func relative(_ raw: [Double]) -> [Float] {
        raw.enumerated().map { Float($1 - origin[$0 % dimension]) }
    }

    /// Returns relative vectors with the origin added.
    /// - Precondition: the number of elements is a multiple of the dimension.
    package func raw(_ relative: [Float]) -> [Double] {
        relative.enumerated().map { Double($1) + origin[$0 % dimension] }
    }

    private func shift(_ values: inout [Float], _ move: (Float, Double) -> Float) {
        for component in 0..<dimension where origin[component] != 0 {
            for index in stride(from: component, to: values.count, by: dimension) {
                values[index] = move(values[index], origin[component])
            }
        }
    }

    /// Maps consecutive relative vectors, `[…, dimension]`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    package func applyToRelative(_ values: inout [Float]) {
        transform(&values) { value, scale, offset in scale * value + offset }
        for component in 0..<dimension where isClamped[component] {
            for index in stride(from: component, to: values.count, by: dimension) {
                values[index] = min(max(values[index], -1), 1)
            }
        }
    }

    /// Maps consecutive normalized vectors back to raw ones, `x = (y − offset) / scale + origin`; a constant
    /// component becomes exactly its original value for any y.
    /// - Precondition: the number of elements is a multiple of the dimension.
    package func invert(_ values: inout [Float]) {
        invertToRelative(&values)
        makeRaw(&values)
    }

    /// Maps consecutive normalized vectors back to relative ones; see `invert(_:)`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    package func invertToRelative(_ values: inout [Float]) {
        transform(&values) { value, scale, offset in (value - offset) / scale }
        guard let demonstrated else { return }
        for component in 0..<dimension where demonstrated.lower[component] == demonstrated.upper[component] {
            for index in stride(from: component, to: values.count, by: dimension) {
                values[index] = demonstrated.lower[component]
            }
        }
    }

    private func transform(_ values: inout [Float], _ map: (Float, Float, Float) -> Float) {
        if dimension == 0 { return precondition(values.isEmpty, "\(values.count) numbers for vectors of 0") }
        precondition(values.count % dimension == 0, "\(values.count) numbers for vectors of \(dimension)")
        for start in stride(from: 0, to: values.count, by: dimension) {
            for component in 0..<dimension {
                values[start + component] = map(values[start + component], scale[component], offset[component])
            }
        }
    }
}

extension ElementwiseAffine: Codable {
    private enum CodingKeys: String, CodingKey {
        case scale
        case offset
        case origin
        case demonstrated
        case isClamped = "clamped"
    }

    /// Reads the map; keys that earlier versions did not write may be absent.
    /// - Throws: `DecodingError`, also when the arrays have different lengths.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        scale = try container.decode([Float].self, forKey: .scale)
        offset = try container.decode([Float].self, forKey: .offset)
        demonstrated = try container.decodeIfPresent(Extent.self, forKey: .demonstrated)
        isClamped =
            try container.decodeIfPresent([Bool].self, forKey: .isClamped)
            ?? Array(repeating: false, count: scale.count)
        origin =
            try container.decodeIfPresent([Double].self, forKey: .origin)
            ?? Array(repeating: 0, count: scale.count)
        guard isClamped.count == scale.count, origin.count == scale.count else {
            throw DecodingError.dataCorruptedError(
                forKey: isClamped.count == scale.count ? .origin : .isClamped, in: container,
                debugDescription: "not one value for each of \(scale.count) components")
        }
    }

    /// Writes the map, without unused keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(scale, forKey: .scale)
        try container.encode(offset, forKey: .offset)
        if hasOrigin { try container.encode(origin, forKey: .origin) }
        try container.encodeIfPresent(demonstrated, forKey: .demonstrated)
        if isClamped.contains(true) { try container.encode(isClamped, forKey: .isClamped) }
    }
}

extension Normalizer {
    /// Returns whether another normalizer maps values in the same way, bit for bit.
    package func isSameMap(as other: Normalizer) -> Bool {
        observation.isSameMap(as: other.observation) && action.isSameMap(as: other.action)
    }
}

extension ElementwiseAffine {
    fileprivate func isSameMap(as other: ElementwiseAffine) -> Bool {
        var (map, other) = (self, other)
        // The stored ranges do not affect the mapping to normalized values.
        map.demonstrated = nil
        other.demonstrated = nil
        return map == other
    }
}

extension ElementwiseAffine {
    /// Creates the map for each component's mode.
    ///
    /// A constant component is only shifted to 0, since there is no range to scale.
    fileprivate init(fitting statistics: FeatureStatistics, modes: [Normalization.Mode]) {
        precondition(
            statistics.minimum.count == modes.count, "statistics of \(statistics.minimum.count), not \(modes.count)")
        let extents = modes.indices.map { statistics.extent(of: $0, by: modes[$0]) }
        let pairs: [(scale: Float, offset: Float)] = modes.indices.map { index in
            let (lower, upper) = extents[index]
            if modes[index] != .identity, lower == upper { return (1, -lower) }
            switch modes[index] {
            case .identity: return (1, 0)
            case .limits, .quantiles, .clampedQuantiles:
                let scale = 2 / (upper - lower)
                return (scale, -1 - scale * lower)
            case .gaussian:
                let scale = 1 / statistics.standardDeviation[index]
                return (scale, -scale * statistics.mean[index])
            }
        }
        self.init(
            scale: pairs.map(\.scale), offset: pairs.map(\.offset), origin: statistics.origin,
            demonstrated: Extent(lower: extents.map(\.lower), upper: extents.map(\.upper)),
            isClamped: modes.map { $0 == .clampedQuantiles })
    }
}

extension FeatureStatistics {
    /// Returns the range of a component for a mode; a single value for a constant component.
    fileprivate func extent(of component: Int, by mode: Normalization.Mode) -> (lower: Float, upper: Float) {
        if isConstant(component) { return (minimum[component], minimum[component]) }
        switch mode {
        case .limits, .gaussian, .identity: return (minimum[component], maximum[component])
        case .quantiles, .clampedQuantiles:
            let (lower, upper) = (lowerQuantile[component], upperQuantile[component])
            return Self.isConstant(lower, upper) ? (minimum[component], maximum[component]) : (lower, upper)
        }
    }
}
