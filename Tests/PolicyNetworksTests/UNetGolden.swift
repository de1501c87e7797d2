import Foundation
import PolicyNetworks
import TestSupport
import Testing

/// One case of `conditional_unet1d.json`.
struct UNetGolden: Decodable, Sendable, CustomTestStringConvertible {
    static let file = "conditional_unet1d.json"

    let name: String
    let config: Config
    let batch: Int
    let horizon: Int
    let timesteps: [Int]
    let parameters: Int
    let output: [Float]
    let loss: Float?
    let gradients: [String: GradientGolden]?
    let parameterShapes: [String: [Int]]?

    /// The arguments of the reference implementation.
    struct Config: Decodable, Sendable {
        let inputDim: Int
        let localCondDim: Int?
        let globalCondDim: Int?
        let diffusionStepEmbedDim: Int
        let downDims: [Int]
        let kernelSize: Int
        let nGroups: Int
        let condPredictScale: Bool
    }

    var configuration: ConditionalUNet1D.Configuration {
        ConditionalUNet1D.Configuration(
            inputDimension: config.inputDim, localConditioningDimension: config.localCondDim,
            globalConditioningDimension: config.globalCondDim,
            stepEmbeddingDimension: config.diffusionStepEmbedDim, downDimensions: config.downDims,
            kernelSize: config.kernelSize, groups: config.nGroups, conditionsScale: config.condPredictScale)
    }

    var testDescription: String { name }

    /// Every case of the file; none if it is absent.
    static func cases() throws -> [UNetGolden] {
        guard Goldens.has(file) else {
            print("skipped: no \(Goldens.url(of: file).path)")
            return []
        }
        return try Goldens.decode([UNetGolden].self, from: file, keys: .convertFromSnakeCase)
    }
}

/// What is kept of a parameter's gradient.
struct GradientGolden: Decodable, Sendable {
    let shape: [Int]
    let l2: Double
    let sum: Double
    let first: [Float]

    /// Whether a gradient agrees within the tolerances that the goldens state; if not, in what it differs.
    func difference(from gradient: [Float]) -> String? {
        let l2 = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let sum = gradient.reduce(0) { $0 + Double($1) }
        let largest = gradient.reduce(0) { max($0, abs($1)) }
        if !(abs(l2 - self.l2) <= 2e-4 * self.l2 + 1e-7) { return "l2 \(l2), expected \(self.l2)" }
        if !(abs(sum - self.sum) <= 2e-4 * Double(gradient.count).squareRoot() * self.l2 + 1e-7) {
            return "sum \(sum), expected \(self.sum)"
        }
        for (ours, theirs) in zip(gradient, first) where !(abs(ours - theirs) <= 2e-4 * largest + 1e-7) {
            return "first elements \(gradient.prefix(first.count)), expected \(first)"
        }
        return nil
    }
}
