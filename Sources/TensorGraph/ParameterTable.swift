/// Where each parameter lies in the one flat vector that holds all of them.
///
/// Gradients, the optimiser's moments and the moving average are vectors of the same length with the same table. Files store names, never
/// offsets.
public struct ParameterTable: Sendable, Hashable {
    /// The place of one parameter.
    public struct Range: Sendable, Hashable {
        /// What the range holds.
        public var parameter: Parameter
        /// Index of its first element in the flat vector.
        public var offset: Int
        /// Whether training changes it; a frozen range has no gradient.
        public var isTrainable: Bool
        /// Factor of the learning rate.
        public var rateMultiplier: Float

        /// The name in PyTorch's `state_dict`.
        public var name: String { parameter.name }
        /// The shape in PyTorch.
        public var shape: Shape { parameter.shape }
        /// The indices of its elements in the flat vector.
        public var elements: Swift.Range<Int> { offset..<offset + shape.count }
    }

    /// The ranges, in the order of the parameters.
    public private(set) var ranges: [Range] = []
    /// Length of the flat vector, in elements; ranges start at multiples of 16, the elements between them stay 0.
    public private(set) var count = 0
    private var indices: [String: Int] = [:]

    /// A table of the given parameters, one after another.
    /// - Precondition: no two parameters have the same name.
    public init(_ parameters: [Parameter]) {
        for parameter in parameters {
            precondition(indices[parameter.name] == nil, "two parameters are named \(parameter.name)")
            indices[parameter.name] = ranges.count
            ranges.append(Range(parameter: parameter, offset: count, isTrainable: true, rateMultiplier: 1))
            count += (parameter.shape.count + 15) / 16 * 16
        }
    }

    /// The number of parameters proper, without the gaps between ranges.
    public var parameterCount: Int { ranges.reduce(0) { $0 + $1.shape.count } }

    /// The index of a parameter by its name.
    public func index(of name: String) -> Int? { indices[name] }

    /// Changes how the ranges whose names begin with `prefix` are trained.
    public mutating func setTraining(ofPrefix prefix: String, isTrainable: Bool, rateMultiplier: Float = 1) {
        for index in ranges.indices where ranges[index].name.hasPrefix(prefix) {
            ranges[index].isTrainable = isTrainable
            ranges[index].rateMultiplier = rateMultiplier
        }
    }
}
