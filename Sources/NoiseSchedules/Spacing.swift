extension Sampler {
    /// Which steps of the diffusion a sampler visits, if not all: the spacings of diffusers' `timestep_spacing`.
    ///
    /// Here each step leads to the next one visited. diffusers' `DDIMScheduler` does so only if the number of steps divides that of the diffusion
    /// (and by `leading`); its `DDPMScheduler` always does.
    ///
    /// The examples are of 10 and of 60 steps out of 100.
    public enum Spacing: String, Codable, Sendable, Hashable, CaseIterable {
        /// From 0 upward at a whole distance: 90, 80 … 0, and 59, 58 … 0.
        ///
        /// Unless the number of steps divides that of the diffusion, the noisiest ones are left out: sampling begins in the middle.
        case leading
        /// From the noisiest one downward: 99, 89 … 9, and 99, 97, 96 … 1.
        case trailing
        /// From the noisiest one down to 0: 99, 88 … 0, and 99, 97, 96 … 0. A single step is step 0.
        case linspace

        /// The steps visited, the noisiest first.
        ///
        /// Halves are rounded to even numbers, and the numbers are those that NumPy's `arange` and `linspace` compute in double precision, so that
        /// every step is the one that diffusers visits.
        /// - Parameters:
        ///   - count: how many, in `1 ... trainingSteps`.
        ///   - trainingSteps: how many steps the diffusion has.
        func timesteps(_ count: Int, of trainingSteps: Int) -> [Int] {
            func rounded(_ number: Double) -> Int { Int(number.rounded(.toNearestOrEven)) }
            switch self {
            case .leading: return (0..<count).reversed().map { $0 * (trainingSteps / count) }
            case .trailing:
                let end = Double(trainingSteps)
                // NumPy takes the distance from the first two numbers.
                let distance = (end - end / Double(count)) - end
                return (0..<count).map { rounded(end + Double($0) * distance) - 1 }
            case .linspace:
                let distance = Double(trainingSteps - 1) / Double(max(count - 1, 1))
                return (0..<count).reversed().map { rounded(Double($0) * distance) }
            }
        }
    }
}
