import DPCPU
import DPGraph

/// The processor that trains or runs a policy, and how it computes.
///
/// ```swift
/// let device = ComputeDevice.cpu(threads: 2)
/// let policy = try DiffusionPolicy(contentsOf: "Policies/pusht", sampler: .ddim(steps: 10), device: device)
/// ```
public struct ComputeDevice: Sendable {
    /// The precision of products; sums and everything else are in float32.
    ///
    /// ```swift
    /// let trainer = try Trainer(
    ///     recipe: recipe, demonstrations: demonstrations, device: .cpu(precision: .float32))
    /// ```
    public enum Precision: String, Sendable, CaseIterable {
        /// 32-bit floating point.
        case float32
        /// 16-bit floating point with the exponent of float32; needs AVX-512 bf16.
        case bfloat16
    }

    /// The format in which weights are held for inference.
    ///
    /// ```swift
    /// let policy = try DiffusionPolicy(contentsOf: "runs/images/policy", device: .cpu(weights: .int8))
    /// ```
    public enum Weights: String, Sendable, CaseIterable {
        /// The precision of the products.
        case native
        /// 8-bit integers with a scale per output, which is faster for networks that outgrow the caches.
        case int8
    }

    private let threads: Int?
    private let precision: Precision?
    private let weights: Weights

    /// This computer's processor.
    /// - Parameters:
    ///   - threads: the number of threads; by default one per usable core, limited by the CPU quota (see
    ///     `Documentation/machines.md`).
    ///   - precision: the precision of products; by default the fastest.
    ///   - weights: the format of weights for inference.
    public static func cpu(threads: Int? = nil, precision: Precision? = nil, weights: Weights = .native) -> Self {
        ComputeDevice(threads: threads, precision: precision, weights: weights)
    }

    /// A backend that runs policies on the device.
    func backend() -> any Backend {
        CPUBackend(
            threads: threads, precision: precision.flatMap { DPGraph.Precision(rawValue: $0.rawValue) },
            weights: WeightFormat(rawValue: weights.rawValue) ?? .native)
    }

    /// A backend that trains on the device.
    func trainingBackend() -> any Backend {
        CPUBackend(
            threads: threads,
            precision: precision.flatMap { DPGraph.Precision(rawValue: $0.rawValue) } ?? CPUBackend.precisionForTraining
        )
    }
}
