extension Sampler {
    /// Which diffusion steps a sampler visits, if not all: the values of diffusers' `timestep_spacing`.
    ///
    /// Here each step leads to the next visited step. In diffusers, `DDPMScheduler` always does the same;
    /// `DDIMScheduler` does so only with `leading` and only if the number of steps divides the number of diffusion
    /// steps.
    ///
    /// The examples are for 10 and 60 steps out of 100.
    ///
    /// ```swift
    /// let sampler = Sampler.ddim(steps: 20, spacing: .leading)  // as many published scores
    /// let policy = try DiffusionPolicy(contentsOf: "Policies/pusht", sampler: sampler)
    /// ```
    public enum Spacing: String, Codable, Sendable, Hashable, CaseIterable {
        /// Upward from 0 with an integer stride: 90, 80 … 0, and 59, 58 … 0.
        ///
        /// Unless the number of steps divides the number of diffusion steps, the noisiest steps are skipped and
        /// sampling begins in the middle.
        case leading
        /// Downward from the noisiest step: 99, 89 … 9, and 99, 97, 96 … 1.
        case trailing
        /// From the noisiest step down to 0: 99, 88 … 0, and 99, 97, 96 … 0. A single step is step 0.
        case linspace

        /// Returns the visited steps, the noisiest first.
        ///
        /// Halves are rounded to even numbers, and the arithmetic is that of NumPy's `arange` and `linspace` in
        /// double precision, so that the steps are exactly those of diffusers.
        /// - Parameters:
        ///   - count: the number of steps, in `1 ... trainingSteps`.
        ///   - trainingSteps: the number of diffusion steps.
        func timesteps(_ count: Int, of trainingSteps: Int) -> [Int] {
            func rounded(_ number: Double) -> Int { Int(number.rounded(.toNearestOrEven)) }
            switch self {
            case .leading: return (0..<count).reversed().map { $0 * (trainingSteps / count) }
            case .trailing:
                let end = Double(trainingSteps)
                // NumPy computes the distance from the first two numbers.
                let distance = (end - end / Double(count)) - end
                return (0..<count).map { rounded(end + Double($0) * distance) - 1 }
            case .linspace:
                let distance = Double(trainingSteps - 1) / Double(max(count - 1, 1))
                return (0..<count).reversed().map { rounded(Double($0) * distance) }
            }
        }
    }
}
