import NoiseSchedules
import Policies
import PolicyInterface

extension DataReview {
    /// Checks that what is sampled stays, after normalization, within what predicted samples are clamped to while denoising.
    ///
    /// Beyond it no action could be reached that was demonstrated.
    /// - Throws: `TrainingError.wrongData` with the largest number found.
    func checkClip(_ normaliser: Normaliser) throws {
        guard let clip = policy.diffusion.clip else { return }
        try check(commanded, normaliser.action, clip) { _ in ("action", policy.normalisation.action) }
        guard policy.conditioning == .inpainting else { return }
        let fields = policy.observations.fields.flatMap { field in
            Array(repeating: field.name, count: field.count ?? 0)
        }
        try check(observed, normaliser.observation, clip) {
            ("fields.\(fields[$0])", policy.normalisation.mode(ofField: fields[$0]))
        }
    }

    private func check(
        _ components: [Component], _ map: ComponentwiseMap, _ clip: Double,
        rule: (Int) -> (key: String, mode: Normalisation.Mode)
    ) throws {
        func largest(_ index: Int) -> Double {
            let statistics = components[index].statistics
            return [statistics.minimum[index], statistics.maximum[index]].map {
                abs(Double(map.scale[index]) * Double($0) + Double(map.offset[index]))
            }.max() ?? 0
        }
        // By limits, all numbers lie in −1 … 1 but for rounding.
        let unbounded = components.indices.filter { !(rule($0).mode.isBounded && clip >= 1) && largest($0) > clip }
        guard let worst = unbounded.max(by: { largest($0) < largest($1) }) else { return }
        throw TrainingError.wrongData(
            key: "policy.normalisation.\(rule(worst).key)",
            expected: """
                numbers of at most \(text(clip)) in size after normalisation, as policy.diffusion.clip says: limits and clamped_quantiles \
                bring them into −1 … 1, and clip null lets samples go further
                """,
            found: "\(text(largest(worst))) in \(components[worst].name), by the rule \(rule(worst).mode.rawValue)")
    }
}
