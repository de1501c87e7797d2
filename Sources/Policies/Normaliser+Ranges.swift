import PolicyInterface

extension ComponentwiseMap {
    /// What the components of observations ranged over, raw.
    ///
    /// Of policies that were stored before ranges were kept, the rule of each component tells about as much: by limits, all demonstrated numbers
    /// became −1 … 1, and by mean and deviation hardly one lies beyond −3 … 3.
    func demonstratedRanges(of configuration: PolicyConfiguration) -> DemonstratedRanges {
        let schema = configuration.observations
        if let demonstrated {
            return DemonstratedRanges(schema, lower: raw(demonstrated.lower), upper: raw(demonstrated.upper))
        }
        let reach: [Double] = schema.fields.flatMap { field in
            let reach: Double =
                switch configuration.normalisation.mode(ofField: field.name) {
                case .limits, .quantiles, .clampedQuantiles: 1
                case .gaussian: 3
                case .identity: .infinity
                }
            return Array(repeating: reach, count: field.count ?? 0)
        }
        func ends(_ sign: Double) -> [Double] {
            reach.indices.map { (sign * reach[$0] - Double(offset[$0])) / Double(scale[$0]) + origin[$0] }
        }
        return DemonstratedRanges(schema, lower: ends(-1), upper: ends(1))
    }
}
