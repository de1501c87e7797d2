import DPNetworks
import Foundation
import TestSupport
import Testing

/// One case of `transformer_for_diffusion.json`.
struct TransformerGolden: Decodable, Sendable, CustomTestStringConvertible {
    static let file = "transformer_for_diffusion.json"

    let name: String
    let config: Config
    let batch: Int
    let timesteps: [Int]
    let parameters: Int
    let output: [Float]
    let loss: Float?
    let gradients: [String: GradientGolden]?
    let weightDecayParameters: [String]?

    /// The arguments of the reference implementation.
    struct Config: Decodable, Sendable {
        let inputDim: Int
        let outputDim: Int
        let horizon: Int
        let nObsSteps: Int?
        let condDim: Int
        let nLayer: Int
        let nHead: Int
        let nEmb: Int
        let pDropEmb: Float
        let pDropAttn: Float
        let causalAttn: Bool
        let timeAsCond: Bool
        let nCondLayers: Int
    }

    var configuration: TransformerForDiffusion.Configuration {
        TransformerForDiffusion.Configuration(
            inputDimension: config.inputDim, outputDimension: config.outputDim, horizon: config.horizon,
            observationSteps: config.nObsSteps ?? config.horizon,
            observationDimension: config.condDim > 0 ? config.condDim : nil, layers: config.nLayer,
            heads: config.nHead, width: config.nEmb, embeddingDropout: config.pDropEmb,
            attentionDropout: config.pDropAttn, isCausal: config.causalAttn,
            step: config.timeAsCond ? .condition : .token, conditionLayers: config.nCondLayers)
    }

    var testDescription: String { name }

    /// Returns every case of the file; none if it is absent.
    static func cases() throws -> [TransformerGolden] {
        guard Goldens.has(file) else {
            print("skipped: no \(Goldens.url(of: file).path)")
            return []
        }
        return try Goldens.decode([TransformerGolden].self, from: file, keys: .convertFromSnakeCase)
    }
}
