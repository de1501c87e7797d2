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
                guard map.scale[index].isFinite, map.scale[index] > 0, map.offset[index].isFinite else {
                    throw InvalidSetting(
                        key: "normaliser.\(name), component \(index)", expected: "a finite scale above 0 and offset",
                        found: "\(map.scale[index]) and \(map.offset[index])")
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

    /// A map from its numbers.
    /// - Precondition: there are as many factors as offsets.
    public init(scale: [Float], offset: [Float]) {
        precondition(scale.count == offset.count, "\(scale.count) factors and \(offset.count) offsets")
        self.scale = scale
        self.offset = offset
    }

    /// How many components the vectors have.
    public var dimension: Int { scale.count }

    /// Maps vectors that lie one after another, `[…, dimension]`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func apply(to values: inout [Float]) {
        transform(&values) { value, scale, offset in scale * value + offset }
    }

    /// Maps vectors that lie one after another back, `x = (y − offset) / scale`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func invert(_ values: inout [Float]) {
        transform(&values) { value, scale, offset in (value - offset) / scale }
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
    /// A component that varies less than this counts as constant: `range_eps` of the reference implementation.
    private static let constantRange: Float = 1e-4

    /// The map that each component's mode asks for.
    ///
    /// A constant component is only moved: to 0, the middle of the range. Dividing by its tiny spread would blow noise up.
    fileprivate init(fitting statistics: FieldStatistics, modes: [Normalisation.Mode]) {
        precondition(
            statistics.minimum.count == modes.count, "statistics of \(statistics.minimum.count), not \(modes.count)")
        let pairs: [(scale: Float, offset: Float)] = modes.indices.map { index in
            switch modes[index] {
            case .limits:
                let (lowest, highest) = (statistics.minimum[index], statistics.maximum[index])
                let range = highest - lowest
                if range < Self.constantRange { return (1, -lowest) }
                let scale = 2 / range
                return (scale, -1 - scale * lowest)
            case .gaussian:
                let deviation = statistics.standardDeviation[index]
                let scale = deviation < Self.constantRange ? 1 : 1 / deviation
                return (scale, -scale * statistics.mean[index])
            case .identity:
                return (1, 0)
            }
        }
        self.init(scale: pairs.map(\.scale), offset: pairs.map(\.offset))
    }
}
