import DPBase
import DPPolicy
import DPTraining
import Foundation

/// A size with which the cost scales.
enum ScalingAxis: String, Codable, CaseIterable {
    case batch
    case horizon
    case width
    case denoisingSteps = "denoising-steps"
    case dataset
    case threads

    var title: String {
        switch self {
        case .batch: "Batch"
        case .horizon: "Prediction horizon"
        case .width: "Width of the network"
        case .denoisingSteps: "Denoising steps"
        case .dataset: "Windows of demonstrations"
        case .threads: "Threads"
        }
    }

    /// The curves measured on the axis, with the arguments of `dpolicy bench` for each size.
    var curves: [ScalingCurve] {
        switch self {
        case .batch:
            let sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
            return [
                ScalingCurve("training step", sizes) { ["--work", "training", "--set", "training.batch_size=\($0)"] },
                ScalingCurve("network pass", sizes) { ["--work", "pass", "--batch", "\($0)"] },
            ]
        case .horizon:
            let sizes = [16, 32, 64, 128, 256]
            return [
                ScalingCurve("training step, batch 64", sizes) {
                    [
                        "--work", "training", "--set", "policy.horizon.prediction=\($0)", "--set",
                        "training.batch_size=64",
                    ]
                },
                ScalingCurve("network pass, batch 1", sizes) {
                    ["--work", "pass", "--set", "policy.horizon.prediction=\($0)"]
                },
            ]
        case .width:
            let sizes = [1, 2, 3, 4]
            return [
                ScalingCurve("training step, batch 256", sizes) { ["--work", "training", "--widen", "\($0)"] },
                ScalingCurve("network pass, batch 1", sizes) { ["--work", "pass", "--widen", "\($0)"] },
            ]
        case .denoisingSteps:
            return [
                ScalingCurve("action chunk, DDIM", [1, 2, 5, 10, 20, 50, 100]) {
                    ["--work", "chunk", "--sampler", "ddim", "--steps", "\($0)"]
                }
            ]
        case .dataset:
            return [
                ScalingCurve("training step, batch 256", [100, 1_000, 10_000, 100_000, 1_000_000]) {
                    ["--work", "training", "--windows", "\($0)"]
                }
            ]
        case .threads:
            let sizes = [1, 2, 4, 8, 16, 32, 64].filter { $0 <= Processors().usable.count }
            return [
                ScalingCurve("training step, batch 256", sizes) { ["--work", "training", "--threads", "\($0)"] },
                ScalingCurve("network pass, batch 1", sizes) { ["--work", "pass", "--threads", "\($0)"] },
                ScalingCurve("network pass, batch 64", sizes) {
                    ["--work", "pass", "--batch", "64", "--threads", "\($0)"]
                },
            ]
        }
    }
}

/// One curve of a scaling study.
struct ScalingCurve {
    let name: String
    let sizes: [Int]
    /// The arguments of `dpolicy bench` for a size.
    let arguments: (Int) -> [String]

    init(_ name: String, _ sizes: [Int], arguments: @escaping (Int) -> [String]) {
        self.name = name
        self.sizes = sizes
        self.arguments = arguments
    }
}
