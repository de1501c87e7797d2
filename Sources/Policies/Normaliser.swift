public import PolicyInterface

/// Brings raw observations and actions to the scale that the network works in, and back.
///
/// Each component has a scale and an offset of its own, `normalised = scale · raw + offset`, fitted to all frames of the demonstrations as
/// the reference implementation's `LinearNormalizer` does: by limits (smallest to −1, largest to 1), gaussian (mean to 0, deviation to 1) or
/// left as they are. Training normalises its windows with it; a policy normalises what it sees and brings what it predicts back.
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
            let count = field.columns?.count ?? field.width ?? 0
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
                guard map.scale[index].isFinite, map.scale[index] > 0, map.offset[index].isFinite else {
                    throw InvalidSetting(
                        key: "normaliser.\(name), component \(index)", expected: "a finite scale above 0 and offset",
                        found: "\(map.scale[index]) and \(map.offset[index])")
                }
            }
            if let extent = map.demonstrated {
                guard extent.lower.count == dimension, extent.upper.count == dimension,
                    zip(extent.lower, extent.upper).allSatisfy({ $0.isFinite && $1.isFinite && $0 <= $1 })
                else {
                    throw InvalidSetting(
                        key: "normaliser.\(name).demonstrated", expected: "\(dimension) finite numbers, the lower ones first",
                        found: "\(extent.lower) and \(extent.upper)")
                }
            }
        }
    }
}

/// A scale and an offset for each component of a vector: `y = scale · x + offset`.
public struct ComponentwiseMap: Codable, Sendable, Hashable {
    /// The factors, one a component; never 0.
    public private(set) var scale: [Float]
    /// What is added, one a component.
    public private(set) var offset: [Float]
    /// What the components ranged over in the demonstrations; nil where nobody kept it, as in policies of earlier versions.
    public private(set) var demonstrated: Extent?

    /// The smallest and the largest number of each component, in raw units.
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
    public init(scale: [Float], offset: [Float], demonstrated: Extent? = nil) {
        precondition(scale.count == offset.count, "\(scale.count) factors and \(offset.count) offsets")
        self.scale = scale
        self.offset = offset
        self.demonstrated = demonstrated
    }

    /// How many components the vectors have.
    public var dimension: Int { scale.count }

    /// Maps vectors that lie one after another, `[…, dimension]`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func apply(to values: inout [Float]) {
        transform(&values) { value, scale, offset in scale * value + offset }
    }

    /// Maps vectors that lie one after another back, `x = (y − offset) / scale`; a component that never changed becomes exactly what it was,
    /// whatever y is.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func invert(_ values: inout [Float]) {
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

extension ComponentwiseMap {
    /// The map that each component's mode asks for.
    ///
    /// A constant component is only moved, to 0: there is nothing to stretch.
    fileprivate init(fitting statistics: FieldStatistics, modes: [Normalisation.Mode]) {
        precondition(
            statistics.minimum.count == modes.count, "statistics of \(statistics.minimum.count), not \(modes.count)")
        var upper = statistics.maximum
        let pairs: [(scale: Float, offset: Float)] = modes.indices.map { index in
            let lowest = statistics.minimum[index]
            let isConstant = statistics.isConstant(index)
            if isConstant { upper[index] = lowest }
            switch modes[index] {
            case .identity: return (1, 0)
            case .limits where isConstant, .gaussian where isConstant: return (1, -lowest)
            case .limits:
                let scale = 2 / (upper[index] - lowest)
                return (scale, -1 - scale * lowest)
            case .gaussian:
                let scale = 1 / statistics.standardDeviation[index]
                return (scale, -scale * statistics.mean[index])
            }
        }
        self.init(
            scale: pairs.map(\.scale), offset: pairs.map(\.offset),
            demonstrated: Extent(lower: statistics.minimum, upper: upper))
    }
}
