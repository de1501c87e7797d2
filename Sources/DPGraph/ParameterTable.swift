/// The position of each parameter in the one flat vector that holds all of them.
///
/// Gradients, the optimizer's moments and the EMA are vectors of the same length with the same table. Files store
/// names, never offsets.
package struct ParameterTable: Sendable, Hashable {
    /// The range of one parameter in the flat vector.
    package struct Range: Sendable, Hashable {
        /// The parameter that the range holds.
        package var parameter: Parameter
        /// Index of its first element in the flat vector.
        package var offset: Int
        /// Whether training changes it; a frozen range has no gradient.
        package var isTrainable: Bool
        /// Factor of the learning rate.
        package var rateMultiplier: Float

        /// The name in PyTorch's `state_dict`.
        package var name: String { parameter.name }
        /// The shape in PyTorch.
        package var shape: Shape { parameter.shape }
        /// The indices of its elements in the flat vector.
        package var elements: Swift.Range<Int> { offset..<offset + shape.count }
    }

    /// The ranges, in the order of the parameters.
    package private(set) var ranges: [Range] = []
    /// Length of the flat vector, in elements.
    ///
    /// Ranges start at multiples of 16; the elements between them stay 0.
    package private(set) var count = 0
    private var indices: [String: Int] = [:]

    /// Creates a table of the given parameters, one after another.
    /// - Precondition: no two parameters have the same name.
    package init(_ parameters: [Parameter]) {
        for parameter in parameters {
            precondition(indices[parameter.name] == nil, "two parameters are named \(parameter.name)")
            indices[parameter.name] = ranges.count
            ranges.append(Range(parameter: parameter, offset: count, isTrainable: true, rateMultiplier: 1))
            count += (parameter.shape.count + 15) / 16 * 16
        }
    }

    /// The number of elements of all parameters, without the gaps between ranges.
    package var parameterCount: Int { ranges.reduce(0) { $0 + $1.shape.count } }

    /// Returns the index of a parameter by its name.
    package func index(of name: String) -> Int? { indices[name] }

    /// Changes how the ranges whose names begin with `prefix` are trained.
    package mutating func setTraining(ofPrefix prefix: String, isTrainable: Bool, rateMultiplier: Float = 1) {
        for index in ranges.indices where ranges[index].name.hasPrefix(prefix) {
            ranges[index].isTrainable = isTrainable
            ranges[index].rateMultiplier = rateMultiplier
        }
    }
}
