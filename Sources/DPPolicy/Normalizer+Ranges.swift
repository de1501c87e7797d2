import DPInterface

extension ElementwiseAffine {
    /// Returns the raw ranges of the observation components in the dataset.
    ///
    /// For policies stored without ranges, the mode of each component gives an estimate: `limits` maps all values
    /// of the dataset to −1 … 1, and with `gaussian` hardly any value is beyond −3 … 3.
    func demonstratedRanges(of configuration: PolicyConfiguration) -> TrainingRanges {
        let schema = configuration.observations
        if let demonstrated {
            return TrainingRanges(schema, lower: raw(demonstrated.lower), upper: raw(demonstrated.upper))
        }
        let reach: [Double] = schema.features.flatMap { feature in
            let reach: Double =
                switch configuration.normalization.mode(ofFeature: feature.name) {
                case .limits, .quantiles, .clampedQuantiles: 1
                case .gaussian: 3
                case .identity: .infinity
                }
            return Array(repeating: reach, count: feature.count ?? 0)
        }
        func ends(_ sign: Double) -> [Double] {
            reach.indices.map { (sign * reach[$0] - Double(offset[$0])) / Double(scale[$0]) + origin[$0] }
        }
        return TrainingRanges(schema, lower: ends(-1), upper: ends(1))
    }
}
