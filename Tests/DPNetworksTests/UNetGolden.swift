import DPNetworks
import Foundation
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
            kernelSize: config.kernelSize, groups: config.nGroups, condPredictScale: config.condPredictScale)
    }

    var testDescription: String { name }

    /// Returns every case of the file; none if it is absent.
    static func cases() throws -> [UNetGolden] {
        guard Goldens.has(file) else {
            print("skipped: no \(Goldens.url(of: file).path)")
            return []
        }
        return try Goldens.decode([UNetGolden].self, from: file, keys: .convertFromSnakeCase)
    }
}

/// The stored summary of a parameter's gradient.
struct GradientGolden: Decodable, Sendable {
    let shape: [Int]
    let l2: Double
    let sum: Double
    let first: [Float]

    /// Returns nil if a gradient agrees within the tolerances of the goldens, otherwise the difference.
    func difference(from gradient: [Float]) -> String? { difference(from: GradientSummary(gradient), nearby: []) }

    /// Compares a gradient that may depend on decisions made by rounding.
    /// - Parameter nearby: gradients of the same network with all numbers perturbed by about the rounding error.
    ///   The tolerance grows by twice the range of these gradients, but a range above three hundredths is an error.
    func difference(from gradient: GradientSummary, nearby: [GradientSummary]) -> String? {
        func difference(_ what: String, _ expected: Double, scale: Double, _ value: (GradientSummary) -> Double)
            -> String?
        {
            let (found, values) = (value(gradient), ([gradient] + nearby).map(value))
            let range = (values.max() ?? found) - (values.min() ?? found)
            if !(range <= 3e-2 * scale + 1e-7) { return "\(what) changes by \(range) of \(scale) with rounding" }
            if abs(found - expected) <= 2e-4 * scale + 2 * range + 1e-7 { return nil }
            return "\(what) \(found), expected \(expected), which changes by \(range) with rounding"
        }
        let count = Double(shape.reduce(1, *))
        let elements = first.indices.lazy.compactMap { index in
            difference("element \(index)", Double(first[index]), scale: gradient.largest) { $0.first[index] }
        }
        return difference("l2", l2, scale: l2) { $0.l2 }
            ?? difference("sum", sum, scale: count.squareRoot() * l2) { $0.sum } ?? elements.first
    }
}

/// The values of a gradient that are compared.
struct GradientSummary {
    let l2: Double
    let sum: Double
    let largest: Double
    /// The first elements, as many as a golden has.
    let first: [Double]

    init(_ gradient: [Float]) {
        l2 = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        sum = gradient.reduce(0) { $0 + Double($1) }
        largest = Double(gradient.reduce(0) { max($0, abs($1)) })
        first = gradient.prefix(4).map(Double.init)
    }
}
