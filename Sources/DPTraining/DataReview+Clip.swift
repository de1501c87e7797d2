import DPInterface
import DPPolicy

extension DataReview {
    /// Checks that the demonstrated values lie, after normalization, within the clip range of predicted samples.
    ///
    /// Demonstrated actions beyond that range could not be reached.
    /// - Throws: `TrainingError.wrongData` with the largest number found.
    func checkClip(_ normalizer: Normalizer) throws {
        guard let clip = policy.diffusion.clip else { return }
        try check(commanded, normalizer.action, clip) { _ in ("action", policy.normalization.action) }
        guard policy.conditioning == .inpainting else { return }
        let features = policy.observations.features.flatMap { feature in
            Array(repeating: feature.name, count: feature.count ?? 0)
        }
        try check(observed, normalizer.observation, clip) {
            ("features.\(features[$0])", policy.normalization.mode(ofFeature: features[$0]))
        }
    }

    private func check(
        _ components: [Component], _ map: ElementwiseAffine, _ clip: Double,
        rule: (Int) -> (key: String, mode: Normalization.Mode)
    ) throws {
        func largest(_ index: Int) -> Double {
            let statistics = components[index].statistics
            return [statistics.minimum[index], statistics.maximum[index]].map {
                abs(Double(map.scale[index]) * Double($0) + Double(map.offset[index]))
            }.max() ?? 0
        }
        // Limits map all numbers to −1 … 1, except for rounding.
        let unbounded = components.indices.filter { !(rule($0).mode.isBounded && clip >= 1) && largest($0) > clip }
        guard let worst = unbounded.max(by: { largest($0) < largest($1) }) else { return }
        throw TrainingError.wrongData(
            key: "policy.normalization.\(rule(worst).key)",
            expected: """
                numbers of magnitude at most \(text(clip)) after normalization (policy.diffusion.clip): limits and \
                clamped_quantiles map them to −1 … 1, and clip null removes the bound
                """,
            found: "\(text(largest(worst))) in \(components[worst].name), by the rule \(rule(worst).mode.rawValue)")
    }
}
