import DPGraph

/// The cases of `TensorOperation` without their payloads.
enum OperationKind: CaseIterable {
    case input
    case parameter
    case constant
    case reshape
    case concatenate
    case slice
    case place
    case broadcast
    case sum
    case add
    case subtract
    case multiply
    case scale
    case clamp
    case mish
    case mishGradient
    case cast
    case gelu
    case geluGradient
    case dropout
    case linear
    case linearInputGradient
    case linearWeightGradient
    case convolution1D
    case transposedConvolution1D
    case convolution1DWeightGradient
    case groupNorm
    case groupNormGradient
    case film
    case filmGradient
    case relu
    case reluGradient
    case convolution2D
    case convolution2DInputGradient
    case convolution2DWeightGradient
    case maxPooling2D
    case maxPooling2DGradient
    case spatialSoftmax
    case spatialSoftmaxGradient
    case layerNorm
    case layerNormGradient
    case attention
    case attentionGradient
    case sinusoidalEmbedding
    case indexSelect
    case meanSquaredError
    case meanSquaredErrorGradient

    /// A new operation does not compile until it has a kind, and its kind fails the suite until it has a case.
    init(_ operation: DPGraph.TensorOperation) {
        self =
            switch operation {
            case .input: .input
            case .parameter: .parameter
            case .constant: .constant
            case .reshape: .reshape
            case .concatenate: .concatenate
            case .slice: .slice
            case .pad: .place
            case .broadcast: .broadcast
            case .sum: .sum
            case .add: .add
            case .subtract: .subtract
            case .multiply: .multiply
            case .scale: .scale
            case .clamp: .clamp
            case .mish: .mish
            case .mishGradient: .mishGradient
            case .cast: .cast
            case .gelu: .gelu
            case .geluGradient: .geluGradient
            case .dropout: .dropout
            case .linear: .linear
            case .linearInputGradient: .linearInputGradient
            case .linearWeightGradient: .linearWeightGradient
            case .convolution1D: .convolution1D
            case .transposedConvolution1D: .transposedConvolution1D
            case .convolution1DWeightGradient: .convolution1DWeightGradient
            case .groupNorm: .groupNorm
            case .groupNormGradient: .groupNormGradient
            case .film: .film
            case .filmGradient: .filmGradient
            case .relu: .relu
            case .reluGradient: .reluGradient
            case .convolution2D: .convolution2D
            case .convolution2DInputGradient: .convolution2DInputGradient
            case .convolution2DWeightGradient: .convolution2DWeightGradient
            case .maxPooling2D: .maxPooling2D
            case .maxPooling2DGradient: .maxPooling2DGradient
            case .spatialSoftmax: .spatialSoftmax
            case .spatialSoftmaxGradient: .spatialSoftmaxGradient
            case .layerNorm: .layerNorm
            case .layerNormGradient: .layerNormGradient
            case .attention: .attention
            case .attentionGradient: .attentionGradient
            case .sinusoidalEmbedding: .sinusoidalEmbedding
            case .indexSelect: .indexSelect
            case .meanSquaredError: .meanSquaredError
            case .meanSquaredErrorGradient: .meanSquaredErrorGradient
            }
    }
}
