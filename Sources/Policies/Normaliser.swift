public import PolicyInterface

/// Brings raw observations and actions to the scale that the network works in, and back.
///
/// Each component has a scale and an offset of its own, `normalised = scale · raw + offset`, and where single precision cannot hold the raw numbers an
/// origin, which is subtracted first. They are fitted to all frames of the demonstrations as
/// the reference implementation's `LinearNormalizer` does: by limits (smallest to −1, largest to 1), quantiles (1 % to −1, 99 % to 1), gaussian
/// (mean to 0, deviation to 1) or left as they are. Training normalises its windows with it; a policy normalises what it sees and brings what it predicts back.
public struct Normaliser: Codable, Sendable, Hashable {
    /// From a raw observation vector to a normalised one, `[D]`.
    public var observation: ComponentwiseMap
    /// From a raw action to a normalised one, `[A]`.
    public var action: ComponentwiseMap

    /// A normaliser from its parts.
    public init(observation: ComponentwiseMap, action: ComponentwiseMap) {
        self.observation = observation
        self.action = action
    }

    /// The normaliser that a configuration asks for, fitted to demonstrations.
    /// - Parameters:
    ///   - observation: statistics of the components of the observation vector, in the order of the configuration's fields.
    ///   - action: statistics of the components of the actions.
    /// - Precondition: there are as many statistics as the configuration has components.
    /// - Throws: `InvalidSetting` when a component's range does not fit into single precision.
    public init(
        for configuration: PolicyConfiguration, observation: FieldStatistics, action: FieldStatistics
    ) throws {
        _ = try configuration.observationDimension()
        let modes = configuration.observations.fields.flatMap { field in
            let count = field.count ?? 0
            return Array(repeating: configuration.normalisation.mode(ofField: field.name), count: count)
        }
        self.observation = ComponentwiseMap(fitting: observation, modes: modes)
        self.action = ComponentwiseMap(
            fitting: action,
            modes: Array(repeating: configuration.normalisation.action, count: configuration.action.dimension))
        try validate(for: configuration)
    }

    /// Checks that there is a usable scale and offset for each component of a configuration.
    /// - Throws: `InvalidSetting`, naming the component.
    public func validate(for configuration: PolicyConfiguration) throws {
        let parts = [
            ("observation", observation, try configuration.observationDimension()),
            ("action", action, configuration.action.dimension),
        ]
        for (name, map, dimension) in parts {
            guard map.scale.count == dimension, map.offset.count == dimension else {
                throw InvalidSetting(
                    key: "normaliser.\(name)", expected: "\(dimension) scales and offsets",
                    found: "\(map.scale.count) and \(map.offset.count)")
            }
            for index in 0..<dimension {
                guard map.scale[index].isFinite, map.scale[index] > 0, map.offset[index].isFinite,
                    map.origin[index].isFinite
                else {
                    throw InvalidSetting(
                        key: "normaliser.\(name), component \(index)",
                        expected: "a finite scale above 0, offset and origin",
                        found: "\(map.scale[index]), \(map.offset[index]) and \(map.origin[index])")
                }
            }
            if let extent = map.demonstrated {
                guard extent.lower.count == dimension, extent.upper.count == dimension,
                    zip(extent.lower, extent.upper).allSatisfy({ $0.isFinite && $1.isFinite && $0 <= $1 })
                else {
                    throw InvalidSetting(
                        key: "normaliser.\(name).demonstrated",
                        expected: "\(dimension) finite numbers, the lower ones first",
                        found: "\(extent.lower) and \(extent.upper)")
                }
            }
        }
    }
}

/// A scale and an offset for each component of a vector: `y = scale · (x − origin) + offset`, the origin subtracted in double precision, for some components clamped to −1 … 1.
public struct ComponentwiseMap: Sendable, Hashable {
    /// The factors, one a component; never 0.
    public private(set) var scale: [Float]
    /// What is added, one a component.
    public private(set) var offset: [Float]
    /// What is subtracted from raw numbers in double precision before anything else; 0 unless single precision cannot hold them.
    ///
    /// Numbers without it are called relative.
    public private(set) var origin: [Double]
    /// What the components ranged over in the demonstrations; nil where nobody kept it, as in policies of earlier versions.
    public private(set) var demonstrated: Extent?
    /// Which components are moved into −1 … 1 when they are mapped.
    public private(set) var isClamped: [Bool]

    /// The smallest and the largest relative number of each component; by quantiles those that 1 % and 99 % lie below.
    public struct Extent: Codable, Sendable, Hashable {
        /// The smallest numbers.
        public var lower: [Float]
        /// The largest numbers; those of a component that never changes are its smallest.
        public var upper: [Float]

        /// The ends of ranges, one a component.
        public init(lower: [Float], upper: [Float]) {
            self.lower = lower
            self.upper = upper
        }
    }

    /// A map from its numbers.
    /// - Precondition: there are as many factors as offsets.
    public init(
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

    /// How many components the vectors have.
    public var dimension: Int { scale.count }

    /// Whether there is something to subtract.
    public var hasOrigin: Bool { origin.contains { $0 != 0 } }

    /// Maps raw vectors that lie one after another, `[…, dimension]`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func apply(to values: inout [Float]) {
        makeRelative(&values)
        applyToRelative(&values)
    }

    /// Takes the origin away from vectors, which makes them relative.
    public func makeRelative(_ values: inout [Float]) { shift(&values) { Float(Double($0) - $1) } }

    /// Adds the origin to relative vectors, which makes them raw, as far as single precision can hold them.
    public func makeRaw(_ values: inout [Float]) { shift(&values) { Float(Double($0) + $1) } }

    /// Raw vectors without the origin.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func relative(_ raw: [Double]) -> [Float] {
        raw.enumerated().map { Float($1 - origin[$0 % dimension]) }
    }

    /// Relative vectors with the origin.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func raw(_ relative: [Float]) -> [Double] {
        relative.enumerated().map { Double($1) + origin[$0 % dimension] }
    }

    private func shift(_ values: inout [Float], _ move: (Float, Double) -> Float) {
        for component in 0..<dimension where origin[component] != 0 {
            for index in stride(from: component, to: values.count, by: dimension) {
                values[index] = move(values[index], origin[component])
            }
        }
    }

    /// Maps relative vectors that lie one after another, `[…, dimension]`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func applyToRelative(_ values: inout [Float]) {
        transform(&values) { value, scale, offset in scale * value + offset }
        for component in 0..<dimension where isClamped[component] {
            for index in stride(from: component, to: values.count, by: dimension) {
                values[index] = min(max(values[index], -1), 1)
            }
        }
    }

    /// Maps vectors that lie one after another back to raw ones, `x = (y − offset) / scale + origin`; a component that never changed becomes
    /// exactly what it was, whatever y is.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func invert(_ values: inout [Float]) {
        invertToRelative(&values)
        makeRaw(&values)
    }

    /// Maps vectors that lie one after another back to relative ones; see `invert(_:)`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func invertToRelative(_ values: inout [Float]) {
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

extension ComponentwiseMap: Codable {
    private enum CodingKeys: String, CodingKey {
        case scale
        case offset
        case origin
        case demonstrated
        case isClamped = "clamped"
    }

    /// Reads the numbers; what earlier versions did not write may be absent.
    /// - Throws: `DecodingError`, also when there are not as many of one kind as of the others.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        scale = try fields.decode([Float].self, forKey: .scale)
        offset = try fields.decode([Float].self, forKey: .offset)
        demonstrated = try fields.decodeIfPresent(Extent.self, forKey: .demonstrated)
        isClamped =
            try fields.decodeIfPresent([Bool].self, forKey: .isClamped) ?? Array(repeating: false, count: scale.count)
        origin = try fields.decodeIfPresent([Double].self, forKey: .origin) ?? Array(repeating: 0, count: scale.count)
        guard isClamped.count == scale.count, origin.count == scale.count else {
            throw DecodingError.dataCorruptedError(
                forKey: isClamped.count == scale.count ? .origin : .isClamped, in: fields,
                debugDescription: "not one value for each of \(scale.count) components")
        }
    }

    /// Writes the numbers, without what is not used.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(scale, forKey: .scale)
        try fields.encode(offset, forKey: .offset)
        if hasOrigin { try fields.encode(origin, forKey: .origin) }
        try fields.encodeIfPresent(demonstrated, forKey: .demonstrated)
        if isClamped.contains(true) { try fields.encode(isClamped, forKey: .isClamped) }
    }
}

extension Normaliser {
    /// Whether a version of this software that knows only scale and offset would act wrongly with it.
    var needsMoreThanScaleAndOffset: Bool {
        [observation, action].contains { $0.isClamped.contains(true) || $0.hasOrigin }
    }

    /// Whether another one maps numbers as this one does, bit for bit.
    public func isSameMap(as other: Normaliser) -> Bool {
        observation.isSameMap(as: other.observation) && action.isSameMap(as: other.action)
    }
}

extension ComponentwiseMap {
    fileprivate func isSameMap(as other: ComponentwiseMap) -> Bool {
        var (map, other) = (self, other)
        // What was demonstrated has no part in how numbers are mapped to those of the network.
        map.demonstrated = nil
        other.demonstrated = nil
        return map == other
    }
}

extension ComponentwiseMap {
    /// The map that each component's mode asks for.
    ///
    /// A constant component is only moved, to 0: there is nothing to stretch.
    fileprivate init(fitting statistics: FieldStatistics, modes: [Normalisation.Mode]) {
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

extension FieldStatistics {
    /// What a column ranges over as far as a rule is concerned; one number where it never changes.
    fileprivate func extent(of column: Int, by mode: Normalisation.Mode) -> (lower: Float, upper: Float) {
        if isConstant(column) { return (minimum[column], minimum[column]) }
        switch mode {
        case .limits, .gaussian, .identity: return (minimum[column], maximum[column])
        case .quantiles, .clampedQuantiles:
            let (lower, upper) = (lowerQuantile[column], upperQuantile[column])
            return Self.isConstant(lower, upper) ? (minimum[column], maximum[column]) : (lower, upper)
        }
    }
}
